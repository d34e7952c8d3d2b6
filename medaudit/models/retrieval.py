"""Retrieval networks that compare a picture with a text inside ``forward`` alone, given the two towers."""

from __future__ import annotations

from typing import Any


def with_towers(network: Any) -> Any:
    """The network, with ``get_image_features`` and ``get_text_features`` where its class lacks them.

    Its class becomes a subclass of the same name, so that whatever wraps or edits those functions finds them
    where every other contrastive type has them.
    """
    kind = type(network)
    functions = TOWERS.get(kind.__name__)
    if functions is not None and not hasattr(network, "get_image_features"):
        network.__class__ = type(kind.__name__, (kind,), dict(functions))
    return network


def _query_features(network: Any, pixel_values: Any, **given: Any) -> Any:
    """One embedding per query, (n, queries, d): a text is compared with the query that is most like it."""
    import torch

    seen = network.vision_model(pixel_values=pixel_values, **given).last_hidden_state
    queries = network.query_tokens.expand(seen.shape[0], -1, -1)
    found = network.qformer(
        query_embeds=queries,
        encoder_hidden_states=seen.to(network.qformer.dtype),
        encoder_attention_mask=torch.ones(seen.shape[:-1], dtype=torch.long, device=seen.device),
    ).last_hidden_state
    return network.vision_projection(found.to(network.vision_projection.weight.dtype))


def _first_word_features(network: Any, input_ids: Any, attention_mask: Any, **_: Any) -> Any:
    """The text read by the same Q-Former without queries, at its first token: (n, d)."""
    words = network.embeddings(input_ids=input_ids)
    found = network.qformer(
        query_embeds=words, query_length=0, attention_mask=attention_mask
    ).last_hidden_state
    return network.text_projection(found[:, 0].to(network.text_projection.weight.dtype))


#: By class. BLIP-2: Li et al., arXiv:2301.12597, section 3.1 (image-text contrastive learning).
TOWERS = {
    "Blip2ForImageTextRetrieval": {
        "get_image_features": _query_features,
        "get_text_features": _first_word_features,
    }
}
