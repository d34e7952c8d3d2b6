"""Does a batch change what is generated? Compared on logits: equal words prove little if one word leads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from medaudit.checks.bench import Bench, Outcome
from medaudit.model import Request


def stepwise(bench: Bench, requests: Sequence[Request]) -> Outcome | None:
    """Logits of each generated token in one batch against those of each request alone.

    Steps are compared as far as both wrote the same tokens; what follows unlike tokens is unlike. None for
    models that do not show logits.
    """
    model: Any = bench.model
    if not hasattr(getattr(model, "network", None), "generate"):
        return None
    together = _logits(model, requests)
    alone = [_logits(model, [request])[0] for request in requests]
    worst, steps = 0.0, 0
    for one, other in zip(together, alone, strict=True):
        for mine, own in zip(one, other, strict=False):
            gap = float((mine - own).abs().nan_to_num(float("inf")).max())
            worst, steps = max(worst, gap), steps + 1
            if int(mine.argmax()) != int(own.argmax()):
                break
    status = "works" if worst <= bench.tolerance else "fails"
    return (
        status,
        f"largest difference of a logit {worst:.2g} in {steps} steps, tolerance {bench.tolerance:g}",
    )


def _logits(model: Any, requests: Sequence[Request]) -> list[Any]:
    """(steps, vocabulary) of every request, float32, excluded tokens (-inf) at 0."""
    import torch

    from medaudit.models.positions import forget

    found: dict[int, Any] = {}
    for group in model.builder.groups(requests):
        if group.error is not None:
            raise RuntimeError(group.error)
        forget(model.network)
        with torch.inference_mode():
            out = model.network.generate(
                **model._placed(group),
                max_new_tokens=group.max_new_tokens,
                output_logits=True,
                return_dict_in_generate=True,
            )
        steps = torch.stack(list(out.logits)).float().nan_to_num(float("nan"), 0.0, 0.0)
        found |= {place: steps[:, row] for row, place in enumerate(group.places)}
    return [found[place] for place in range(len(requests))]
