"""The one place where albumentations is loaded: on first use, and with its update check switched off."""

from __future__ import annotations

import os
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.image import Pixels

HENDRYCKS = "Hendrycks & Dietterich 2019, ICLR, arXiv:1903.12261"
MEDMNIST_C = "Di Salvo, Doerrich & Ledig 2024, MedMNIST-C, arXiv:2406.17536"
REFERENCE = f"{HENDRYCKS}; {MEDMNIST_C}"


def functional(part: str) -> ModuleType:
    """``albumentations.augmentations.PART.functional``: pure functions on arrays, no random state."""
    # Read by albumentations at import, which otherwise asks the package index for a newer version.
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    return import_module(f"albumentations.augmentations.{part}.functional")


def as_unit(pixels: Pixels) -> NDArray[np.float32]:
    """uint8 0..255 to float32 0..1: whatever is computed between is rounded once, at the end."""
    return pixels.astype(np.float32) / np.float32(255)


def as_bytes(unit: NDArray[np.float32]) -> Pixels:
    """float 0..1 to uint8: rounded to nearest and clipped, never wrapped around."""
    return np.clip(np.rint(unit * 255), 0, 255).astype(np.uint8)


def is_grey(pixels: Pixels) -> bool:
    """Whether the three channels are equal, as in a radiograph stored as RGB."""
    return bool((pixels == pixels[..., :1]).all())
