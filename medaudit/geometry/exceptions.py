"""Types whose language model gets no grid of image tokens, and why, as data."""

from __future__ import annotations

import re
from typing import Any

RESAMPLED = "its learned queries each look at the whole image"

#: What enters the language model stands for no place.
NO_GRID: dict[str, str] = {
    "aria": RESAMPLED,
    "blip-2": RESAMPLED,
    "instructblip": RESAMPLED,
    "instructblipvideo": RESAMPLED,
    "idefics2": RESAMPLED,
    "kosmos-2": RESAMPLED,
    "kosmos-2.5": RESAMPLED,
    "deepseek_ocr2": RESAMPLED,
}

#: What the processor shows depends on the picture's content and not on its size alone: no stage has a map.
BY_CONTENT: dict[str, str] = {"pp_formulanet": "its processor cuts off margins by their content"}

#: The whole sequence of the vision tower is read, class tokens included: tokens of no place before each view.
TOWER_SEQUENCES: dict[str, int] = {
    "blip": 1,
    "git": 1,
    "idefics": 1,
    "mllama": 1,
    "pix2struct": 0,
}

_RESAMPLER = re.compile(r"QFormer|Perceiver", re.IGNORECASE)


def no_grid(network: Any, stage: str = "projector") -> str | None:
    """Why the type has no map from image regions to its tokens at a stage, or None."""
    kind = network.config.model_type
    if kind in BY_CONTENT or stage != "projector":
        return BY_CONTENT.get(kind)
    if kind in NO_GRID:
        return NO_GRID[kind]
    named = any(_RESAMPLER.search(type(module).__name__) for module in network.modules())
    return RESAMPLED if named else None
