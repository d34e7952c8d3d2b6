"""From stored DICOM values to the 8-bit picture that a workstation shows (DICOM PS3.3 C.7.6.3, C.11).

Order: modality rescale, then VOI window or table (the range of the frame where there is none), then
MONOCHROME1 inversion.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi
from pydicom.pixels.utils import pixel_array

from medaudit.errors import DataError
from medaudit.image import MAX_PIXELS
from medaudit.readers.dicom_file import frame_groups

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.image import Pixels

    Values = NDArray[np.float64]


def render(dataset: Dataset, frame: int) -> Pixels:
    """Decode one frame, from 1, to (h, w, 3) uint8 RGB."""
    if int(dataset.Rows) * int(dataset.Columns) > MAX_PIXELS:
        raise DataError(f"more than the limit of {MAX_PIXELS:,} pixels.")
    stored = pixel_array(dataset, index=frame - 1)
    if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
        return _palette(stored, dataset)
    if stored.ndim == 3:
        return _to_bytes(stored, int(dataset.BitsStored))
    grey = _grey(stored, dataset, frame)
    if dataset.get("PhotometricInterpretation") == "MONOCHROME1":
        grey = 255.0 - grey
    return np.repeat(np.round(grey).astype(np.uint8)[..., None], 3, axis=2)


def _to_bytes(colours: NDArray[Any], bits: int) -> Pixels:
    if bits <= 8:
        return colours[..., :3].astype(np.uint8)
    return (colours[..., :3].astype(np.uint32) >> (bits - 8)).astype(np.uint8)


def _palette(stored: NDArray[Any], dataset: Dataset) -> Pixels:
    colours = apply_color_lut(stored, dataset)
    bits = int(dataset.RedPaletteColorLookupTableDescriptor[2])
    # Makers declare 16 bits and store 8: then nothing exceeds 255.
    return _to_bytes(colours, 8 if colours.max(initial=0) <= 255 else bits)


def _grey(stored: NDArray[Any], dataset: Dataset, frame: int) -> Values:
    values = _rescaled(stored, dataset, frame)
    if "VOILUTSequence" in dataset:
        table = dataset.VOILUTSequence[0]
        shown = apply_voi(np.round(values).astype(np.int64), dataset).astype(np.float64)
        # The table's own depth is full scale; the values that occur may be fewer.
        return shown / float((1 << int(table.LUTDescriptor[2])) - 1) * 255
    window = window_of(dataset, frame)
    if window is not None:
        return window.apply(values)
    return stretched(values, _told(stored, dataset))


def _rescaled(stored: NDArray[Any], dataset: Dataset, frame: int) -> Values:
    for group in frame_groups(dataset, frame):
        if items := group.get("PixelValueTransformationSequence"):
            return stored * float(items[0].RescaleSlope) + float(items[0].RescaleIntercept)
    values: Values = np.asarray(apply_modality_lut(stored, dataset), dtype=np.float64)
    return values


def _told(stored: NDArray[Any], dataset: Dataset) -> NDArray[np.bool_]:
    """Where a pixel was measured, not padded."""
    padding = dataset.get("PixelPaddingValue")
    told = np.ones(stored.shape, bool) if padding is None else stored != padding
    return told if told.any() else np.ones(stored.shape, bool)


def stretched(values: Values, told: NDArray[np.bool_]) -> Values:
    """The told range of values on 0..255; a constant frame is black."""
    told = told & np.isfinite(values)
    if not told.any():
        return np.zeros_like(values)
    low, high = float(values[told].min()), float(values[told].max())
    if high <= low:
        return np.zeros_like(values)
    finite = np.nan_to_num(values, nan=low, posinf=high, neginf=low)
    return np.clip((finite - low) / (high - low), 0, 1) * 255


@dataclass(frozen=True)
class Window:
    """A window in rescaled units; ``function`` is LINEAR, LINEAR_EXACT or SIGMOID (PS3.3 C.11.2.1.2)."""

    centre: float
    width: float
    function: str = "LINEAR"

    def apply(self, values: Values) -> Values:
        """Values on 0..255."""
        centre, width = self.centre, self.width
        if self.function == "SIGMOID":
            with np.errstate(over="ignore"):
                return 255.0 / (1.0 + np.exp(-4.0 * (values - centre) / width))
        if self.function == "LINEAR":
            if width == 1:
                return np.where(values <= centre - 0.5, 0.0, 255.0)
            centre, width = centre - 0.5, width - 1.0
        return np.clip((values - centre) / width + 0.5, 0.0, 1.0) * 255.0


def window_of(dataset: Dataset, frame: int) -> Window | None:
    """The first window that holds for a frame, or None where there is none that makes sense."""
    groups = (group.get("FrameVOILUTSequence") for group in frame_groups(dataset, frame))
    for item in [*(found[0] for found in groups if found), dataset]:
        centre, width = _first(item.get("WindowCenter")), _first(item.get("WindowWidth"))
        function = str(item.get("VOILUTFunction") or "LINEAR").upper()
        smallest = 1.0 if function == "LINEAR" else 0.0
        if centre is None or width is None or width < smallest or width == 0:
            continue
        return Window(centre, width, function)
    return None


def _first(value: Any) -> float | None:
    if isinstance(value, MultiValue | list):
        value = value[0] if value else None
    return None if value is None or value == "" else float(value)
