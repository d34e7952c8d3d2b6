"""Test pictures: a processor shows on them which original pixel each of its output elements came from."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit.geometry.errors import NoGrid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Pixels = NDArray[np.uint8]

#: Names under which processors hand over pixels, most common first.
PIXEL_KEYS = (
    "pixel_values",
    "pixel_values_images",
    "image_pixel_values",
    "flattened_patches",
    "image_patches",
    "high_res_pixel_values",
)
#: Further views of the same image, of another size, which the tower sees after the others.
FURTHER_KEYS = ("pixel_values_local",)


@dataclass(frozen=True)
class Measured:
    """Source position of every element of a pixel tensor; NaN where an element shows no image.

    ``x``, ``y``: shape of the tensor, original pixels. ``inputs`` is what the processor returned for the
    white picture, ``key`` the name of the pixel tensor in it.
    """

    key: str
    x: Floats
    y: Floats
    inputs: dict[str, Any]


def measure(process: Callable[[Pixels], dict[str, Any]], size: tuple[int, int]) -> list[Measured]:
    """Ask where each element of a processor's output comes from; one answer per pixel tensor of the image.

    Black, white and two ramps (grey = column, grey = row) are processed. Whatever the processor does
    linearly, resizing, cropping, padding, tiling, flattening, normalising, an element's place is::

        x = width * (ramp - black) / (white - black)

    and an element that is equal for black and white is padding. Raises NoGrid where the output holds no
    pixels or its shape depends on their content.
    """
    height, width = size
    across, down = (np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height
    shares = (0.0, 1.0, np.broadcast_to(across, size), np.broadcast_to(down[:, None], size))
    results = [process(_grey(share, size)) for share in shares]
    more = [key for key in FURTHER_KEYS if results[1].get(key) is not None]
    return [_places(results, size, key) for key in (pixel_key(results[1]), *more)]


def _places(results: list[dict[str, Any]], size: tuple[int, int], key: str) -> Measured:
    height, width = size
    black, white, x_ramp, y_ramp = (as_floats(result[key]) for result in results)
    if not black.shape == white.shape == x_ramp.shape == y_ramp.shape:
        raise NoGrid("the processor looks at the content of an image before it decides on its layout")
    span = white - black
    if np.abs(span).max(initial=0.0) < 1e-6:
        return _standardised(key, black, x_ramp, y_ramp, size, results[1])
    # Interpolation mixes padding in, or rings beside it: such elements would bias a share.
    clean = np.abs(np.abs(span) / _usual(np.abs(span)) - 1) < 0.01
    with np.errstate(divide="ignore", invalid="ignore"):
        x = np.where(clean, (x_ramp - black) / span * width, np.nan)
        y = np.where(clean, (y_ramp - black) / span * height, np.nan)
    return Measured(key, x, y, results[1])


def pixel_key(inputs: dict[str, Any]) -> str:
    """The name of the pixel tensor among a processor's outputs."""
    for key in PIXEL_KEYS:
        if inputs.get(key) is not None:
            return key
    raise NoGrid("the processor's output holds no pixels")


def as_floats(value: Any) -> Floats:
    """A tensor, array or nested list of tensors as float64."""
    while isinstance(value, list | tuple):
        if len(value) != 1:
            raise NoGrid("the processor returns pieces of an image as a list")
        value = value[0]
    if hasattr(value, "detach"):
        value = value.detach().cpu().float().numpy()
    return np.asarray(value, dtype=np.float64)


def _usual(span: Floats) -> Floats:
    """Median span of what is not padding: of each channel of planes, or each place in a flattened patch."""
    planes = span.ndim >= 4 and span.shape[-1] not in (1, 3)
    channel = span.ndim - 3 if planes else span.ndim - 1
    others = tuple(axis for axis in range(span.ndim) if axis != channel)
    shown = np.where(span > 1e-6, span, np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a place that is padding in every patch
        usual: Floats = np.nanmedian(shown, axis=others, keepdims=True)
    return np.nan_to_num(usual, nan=np.inf)


def _grey(share: float | Floats, size: tuple[int, int]) -> Pixels:
    """A grey picture, dithered: its 256 greys average to far finer steps over a row or a column."""
    rows, columns = np.ogrid[: size[0], : size[1]]
    # Steps of the plastic ratio fill the unit interval evenly along any line.
    dither = (0.7548776662466927 * rows + 0.5698402909980532 * columns) % 1.0
    grey = np.floor(255 * np.broadcast_to(share, size) + np.where(np.equal(share, 1.0), 0.0, dither))
    return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)


def _standardised(
    key: str, black: Floats, x_ramp: Floats, y_ramp: Floats, size: tuple[int, int], inputs: dict[str, Any]
) -> Measured:
    """Processors that standardise every image by itself show no difference of black and white.

    A ramp is then known up to a shift and a scale, which its ends give.
    """
    shown = (x_ramp != black) | (y_ramp != black)
    if not shown.any():
        raise NoGrid("the processor's pixels do not depend on the image")

    def place(ramp: Floats, extent: int) -> Floats:
        low, high = ramp[shown].min(), ramp[shown].max()
        return np.where(shown, 0.5 + (ramp - low) / (high - low) * (extent - 1), np.nan)

    return Measured(key, place(x_ramp, size[1]), place(y_ramp, size[0]), inputs)
