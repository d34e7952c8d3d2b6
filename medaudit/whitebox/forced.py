"""One pass over a prompt and a given answer, for reading attention and gradients along the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from medaudit.errors import UsageError
from medaudit.model import Capability, Request


@dataclass(frozen=True)
class Forced:
    """Arguments of the pass, the prompt's own tensors, and the answer's ids (1, m) on the model's device.

    ``rows`` are the positions whose output predicts the answer's tokens, in the decoder's text where the
    network has two halves.
    """

    arguments: dict[str, Any]
    prompt: dict[str, Any]
    ids: Any
    rows: slice
    two_halves: bool

    def log_likelihood(self, logits: Any) -> Any:
        """Sum over the answer's tokens of log p, a scalar tensor; logits (1, length, vocabulary)."""
        import torch

        # Half precision is summed in single; double stays double.
        kept = torch.promote_types(logits.dtype, torch.float32)
        logp = logits[0, self.rows].to(kept).log_softmax(dim=-1)
        return logp.gather(-1, self.ids[0][:, None]).sum()


def forced(
    model: Any,
    request: Request,
    answer: str,
    replaced: Mapping[str, Any] | None = None,
    *,
    ends: bool = False,
) -> Forced:
    """The pass of ``request`` that is forced to say ``answer``, and to end there with ``ends``.

    ``replaced`` are tensors to take in place of the prompt's own (pixels that carry a gradient). Raises
    UsageError where the request does not build.
    """
    import torch

    from medaudit.models.positions import forget

    asked = replace(request, task=Capability.CHOOSE, options=(answer,), intervention="")
    (group,) = model.builder.groups([asked])
    if group.error is not None:
        raise UsageError("the request cannot be put to this model: its inputs do not build.")
    prompt = {**model._placed(group), **(replaced or {})}
    end = model.builder.tokenizer.eos_token_id if ends else None
    said = [*group.options[0][0], *([] if end is None else [end])]
    ids = torch.tensor([said], device=model.network.device)
    forget(model.network)
    two_halves = bool(model.network.config.is_encoder_decoder)
    build = _decoded if two_halves else _continued
    rows = slice(-ids.shape[1], None) if two_halves else slice(-ids.shape[1] - 1, -1)
    return Forced(build(model, prompt, ids), prompt, ids, rows, two_halves)


def _decoded(model: Any, prompt: dict[str, Any], ids: Any) -> dict[str, Any]:
    """The answer behind what the decoder's text begins with: the question, or the start token alone."""
    import torch

    from medaudit.models.decoder_prompts import decoder_start

    begin = prompt.get("decoder_input_ids")
    if begin is None:
        begin = torch.full_like(ids[:, :1], decoder_start(model.network, model.scorer.pad))
    given = {name: value for name, value in prompt.items() if not name.startswith("decoder_")}
    return {**given, "decoder_input_ids": torch.cat([begin, ids[:, :-1]], dim=1), "use_cache": False}


def _continued(model: Any, prompt: dict[str, Any], ids: Any) -> dict[str, Any]:
    import torch

    from medaudit.models.likelihood import SUFFIX_TYPE, _extended
    from medaudit.models.positions import prefix_positions, rope_owner

    kind = SUFFIX_TYPE.get(str(model.network.config.model_type), 0)
    extended = _extended(prompt, ids, torch.ones_like(ids), kind)
    if rope_owner(model.network) is None:
        positions = prefix_positions(model.network, extended)
        extended |= {} if positions is None else {"position_ids": positions}
    return {**extended, "use_cache": False}
