"""The one place where albumentations is loaded: on first use, and with its update check switched off."""

from __future__ import annotations

import os
from importlib import import_module
from threading import Lock
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from medaudit.image import Pixels

HENDRYCKS = "Hendrycks & Dietterich 2019, ICLR, arXiv:1903.12261"
MEDMNIST_C = "Di Salvo, Doerrich & Ledig 2024, MedMNIST-C, arXiv:2406.17536"
REFERENCE = f"{HENDRYCKS}; {MEDMNIST_C}"


#: Its parts import one another: two threads that begin with different ones would wait for each other.
_IMPORTING = Lock()


def functional(part: str) -> ModuleType:
    """``albumentations.augmentations.PART.functional``: pure functions on arrays, no random state."""
    # Read by albumentations at import, which otherwise asks the package index for a newer version.
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    with _IMPORTING:
        return import_module(f"albumentations.augmentations.{part}.functional")


def as_unit(pixels: Pixels) -> NDArray[np.float32]:
    """uint8 0..255 to float32 0..1: whatever is computed between is rounded once, at the end."""
    return pixels.astype(np.float32) / np.float32(255)


def as_bytes(unit: NDArray[np.float32]) -> Pixels:
    """float 0..1 to uint8: rounded to nearest and clipped, never wrapped around."""
    return np.clip(np.rint(unit * 255), 0, 255).astype(np.uint8)


def to_bytes(values: object) -> Pixels:
    """Grey values 0..255 of any type to uint8: rounded to nearest and clipped."""
    return np.asarray(np.clip(np.rint(np.asarray(values)), 0, 255), dtype=np.uint8)


def looked_up(pixels: Pixels, table: Pixels) -> Pixels:
    """Every byte through a table of 256: a grey picture stays grey."""
    return np.asarray(functional("pixel").sz_lut(pixels, table, inplace=False))


def words_looked_up(words: NDArray[np.uint16], table: NDArray[Any]) -> NDArray[Any]:
    """Every number of 16 bits through a table of 65,536, of bytes or float32."""
    import cv2

    # Releases before the fifth take bytes alone.
    if int(cv2.__version__.split(".")[0]) >= 5:
        return np.asarray(cv2.LUT(words, table)).reshape(words.shape)
    return np.asarray(table.take(words))


def is_grey(pixels: Pixels) -> bool:
    """Whether the three channels are equal, as in a radiograph stored as RGB."""
    return bool((pixels == pixels[..., :1]).all())


def grey_plane(pixels: Pixels) -> Pixels | None:
    """The one channel (h, w) of a grey picture (h, w, 3); None for a coloured one."""
    import cv2

    # Nearly every coloured picture is known by a few of its pixels, without a look at the others.
    few = pixels[::13, ::13]
    if (few[..., 0] != few[..., 1]).any():
        return None
    first = cv2.extractChannel(np.ascontiguousarray(pixels), 0)
    apart = cv2.norm(cv2.cvtColor(first, cv2.COLOR_GRAY2RGB), pixels, cv2.NORM_INF)
    return None if apart else np.asarray(first)


def on_one_channel(pixels: Pixels, change: Callable[[Pixels], Pixels]) -> Pixels:
    """``change`` of (h, w) for a grey picture and of (h, w, 3) for a coloured one, always (h, w, 3)."""
    import cv2

    pixels = np.ascontiguousarray(pixels)  # cv2 takes no other layout
    if (one := grey_plane(pixels)) is not None:
        return np.asarray(cv2.cvtColor(change(one), cv2.COLOR_GRAY2RGB))
    return np.ascontiguousarray(change(pixels))


def by_plane(picture: Pixels, change: Callable[[Pixels], Pixels]) -> Pixels:
    """``change`` of each channel alone: a plane of a large picture stays in the processor's cache."""
    import cv2

    if picture.ndim == 2:
        return change(picture)
    planes = [change(np.asarray(cv2.extractChannel(picture, channel), np.uint8)) for channel in range(3)]
    return np.asarray(cv2.merge(planes), np.uint8)
