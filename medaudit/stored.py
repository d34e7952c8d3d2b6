"""Grey values as the detector or the reconstruction left them, before a window makes a picture of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.image import Image, Pixels

    Values = NDArray[np.float64]


@dataclass(frozen=True)
class Window:
    """A window in rescaled units; ``function`` is LINEAR, LINEAR_EXACT or SIGMOID (PS3.3 C.11.2.1.2)."""

    centre: float
    width: float
    function: str = "LINEAR"

    @property
    def span(self) -> tuple[float, float]:
        """The value shown black and the distance from it to white, never 0; nominal for a SIGMOID."""
        exact = self.function != "LINEAR"
        width = self.width if exact else self.width - 1.0
        return (self.centre if exact else self.centre - 0.5) - width / 2, max(width, 1e-6)

    def apply(self, values: Values) -> Values:
        """Values on 0..255."""
        centre, width = self.centre, self.width
        if self.function == "SIGMOID":
            with np.errstate(over="ignore"):
                return 255.0 / (1.0 + np.exp(-4.0 * (values - centre) / width))
        if self.function == "LINEAR":
            if width == 1:
                return np.where(values <= centre - 0.5, 0.0, 255.0)
            return np.clip((values - (centre - 0.5)) / (width - 1.0) + 0.5, 0.0, 1.0) * 255.0
        return np.clip((values - (centre - width / 2)) / width, 0.0, 1.0) * 255.0


#: An 8-bit picture is its own stored values.
AS_IS = Window(127.5, 255.0, "LINEAR_EXACT")


@dataclass(frozen=True)
class Stored:
    """``values`` (h, w) float64 in rescaled units (HU for CT), the window that shows them, and their depth.

    ``inverted`` pictures show small values white (MONOCHROME1). ``unit`` is ``HU``, or empty where values
    are of no known scale. ``padded`` (h, w) marks pixels that were never measured. ``colour`` (h, w, 3) is
    the picture of which the values were the luminance: what changes of it is added to every channel.
    """

    values: Values = field(repr=False)
    window: Window = AS_IS
    inverted: bool = False
    bits: int = 8
    unit: str = ""
    padded: NDArray[np.bool_] | None = field(default=None, repr=False)
    colour: Pixels | None = field(default=None, repr=False)

    def but(self, values: NDArray[np.floating] | None = None, **changes: object) -> Stored:
        """The same picture with other values, or shown otherwise; padding keeps its value."""
        if values is not None:
            kept = values if self.padded is None else np.where(self.padded, self.values, values)
            changes["values"] = kept.astype(np.float64, copy=False)
        return replace(self, **changes)  # type: ignore[arg-type]

    def share(self) -> NDArray[np.float32]:
        """Where each value lies in the window: 0 is shown black, 1 white, and so on beyond them."""
        low, width = self.window.span
        share = ((self.values - low) / width).astype(np.float32)
        return np.float32(1) - share if self.inverted else share

    def brighter(self, change: NDArray[np.floating]) -> Stored:
        """The same picture with ``change`` (h, w) added to :meth:`share`."""
        step = -self.window.span[1] if self.inverted else self.window.span[1]
        return self.but(self.values + step * change)

    def pixels(self) -> Pixels:
        """The picture that a workstation shows, (h, w, 3) uint8."""
        shown = self.window.apply(self.values)
        if self.colour is not None:
            change = shown - luminance(self.colour)
            return np.clip(np.rint(self.colour + change[..., None]), 0, 255).astype(np.uint8)
        grey = np.rint(255.0 - shown if self.inverted else shown).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)


def luminance(pixels: Pixels) -> Values:
    """Mean of the channels, (h, w)."""
    mean: Values = pixels.astype(np.float64).mean(axis=2)
    return mean


def stored_of(image: Image) -> Stored:
    """The stored values of an image that has them (DICOM); of any other its 8-bit luminance."""
    if own := getattr(image, "stored", None):
        found: Stored | None = own()
        if found is not None:
            return found
    pixels = image.pixels()
    if (pixels == pixels[..., :1]).all():
        return Stored(pixels[..., 0].astype(np.float64))
    return Stored(luminance(pixels), colour=pixels)
