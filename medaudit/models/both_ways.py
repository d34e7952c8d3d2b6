"""Vision towers that the library marks as causal by mistake."""

from __future__ import annotations

from typing import Any

#: By model type, part of the module names. An image whose every patch is valid gets no mask, and attention
#: without a mask goes by the module's mark: such an image would be read as a sequence, row by row, while one
#: with padding in the same batch, or eager attention, reads it whole as the tower was trained.
MARKED_CAUSAL = {"phi4_multimodal": "img_processor"}

NOTE = "image attention: both ways, as trained; the installed library marks the vision tower causal"


def look_both_ways(network: Any) -> bool:
    """Take the mark off a vision tower's attention modules; True where there was one."""
    part = MARKED_CAUSAL.get(network.config.model_type)
    marked = [
        module
        for name, module in network.named_modules()
        if part is not None and part in name and getattr(module, "is_causal", False)
    ]
    for module in marked:
        module.is_causal = False
    return bool(marked)
