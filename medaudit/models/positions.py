"""Explicit position ids, so that left padding and a resumed cache count alike.

Types with multimodal rotary embeddings (Qwen-VL and kin) count rows and columns of an image; their own
``get_rope_index`` is asked. They also keep an offset from the last prompt on the module, which would leak
into the next one: :func:`forget` clears it.
"""

from __future__ import annotations

import inspect
from typing import Any


def rope_owner(network: Any) -> Any:
    """The submodule that computes 3-D positions, or None."""
    return next((part for part in network.modules() if hasattr(part, "get_rope_index")), None)


def forget(network: Any) -> None:
    """Drop position offsets that earlier prompts left on the modules."""
    for part in network.modules():
        if getattr(part, "rope_deltas", None) is not None:
            part.rope_deltas = None


def prefix_positions(network: Any, inputs: dict[str, Any]) -> Any:
    """Positions of the prompt: (3, b, length) or (b, length), or None where the model is to count itself."""
    owner = rope_owner(network)
    if owner is not None:
        if not any(name.endswith("grid_thw") for name in inputs):
            return None
        names = inspect.signature(owner.get_rope_index).parameters
        return owner.get_rope_index(**{name: inputs[name] for name in names if name in inputs})[0]
    if "position_ids" not in inspect.signature(network.forward).parameters or "position_ids" in inputs:
        return None
    return (inputs["attention_mask"].long().cumsum(-1) - 1).clamp(min=0)


def next_positions(prefix: Any, rows: Any, length: int) -> Any:
    """Positions of ``length`` tokens that continue the prompts ``rows``; shaped as ``prefix``."""
    import torch

    if prefix is None:
        return None
    steps = torch.arange(1, length + 1, device=prefix.device)
    if prefix.dim() == 3:
        last = prefix.amax(dim=(0, 2))[rows]
        return (last[:, None] + steps).expand(prefix.shape[0], -1, -1)
    return prefix[:, -1][rows][:, None] + steps
