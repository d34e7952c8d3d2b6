"""Networks that write by denoising a block of tokens, read in order where a likelihood is asked for."""

from __future__ import annotations

from typing import Any

#: Classes whose encoder reads a text from left to right with the decoder's own weights and head.
DENOISING = frozenset({"DiffusionGemmaForBlockDiffusion"})
NOTE = (
    "text: denoised from random tokens, with a fixed seed; option scores: those of its encoder, read in order"
)


def read_in_order(network: Any) -> Any:
    """The network; one that denoises gets a subclass of the same name whose ``forward`` is its encoder's.

    Without a block to denoise, ``forward`` then gives next-token logits of the encoder, (b, length,
    vocabulary), capped as the decoder's are. ``generate`` denoises as before, from random tokens with a fixed
    seed, and its text is cut at ``max_new_tokens``.
    """
    kind = type(network)
    if kind.__name__ in DENOISING and "_settings" not in network.__dict__:
        network._settings = network.generation_config
        parts = {"get_decoder": _reader, "get_encoder": _tower}
        functions = {"forward": _forward, "generate": _generate, **parts}
        network.__class__ = type(kind.__name__, (kind,), functions)
    return network


def _reader(network: Any) -> Any:
    """The layers that ``forward`` runs a text through."""
    return network.model.encoder.language_model


def _tower(network: Any, modality: str | None = None) -> Any:
    encoder = network.model.encoder
    return encoder.vision_tower if modality == "image" else encoder


def remarks(network: Any) -> tuple[str, ...]:
    """What a report says of such a network; nothing of any other."""
    return (NOTE,) if type(network).__name__ in DENOISING else ()


def _forward(
    network: Any,
    input_ids: Any = None,
    attention_mask: Any = None,
    position_ids: Any = None,
    past_key_values: Any = None,
    pixel_values: Any = None,
    image_position_ids: Any = None,
    mm_token_type_ids: Any = None,
    decoder_input_ids: Any = None,
    logits_to_keep: int = 0,
    **given: Any,
) -> Any:
    """Next-token logits of a text, or a denoising step where there is a block to denoise."""
    from transformers.modeling_outputs import CausalLMOutputWithPast

    named = {"position_ids": position_ids, "past_key_values": past_key_values}
    if decoder_input_ids is not None:
        step = super(type(network), network).forward
        return step(input_ids, attention_mask, decoder_input_ids=decoder_input_ids, **named, **given)
    encoder = network.model.encoder
    seen = {"pixel_values": pixel_values, "image_position_ids": image_position_ids}
    # The encoder by itself would forget that image tokens see one another; `generate` does not.
    masks = encoder.create_masks_for_generate(
        network.config.get_text_config(),
        encoder.get_input_embeddings()(input_ids),
        attention_mask,
        past_key_values,
        position_ids,
        mm_token_type_ids,
    )
    found = encoder(input_ids, attention_mask=masks, **seen, **named, **given)
    logits = network.lm_head(found.last_hidden_state[:, -logits_to_keep:]).float()
    cap = network.final_logit_softcapping
    return CausalLMOutputWithPast(
        logits=cap * (logits / cap).tanh(),
        past_key_values=found.past_key_values,
        hidden_states=found.hidden_states,
        attentions=found.attentions,
    )


def _generate(network: Any, input_ids: Any, max_new_tokens: int, **given: Any) -> Any:
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(0)
        ids = super(type(network), network).generate(
            input_ids,
            generation_config=network._settings,
            max_new_tokens=max_new_tokens,
            return_dict_in_generate=False,
            **given,
        )
    return ids[:, : input_ids.shape[1] + max_new_tokens]
