"""Grey values against hand computation and against pydicom's own windowing, an independent implementation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medaudit.readers import load_cases
from medaudit.readers.dicom_image import DicomImage
from medaudit.readers.dicom_pixels import finite, range_of
from medaudit.stored import Window

Dicom = Callable[..., Path]
RAMP = np.array([[0, 1000], [2000, 4000]], dtype=np.uint16)


def shown(path: Path, frame: int = 0) -> list[Any]:
    pixels = DicomImage(path, frame).pixels()
    assert pixels.dtype == np.uint8
    assert pixels.shape[2] == 3
    assert not pixels.flags.writeable
    grey: list[Any] = pixels[..., 0].tolist()
    return grey


def test_without_a_window_the_range_of_the_frame_is_shown(dicom: Dicom) -> None:
    assert shown(dicom("a.dcm", RAMP)) == [[0, 64], [128, 255]]


def test_monochrome1_is_inverted(dicom: Dicom) -> None:
    path = dicom("a.dcm", RAMP, PhotometricInterpretation="MONOCHROME1")

    assert shown(path) == [[255, 191], [128, 0]]


def test_a_twelve_bit_window_clips_both_ends(dicom: Dicom) -> None:
    path = dicom("a.dcm", RAMP, BitsStored=12, HighBit=11, WindowCenter=1500.5, WindowWidth=2001)

    # PS3.3 C.11.2.1.2: ((x - 1500) / 2000 + 0.5) * 255, clipped.
    assert shown(path) == [[0, 64], [191, 255]]


def test_the_window_is_in_rescaled_units(dicom: Dicom) -> None:
    stored = np.array([[0, 1024], [1064, 2000]], dtype=np.uint16)
    hounsfield = {"RescaleSlope": 1, "RescaleIntercept": -1024}
    path = dicom("a.dcm", stored, WindowCenter=[40, 300], WindowWidth=[400, 1500], **hounsfield)

    # 0 HU: ((0 - 39.5) / 399 + 0.5) * 255 = 102.26; 40 HU: 127.82.
    assert shown(path) == [[0, 102], [128, 255]]


def test_signed_values_and_padding(dicom: Dicom) -> None:
    stored = np.array([[-2000, -100], [0, 100]], dtype=np.int16)

    # Without the padding value, -100..100 is the range; the padding itself is shown black.
    assert shown(dicom("a.dcm", stored, PixelPaddingValue=-2000)) == [[0, 0], [128, 255]]
    assert shown(dicom("b.dcm", stored))[0][1] > 200


def test_a_constant_frame_is_black_not_an_error(dicom: Dicom) -> None:
    assert shown(dicom("a.dcm", np.full((2, 2), 7, np.uint16))) == [[0, 0], [0, 0]]


def test_a_senseless_window_is_ignored(dicom: Dicom) -> None:
    assert shown(dicom("a.dcm", RAMP, WindowCenter=5, WindowWidth=0)) == [[0, 64], [128, 255]]


def test_a_voi_table_is_applied(dicom: Dicom) -> None:
    from pydicom.dataset import Dataset

    table = Dataset()
    table.LUTDescriptor = [4, 0, 12]
    table.LUTData = np.array([4095, 2048, 1024, 0], "<u2").tobytes()
    stored = np.array([[0, 1], [2, 3]], dtype=np.uint8)

    assert shown(dicom("a.dcm", stored, VOILUTSequence=[table])) == [[255, 128], [64, 0]]


def test_colour_is_kept_and_sixteen_bits_are_halved(dicom: Dicom) -> None:
    eight = np.array([[[1, 2, 3], [255, 0, 9]]], dtype=np.uint8)
    sixteen = eight.astype(np.uint16) * 256

    first = DicomImage(dicom("a.dcm", eight)).pixels()
    second = DicomImage(dicom("b.dcm", sixteen)).pixels()

    assert first.tolist() == second.tolist() == eight.tolist()


def test_a_palette_is_looked_up(dicom: Dicom) -> None:
    stored = np.array([[0, 1]], dtype=np.uint8)
    attributes: dict[str, Any] = {"PhotometricInterpretation": "PALETTE COLOR"}
    for name, values in {"Red": [0, 65535], "Green": [32768, 0], "Blue": [256, 512]}.items():
        attributes[f"{name}PaletteColorLookupTableDescriptor"] = [2, 0, 16]
        attributes[f"{name}PaletteColorLookupTableData"] = np.array(values, "<u2").tobytes()

    pixels = DicomImage(dicom("a.dcm", stored, **attributes)).pixels()

    assert pixels.tolist() == [[[0, 128, 1], [255, 0, 2]]]


def test_each_frame_of_an_enhanced_object_has_its_own_window(dicom: Dicom) -> None:
    from pydicom.dataset import Dataset

    groups = []
    for centre in (1000.5, 3000.5):
        voi, rescale, group = Dataset(), Dataset(), Dataset()
        voi.WindowCenter, voi.WindowWidth = centre, 2001
        rescale.RescaleSlope, rescale.RescaleIntercept = 1, 0
        group.FrameVOILUTSequence = [voi]
        group.PixelValueTransformationSequence = [rescale]
        groups.append(group)
    path = dicom("a.dcm", np.stack([RAMP, RAMP]), PerFrameFunctionalGroupsSequence=groups)

    assert shown(path, 1) == [[0, 128], [255, 255]]
    assert shown(path, 2) == [[0, 0], [0, 255]]


def test_ybr_is_shown_as_rgb(dicom: Dicom) -> None:
    ybr = np.array([[[76, 85, 255]]], dtype=np.uint8)  # pure red by BT.601

    pixels = DicomImage(dicom("a.dcm", ybr, PhotometricInterpretation="YBR_FULL")).pixels()

    assert np.abs(pixels[0, 0].astype(int) - [254, 0, 0]).max() <= 2


def test_equal_frames_have_equal_digests_whatever_the_file(dicom: Dicom) -> None:
    first, second = dicom("a.dcm", RAMP), dicom("b.dcm", RAMP)
    other = dicom("c.dcm", RAMP, PhotometricInterpretation="MONOCHROME1")

    digests = [DicomImage(path).digest for path in (first, second, other)]

    assert digests[0] == digests[1] != digests[2]


@settings(deadline=None, max_examples=50)
@given(
    centre=st.integers(-500, 3000),
    width=st.integers(2, 4000),
    function=st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
)
def test_windows_agree_with_pydicom(centre: int, width: int, function: str) -> None:
    from pydicom.dataset import Dataset
    from pydicom.pixels.processing import apply_windowing

    values = np.linspace(0, 4095, 64).astype(np.uint16)
    header = Dataset()
    header.WindowCenter, header.WindowWidth, header.VOILUTFunction = centre, width, function
    header.PhotometricInterpretation, header.BitsStored, header.PixelRepresentation = "MONOCHROME2", 12, 0

    with np.errstate(over="ignore"):  # pydicom's sigmoid of a narrow window
        theirs = apply_windowing(values, header) / 4095 * 255
    ours = Window(centre, width, function).apply(values.astype(float))

    assert ours == pytest.approx(theirs, abs=0.01)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), min_size=1, max_size=9))
def test_any_values_stretch_into_a_byte(numbers: list[float]) -> None:
    values = np.array([numbers])

    window = range_of(values, np.ones(values.shape, bool))
    grey = window.apply(finite(values, window))

    assert np.isfinite(grey).all()
    assert grey.min() >= 0
    assert grey.max() <= 255


def test_a_table_may_name_dicom_files(dicom: Dicom) -> None:
    root = dicom("a.dcm", RAMP).parent
    dicom("b.dcm", RAMP, PhotometricInterpretation="MONOCHROME1")
    dicom("c.dcm", RAMP)
    (root / "metadata.csv").write_text("file,finding\na.dcm,x\nb.dcm,y\nc.dcm,x\n")

    cases = load_cases(f"labels:{root}")

    assert [case.images[0].pixels()[0, 0, 0] for case in cases.cases] == [0, 255, 0]
