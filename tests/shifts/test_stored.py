"""Values before the window: they make the picture, and a change of them is not a change of the picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medaudit.case import Case
from medaudit.errors import DataError
from medaudit.image import ArrayImage, keyed_rng
from medaudit.probes.laying_on import laid_on
from medaudit.readers.dicom_image import DicomImage
from medaudit.registry import Shift, available
from medaudit.shifting import apply_shift
from medaudit.stored import AS_IS, Stored, Window, stored_of

SHARED = Path(__file__).resolve().parents[2] / "../shared/data/dicom/files"
SHIFTS = {name: shift for name, shift in available("shift").items() if shift.stage == "stored"}
ACQUISITION = {
    "low_dose": ("xray",),
    "scatter": ("xray",),
    "detector_blur": ("xray",),
    "grid_lines": ("xray",),
    "low_dose_ct": ("ct",),
    "metal_streaks": ("ct",),
    "ring_artefact": ("ct",),
    "wrong_voi": ("ct",),
    "rician_noise": ("mr",),
    "bias_field": ("mr",),
    "ghosting": ("mr",),
    "window_level": ("xray", "ct", "mr"),
    "bit_depth": (),
}
BY_DEFAULT = {"low_dose", "low_dose_ct", "window_level", "rician_noise", "bias_field"}
every_shift = pytest.mark.parametrize("name", sorted(ACQUISITION))
Dicom = Callable[..., DicomImage]


@pytest.fixture
def dicom(tmp_path: Path) -> Dicom:
    """Write a grey DICOM file of an array, with attributes by keyword."""

    def write(values: np.ndarray[Any, Any], **attributes: Any) -> DicomImage:
        from pydicom.dataset import FileDataset, FileMetaDataset
        from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        path = tmp_path / f"{meta.MediaStorageSOPInstanceUID}.dcm"
        header = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
        header.SOPClassUID = meta.MediaStorageSOPClassUID
        header.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
        header.Modality, header.PhotometricInterpretation = "CT", "MONOCHROME2"
        header.Rows, header.Columns = values.shape[:2]
        header.SamplesPerPixel = 1
        header.BitsAllocated, header.BitsStored, header.HighBit = 16, 12, 11
        header.PixelRepresentation = int(values.dtype.kind == "i")
        header.PixelData = values.tobytes()
        for keyword, value in attributes.items():
            setattr(header, keyword, value)
        header.save_as(path, enforce_file_format=True)
        return DicomImage(path)

    return write


def values_of(image: DicomImage) -> Stored:
    stored = image.stored()
    assert stored is not None
    return stored


RAMP = np.arange(4096, dtype=np.uint16).reshape(64, 64)
HOUNSFIELD = {"RescaleSlope": 1, "RescaleIntercept": -1024, "WindowCenter": 40, "WindowWidth": 400}


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        HOUNSFIELD,
        {"WindowCenter": 1500.5, "WindowWidth": 2001, "VOILUTFunction": "SIGMOID"},
        {"WindowCenter": 1500, "WindowWidth": 511, "VOILUTFunction": "LINEAR_EXACT"},
        {"WindowCenter": 7, "WindowWidth": 1},
        {"PixelPaddingValue": 4095},
        {"PixelPaddingValue": 0, **HOUNSFIELD},
    ],
    ids=["range", "HU", "sigmoid", "exact", "step", "padding", "HU-padding"],
)
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_stored_values_make_the_picture(dicom: Dicom, attributes: dict[str, Any], photometric: str) -> None:
    image = dicom(RAMP, PhotometricInterpretation=photometric, **attributes)

    stored = values_of(image)

    assert stored.pixels().tobytes() == image.pixels().tobytes()
    assert stored.inverted == (photometric == "MONOCHROME1")
    assert np.ptp(stored.pixels()) > 240


def test_hounsfield_units_are_known_by_the_header(dicom: Dicom) -> None:
    stored = values_of(dicom(RAMP, **HOUNSFIELD))

    assert (stored.unit, stored.bits, stored.window) == ("HU", 12, Window(40.0, 400.0))
    assert stored.values[0, 0] == -1024
    assert values_of(dicom(RAMP)).unit == ""
    assert values_of(dicom(RAMP, Modality="MR", **HOUNSFIELD)).unit == ""
    assert values_of(dicom(RAMP, RescaleType="US", **HOUNSFIELD)).unit == ""


def test_values_are_decoded_once_and_read_only(dicom: Dicom) -> None:
    image = dicom(RAMP)

    assert image.stored() is image.stored()
    assert not values_of(image).values.flags.writeable


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.dcm: no such image file"):
        DicomImage(tmp_path / "gone.dcm").stored()


def test_a_voi_table_has_no_stored_values(dicom: Dicom) -> None:
    from pydicom.dataset import Dataset

    table = Dataset()
    table.LUTDescriptor = [4, 0, 12]
    table.LUTData = np.array([4095, 2048, 1024, 0], "<u2").tobytes()
    image = dicom(np.array([[0, 1], [2, 3]], np.uint16), VOILUTSequence=[table])

    assert image.stored() is None
    assert stored_of(image).pixels().tolist() == image.pixels().tolist()
    assert stored_of(image).window == AS_IS


def test_padding_stays_what_it_is(dicom: Dicom) -> None:
    values = np.full((64, 64), 1064, np.uint16)
    values[:8] = 0
    image = dicom(values, PixelPaddingValue=0, **HOUNSFIELD)

    for name in ("low_dose_ct", "ring_artefact", "metal_streaks"):
        shifted = SHIFTS[name].apply(values_of(image), 3.0 if name == "low_dose_ct" else 60.0, keyed_rng(0))
        assert (shifted.pixels()[:8] == 0).all()
        assert np.ptp(shifted.pixels()[8:]) > 0


def test_what_lies_far_outside_the_window_stays_invisible(dicom: Dicom) -> None:
    """Air at -1000 HU under 100 HU of noise is black in a soft-tissue window; noise after it would show."""
    values = np.full((64, 64), 24, np.uint16)
    values[20:44, 20:44] = 1064
    image = dicom(values, **HOUNSFIELD)
    ring = SHIFTS["ring_artefact"]

    before = ring.apply(values_of(image), 100.0, keyed_rng(0)).pixels()[..., 0]
    after = ring.apply(Stored(image.pixels()[..., 0].astype(float)), 100.0, keyed_rng(0)).pixels()[..., 0]

    air = values == 24
    assert (before[air] == 0).all()
    assert before[~air].std() > 5
    assert after[air].std() > 5


def test_a_window_opens_what_was_clipped_only_where_values_are_stored(dicom: Dicom) -> None:
    image = dicom(RAMP, **HOUNSFIELD)
    wide = Window(1024.0, 4096.0)

    assert len(np.unique(values_of(image).but(window=wide).pixels())) == 256
    clipped = Stored(image.pixels()[..., 0].astype(float)).but(window=Window(127.5, 2550.0, "LINEAR_EXACT"))
    assert len(np.unique(clipped.pixels())) < 30


def test_shares_count_from_black_to_white_either_way_round() -> None:
    values = np.array([[-160.0, 40.0, 240.0, 640.0]])
    window = Window(40.0, 400.0, "LINEAR_EXACT")

    assert Stored(values, window).share().tolist() == [[0, 0.5, 1, 2]]
    assert Stored(values, window, inverted=True).share().tolist() == [[1, 0.5, 0, -1]]
    for inverted in (False, True):
        stored = Stored(values, window, inverted)
        assert stored.brighter(np.full((1, 4), 0.25)).share() == pytest.approx(stored.share() + 0.25)


def test_the_span_is_where_the_window_turns_black_and_white() -> None:
    for function in ("LINEAR", "LINEAR_EXACT"):
        window = Window(40.5, 401.0, function)
        low, width = window.span
        assert window.apply(np.array([low, low + width / 2, low + width])).tolist() == [0, 127.5, 255]


def test_a_coloured_picture_keeps_its_colours() -> None:
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[...] = (200, 120, 40)
    stored = stored_of(ArrayImage(pixels))

    assert stored.pixels().tobytes() == pixels.tobytes()
    assert stored.but(stored.values + 20).pixels()[0, 0].tolist() == [220, 140, 60]
    assert stored.but(stored.values + 70).pixels()[0, 0].tolist() == [255, 190, 110]


def test_every_eight_bit_grey_is_its_own_stored_value() -> None:
    pixels = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)

    assert stored_of(ArrayImage(pixels)).pixels().tobytes() == pixels.tobytes()
    assert stored_of(ArrayImage(pixels)).colour is None


@pytest.mark.shared_data
def test_every_grey_file_is_the_picture_of_its_stored_values() -> None:
    if not SHARED.is_dir():
        pytest.skip("no folder of real images at ../shared/data beside the checkout")
    grey, other = [], []
    for path in sorted(SHARED.glob("*.dcm")):
        image = DicomImage(path)
        try:
            pixels = image.pixels()
        except DataError:  # truncated on purpose
            continue
        stored = image.stored()
        (other if stored is None else grey).append(path.stem)
        if stored is not None:
            assert stored.pixels().tobytes() == pixels.tobytes(), path.name
    assert {"CT_small", "MR_small", "RG1_J2KI", "0_ORIGINAL_compressed", "eCT_Supplemental"} <= set(grey)
    assert {"US1_J2KR", "gdcm-US-ALOKA-16", "color-pl", "examples_ybr_color"} <= set(other)
    assert values_of(DicomImage(SHARED / "CT_small.dcm")).unit == "HU"


# What holds for every acquisition shift.


def picture(height: int, width: int, colour: bool = False) -> np.ndarray[Any, np.dtype[np.uint8]]:
    y, x = np.mgrid[:height, :width]
    grey = 120 + 60 * np.sin(x / 5.0) + 40 * np.cos(y / 7.0)
    weights = np.array([1.0, 0.7, 0.4]) if colour else np.ones(3)
    return np.clip(grey[..., None] * weights, 0, 255).astype(np.uint8)


@every_shift
def test_registered_as_declared(name: str) -> None:
    shift: Shift = SHIFTS[name]

    assert set(shift.modalities) == set(ACQUISITION[name])
    assert shift.default == (name in BY_DEFAULT)
    assert shift.preserves_label
    assert "dose" in (shift.apply.__doc__ or "").casefold()
    assert "Declared moments" in (shift.apply.__doc__ or "")


@every_shift
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 1), (2, 3), (17, 31), (64, 64)])
def test_any_size_and_colour_come_back(name: str, size: tuple[int, int]) -> None:
    for pixels in (picture(*size), picture(*size, colour=True), np.zeros((*size, 3), np.uint8)):
        for severity in (1, 5):
            changed = apply_shift(ArrayImage(pixels), SHIFTS[name], severity, 0, "c").pixels()
            assert changed.shape == pixels.shape
            assert changed.dtype == np.uint8
            if (pixels == pixels[..., :1]).all():
                assert (changed == changed[..., :1]).all()


@every_shift
def test_same_key_same_bytes_and_the_input_stays(name: str) -> None:
    stored = Stored(picture(64, 48)[..., 0].astype(float))
    stored.values.flags.writeable = False
    before = stored.values.tobytes()
    dose = SHIFTS[name].strength(4)

    first, again = (SHIFTS[name].apply(stored, dose, keyed_rng(3, "c")) for _ in range(2))

    assert first.pixels().tobytes() == again.pixels().tobytes()
    assert first.pixels().tobytes() != stored.pixels().tobytes()
    assert stored.values.tobytes() == before


@every_shift
def test_other_keys_draw_otherwise_unless_nothing_is_drawn(name: str) -> None:
    stored = Stored(picture(64, 48)[..., 0].astype(float))
    shift = SHIFTS[name]

    seen = {shift.apply(stored, shift.strength(5), keyed_rng(seed)).pixels().tobytes() for seed in range(8)}

    words = " ".join((shift.apply.__doc__ or "").split())
    assert (len(seen) == 1) == ("Nothing is drawn at random" in words)


@every_shift
def test_the_least_dose_changes_nothing(name: str) -> None:
    for pixels in (picture(40, 56), picture(40, 56, colour=True)):
        stored = stored_of(ArrayImage(pixels))
        for dose in (0.0, 1e-9):
            shown = SHIFTS[name].apply(stored, dose, keyed_rng(0)).pixels().astype(int)
            # A metal object is there whatever it does to the rest.
            changed = (shown != pixels).any(axis=2).mean()
            assert changed == 0 or (name == "metal_streaks" and dose > 0 and changed < 0.01)


@every_shift
def test_other_modalities_are_left_alone(name: str) -> None:
    case = Case("c", (ArrayImage(picture(32, 32)),), "Why?", "", meta={"modality": "us"})

    laid = laid_on(case, SHIFTS[name], 5, 0, [name])

    assert (laid is None) == bool(ACQUISITION[name])
