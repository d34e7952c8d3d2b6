"""Fit a processor's count of image tokens to the features that its network makes."""

from __future__ import annotations

import re
from typing import Any

from medaudit.architectures.shrink import WIDTH
from medaudit.architectures.trial import run_once

_COUNTS = re.compile(r"tokens:?\s*(\d+).*?features:?\s*(\d+)", re.IGNORECASE | re.DOTALL)
_LENGTHS = ("image_seq_length", "image_seq_len", "num_image_tokens")


def calibrate(processor: Any, network: Any) -> None:
    """Make the processor write as many image tokens as the network has features, where the two disagree."""
    for _ in range(2):
        try:
            run_once(processor, network)
        except ValueError as error:
            counts = _COUNTS.search(str(error))
            if counts is None or not _scaled(processor, *map(int, counts.groups())):
                raise
        else:
            return
    run_once(processor, network)


def _scaled(processor: Any, tokens: int, features: int) -> bool:
    """Fit the processor's own count of image tokens; libraries report features or all their numbers."""
    if features >= tokens * WIDTH // 2:
        features //= WIDTH
    done = False
    if getattr(processor, "num_additional_image_tokens", None) is not None and abs(features - tokens) == 1:
        processor.num_additional_image_tokens += features - tokens
        return True
    for owner in (processor, getattr(processor, "image_processor", None)):
        for name in _LENGTHS:
            value = getattr(owner, name, None)
            if isinstance(value, int) and value and features != tokens and tokens:
                setattr(owner, name, max(1, value * features // tokens))
                done = True
    return done
