"""MedMNIST-C: the corruptions of twelve data sets at their published severities, as ``DATASET_CORRUPTION``.

Published lengths in pixels are for pictures of 224 x 224; here they grow and shrink with the shorter side.
A grey picture is computed on one channel. The published code draws noise on three and mixes them, so that its
noise is weaker than its numbers; ours is what the numbers say.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit.registry import shift
from medaudit.shifts import medmnist_c_blur as blur
from medaudit.shifts import medmnist_c_marks as marks
from medaudit.shifts import medmnist_c_noise as noise
from medaudit.shifts import medmnist_c_pixels as pixelwise
from medaudit.shifts.library import MEDMNIST_C, on_one_channel
from medaudit.shifts.medmnist_c_table import DATA_SETS, DataSet, Ladder

if TYPE_CHECKING:
    from medaudit.image import Pixels

    Operation = Callable[..., Pixels]

#: Side of the pictures that published lengths are for.
PUBLISHED_SIDE = 224

OPERATIONS: dict[str, Operation] = {
    "pixelate": pixelwise.pixelate,
    "jpeg": pixelwise.jpeg,
    "gaussian_noise": noise.gaussian_noise,
    "speckle_noise": noise.speckle_noise,
    "impulse_noise": noise.impulse_noise,
    "shot_noise": noise.shot_noise,
    "defocus_blur": blur.defocus_blur,
    "motion_blur": blur.motion_blur,
    "gaussian_blur": blur.gaussian_blur,
    "zoom_blur": blur.zoom_blur,
    "brightness_up": pixelwise.brightness,
    "brightness_down": pixelwise.brightness,
    "contrast_up": pixelwise.contrast,
    "contrast_down": pixelwise.contrast,
    "gamma_up": pixelwise.gamma,
    "gamma_down": pixelwise.gamma,
    "saturate": pixelwise.saturate,
    "stain_deposit": marks.stain_deposit,
    "bubble": marks.bubble,
    "black_corner": marks.black_corner,
    "characters": marks.characters,
}


def laid_on(
    pixels: Pixels, operation: Operation, numbers: tuple[float, ...], rng: np.random.Generator
) -> Pixels:
    """An operation's result on (h, w, 3) pixels, computed on one channel where all three are equal."""
    pixels = np.ascontiguousarray(pixels)
    scale = min(pixels.shape[:2]) / PUBLISHED_SIDE
    if operation in pixelwise.POINTWISE:
        return operation(pixels, scale, rng, *numbers)
    return on_one_channel(pixels, lambda picture: operation(picture, scale, rng, *numbers))


def _numbers(ladder: Ladder, severity: int) -> tuple[float, ...]:
    given = ladder[severity - 1]
    return given if isinstance(given, tuple) else (given,)


def _words(operation: Operation, kind: DataSet, ladder: Ladder) -> str:
    """The docstring: what it is, its five severities in a table, and the operation's own formula."""
    first, _, rest = (inspect.getdoc(operation) or "").partition("\n\n")
    names = list(inspect.signature(operation).parameters)[3:]
    columns = [("severity", range(1, 6)), *zip(names, zip(*_rows(ladder), strict=True), strict=True)]
    cells = [[name, *(f"{value:g}" for value in values)] for name, values in columns]
    width = max(len(cell) for row in cells for cell in row)
    rule = "  ".join(["=" * width] * 6)
    lines = ["  ".join(cell.rjust(width) for cell in row) for row in cells]
    table = "\n".join([rule, lines[0], rule, *lines[1:], rule])
    title = f"{first.rstrip('.')} ({kind.title}-C, {kind.shows})."
    return f"{title}\n\n{table}\n\nPixels are those of a picture whose shorter side is 224.\n\n{rest}"


def _rows(ladder: Ladder) -> list[tuple[float, ...]]:
    return [_numbers(ladder, severity) for severity in range(1, 6)]


def _register(name: str, corruption: str, kind: DataSet, ladder: Ladder) -> None:
    operation = OPERATIONS[corruption]

    def apply(pixels: Pixels, severity: int, rng: np.random.Generator) -> Pixels:
        return laid_on(pixels, operation, _numbers(ladder, severity), rng)

    apply.__name__ = apply.__qualname__ = name
    apply.__doc__ = _words(operation, kind, ladder)
    register: Any = shift(
        name,
        family="medmnist_c",
        reference=MEDMNIST_C,
        version="2",
        modalities=(kind.modality,),
        default=False,
    )
    register(apply)


for _data_set, _kind in DATA_SETS.items():
    for _corruption, _ladder in _kind.corruptions.items():
        _register(f"{_data_set}_{_corruption}", _corruption, _kind, _ladder)
