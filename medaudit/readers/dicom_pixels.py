"""From stored DICOM values to the 8-bit picture that a workstation shows (DICOM PS3.3 C.7.6.3, C.11).

Order: modality rescale, then VOI window or table (the range of the frame where there is none), then
MONOCHROME1 inversion.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut, apply_voi
from pydicom.pixels.utils import pixel_array

from medaudit.errors import DataError
from medaudit.image import MAX_PIXELS
from medaudit.readers.dicom_file import frame_groups
from medaudit.stored import Stored, Window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.image import Pixels

    Values = NDArray[np.float64]


def render(dataset: Dataset, frame: int) -> Pixels:
    """Decode one frame, from 1, to (h, w, 3) uint8 RGB."""
    array = _decoded(dataset, frame)
    if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
        return _palette(array, dataset)
    if array.ndim == 3:
        return _to_bytes(array, int(dataset.BitsStored))
    if "VOILUTSequence" not in dataset:
        return _stored(array, dataset, frame).pixels()
    grey = _looked_up(array, dataset, frame)
    if _inverted(dataset):
        grey = 255.0 - grey
    return np.repeat(np.round(grey).astype(np.uint8)[..., None], 3, axis=2)


def stored_values(dataset: Dataset, frame: int) -> Stored | None:
    """The values of one frame, from 1, and its window; None for colour and what a table shows."""
    colour = dataset.get("PhotometricInterpretation") == "PALETTE COLOR" or dataset.SamplesPerPixel > 1
    if colour or "VOILUTSequence" in dataset:
        return None
    return _stored(_decoded(dataset, frame), dataset, frame)


def _decoded(dataset: Dataset, frame: int) -> NDArray[Any]:
    if int(dataset.Rows) * int(dataset.Columns) > MAX_PIXELS:
        raise DataError(f"more than the limit of {MAX_PIXELS:,} pixels.")
    array: NDArray[Any] = pixel_array(dataset, index=frame - 1)
    return array


def _inverted(dataset: Dataset) -> bool:
    return bool(dataset.get("PhotometricInterpretation") == "MONOCHROME1")


def _to_bytes(colours: NDArray[Any], bits: int) -> Pixels:
    if bits <= 8:
        return colours[..., :3].astype(np.uint8)
    return (colours[..., :3].astype(np.uint32) >> (bits - 8)).astype(np.uint8)


def _palette(stored: NDArray[Any], dataset: Dataset) -> Pixels:
    colours = apply_color_lut(stored, dataset)
    bits = int(dataset.RedPaletteColorLookupTableDescriptor[2])
    # Makers declare 16 bits and store 8: then nothing exceeds 255.
    return _to_bytes(colours, 8 if colours.max(initial=0) <= 255 else bits)


def _looked_up(array: NDArray[Any], dataset: Dataset, frame: int) -> Values:
    values = np.round(_rescaled(array, dataset, frame)).astype(np.int64)
    # The table's own depth is full scale; the values that occur may be fewer.
    full = float((1 << int(dataset.VOILUTSequence[0].LUTDescriptor[2])) - 1)
    shown: Values = apply_voi(values, dataset).astype(np.float64) / full * 255
    return shown


def _stored(array: NDArray[Any], dataset: Dataset, frame: int) -> Stored:
    values, told = _rescaled(array, dataset, frame), _told(array, dataset)
    window = window_of(dataset, frame) or range_of(values, told)
    return Stored(
        finite(values, window),
        window,
        _inverted(dataset),
        int(dataset.BitsStored),
        "HU" if _hounsfield(dataset, frame) else "",
        None if told.all() else ~told,
    )


def _hounsfield(dataset: Dataset, frame: int) -> bool:
    """Whether rescaled values are in HU: so for CT, unless the file says otherwise (PS3.3 C.8.2.1.1.2)."""
    shared = (group.get("PixelValueTransformationSequence") for group in frame_groups(dataset, frame))
    rescale = next((items[0] for items in shared if items), dataset)
    said = str(rescale.get("RescaleType") or "HU").upper()
    return dataset.get("Modality") == "CT" and "RescaleIntercept" in rescale and said == "HU"


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


def range_of(values: Values, told: NDArray[np.bool_]) -> Window:
    """The window that shows the told range of values; a constant frame is black."""
    told = told & np.isfinite(values)
    low, high = (float(values[told].min()), float(values[told].max())) if told.any() else (0.0, 0.0)
    if high <= low:
        return Window(high + max(1.0, abs(high)), 1.0)
    return Window(low / 2 + high / 2, high - low, "LINEAR_EXACT")


def finite(values: Values, window: Window) -> Values:
    """The same values; what is no number is shown black, what is infinite at the end of the window."""
    if np.isfinite(values).all():
        return values
    low, width = window.span
    return np.nan_to_num(values, nan=low, posinf=low + width, neginf=low)


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
