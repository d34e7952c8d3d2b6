from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from medaudit.errors import DataError, UsageError
from medaudit.readers import ReadOptions, load_cases
from medaudit.readers.dicom_header import middle, missing_codec, years
from medaudit.readers.dicom_questions import questions_about

Dicom = Callable[..., Path]
PIXELS = np.arange(64, dtype=np.uint16).reshape(8, 8)
FILM = {"Modality": "DX", "BodyPartExamined": "CHEST", "ViewPosition": "PA", "ImageLaterality": "R"}


def test_a_film_is_asked_about_modality_part_view_and_side(dicom: Dicom) -> None:
    cases = load_cases(dicom("film.dcm", PIXELS, **FILM))

    asked = {case.id: (case.question, case.answer) for case in cases.cases}
    assert (cases.reader, cases.public, cases.skipped) == ("dicom", False, ())
    assert asked == {
        "film:modality": ("Which imaging modality is this?", "X-ray"),
        "film:body_part": ("Which body part is shown?", "chest"),
        "film:view": ("Which view is this?", "PA"),
        "film:laterality": ("Which side of the body is shown?", "right"),
    }
    assert all(len(case.options) <= 6 for case in cases.cases)


def test_header_fields_become_meta(dicom: Dicom) -> None:
    path = dicom(
        "film.dcm",
        PIXELS,
        **FILM,
        PatientSex="F",
        PatientAge="063Y",
        Manufacturer="Acme",
        BitsStored=12,
        HighBit=11,
    )

    assert load_cases(path).cases[0].meta == {
        "modality": "DX",
        "body_part": "CHEST",
        "view": "PA",
        "laterality": "R",
        "manufacturer": "Acme",
        "photometric": "MONOCHROME2",
        "bits": 12,
        "rows": 8,
        "columns": 8,
        "sex": "F",
        "age": 63,
        "frame": 1,
        "frames": 1,
    }


def test_nothing_that_identifies_the_patient_reaches_a_case(dicom: Dicom) -> None:
    path = dicom(
        "film.dcm",
        PIXELS,
        **FILM,
        Manufacturer="Made for Canary Hospital",
        PatientComments="Canary",
        StudyDescription="Canary",
        AccessionNumber="CAN-4711",
        ReferringPhysicianName="Canary^Doctor",
    )

    cases = load_cases(path)

    told = repr(cases) + repr([case.meta for case in cases.cases]) + cases.cases[0].images[0].name
    assert "canary" not in told.casefold()
    assert "4711" not in told
    assert "1931" not in told
    assert cases.cases[0].meta["manufacturer"] is None
    assert load_cases(path).cases[0].meta["modality"] == "DX"


@pytest.mark.parametrize("name", ["yellow_chest.dcm", "CAN-4711.dcm", "scans/Canary/1.dcm"])
def test_a_file_name_that_repeats_the_header_is_replaced(name: str, dicom: Dicom, tmp_path: Path) -> None:
    dicom(name, PIXELS)

    cases = load_cases(tmp_path / "study")

    assert [case.id for case in cases.cases] == ["file-1:modality"]
    assert "canary" not in repr(cases).casefold()
    assert cases.cases[0].images[0].name == "file-1"


def test_patients_are_numbered_by_first_appearance(dicom: Dicom, tmp_path: Path) -> None:
    for name, patient in [("c.dcm", "P1"), ("a.dcm", "P2"), ("b.dcm", "P1"), ("d.dcm", "P3")]:
        dicom(name, PIXELS, PatientID=patient)

    cases = load_cases(tmp_path / "study")

    groups = {case.id: case.group for case in cases.cases}
    assert groups == {
        "a:modality": "patient-1",
        "b:modality": "patient-2",
        "c:modality": "patient-2",
        "d:modality": "patient-3",
    }


def test_without_patient_and_study_the_picture_is_the_group(dicom: Dicom) -> None:
    case = load_cases(dicom("a.dcm", PIXELS, PatientID="")).cases[0]

    assert case.group.startswith("image-")


def test_the_middle_frame_is_shown_unless_frames_are_stated(dicom: Dicom) -> None:
    stack = np.stack([np.full((4, 4), n, np.uint8) for n in range(16)])
    stack[:, 0, 0] = 255
    path = dicom("cine.dcm", stack, WindowCenter=128, WindowWidth=256)

    middle_one = load_cases(path).cases
    stated = load_cases(path, ReadOptions(frames=(1, 16))).cases

    assert [(case.id, case.meta["frame"], case.meta["frames"]) for case in middle_one] == [
        ("cine:modality", 8, 16)
    ]
    assert middle_one[0].images[0].pixels()[1, 1, 0] == 7
    assert [case.id for case in stated] == ["cine:f1:modality", "cine:f16:modality"]
    assert [case.images[0].pixels()[1, 1, 0] for case in stated] == [0, 15]
    with pytest.raises(DataError, match=r"cine\.dcm: has 16 frames; frame 17 was asked for"):
        load_cases(path, ReadOptions(frames=(17,)))


@pytest.mark.parametrize(("frames", "shown"), [(1, 1), (2, 1), (3, 2), (16, 8)])
def test_middle_frame(frames: int, shown: int) -> None:
    assert middle(frames) == shown


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        *[("063Y", 63), ("22Y", 22), ("018M", 1), ("011M", 0), ("052W", 1), ("400D", 1), ("000Y", 0)],
        *[("089Y", 89), ("090Y", 90), ("104Y", 90), ("", None), ("old", None), ("63", None)],
    ],
)
def test_ages_are_whole_years_and_capped(text: str, whole: int | None) -> None:
    assert years(text) == whole


def test_objects_without_a_picture_are_listed_not_fatal(dicom: Dicom, tmp_path: Path) -> None:
    dicom("a.dcm", PIXELS)
    dicom("mask.dcm", PIXELS, SOPClassUID="1.2.840.10008.5.1.4.1.1.66.4", Modality="SEG")
    dicom("dose.dcm", PIXELS, Modality="RTDOSE")
    dicom("report.dcm", None, Modality="SR")
    dicom("other.dcm", PIXELS, Modality="OT")

    cases = load_cases(tmp_path / "study")

    assert [case.id for case in cases.cases] == ["a:modality"]
    assert {skipped.where: skipped.why for skipped in cases.skipped} == {
        "mask.dcm": "a segmentation mask, not a picture.",
        "dose.dcm": "a dose grid, not a picture.",
        "report.dcm": "holds no pixel data.",
        "other.dcm": "the header gives nothing to ask about.",
    }


def test_a_report_alone_is_an_error(dicom: Dicom) -> None:
    with pytest.raises(DataError, match=r"report\.dcm: holds no pixel data"):
        load_cases(dicom("report.dcm", None))


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def _garbage(path: Path) -> None:
    path.write_bytes(b"GIF89a, not DICOM" * 20)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _header_only(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:300])


@pytest.mark.parametrize("damage", [_cut, _garbage, _empty, _header_only])
def test_damaged_files_stop_the_run_or_are_listed(
    damage: Callable[[Path], None], dicom: Dicom, tmp_path: Path
) -> None:
    dicom("a.dcm", PIXELS)
    damage(dicom("bad.dcm", PIXELS))

    with pytest.raises(DataError) as caught:
        load_cases(tmp_path / "study")
    kept = load_cases(tmp_path / "study", ReadOptions(skip_bad=True))

    # Only a file whose header is read can be told from one that is named after its patient.
    where = "bad.dcm" if damage is _cut else "file-2"
    assert str(caught.value).startswith(f"{where}: ")
    assert "canary" not in str(caught.value).casefold()
    assert [case.id for case in kept.cases] == ["a:modality"]
    assert [skipped.where for skipped in kept.skipped] == [where]


def _mask(dicom: Dicom) -> None:
    dicom("canary_1.dcm", PIXELS, SOPClassUID="1.2.840.10008.5.1.4.1.1.66.4", Modality="SEG")


def _nothing_to_ask(dicom: Dicom) -> None:
    dicom("canary_1.dcm", PIXELS, Modality="OT")


def _pixels_cut(dicom: Dicom) -> None:
    _cut(dicom("canary_1.dcm", PIXELS))


def _unreadable(dicom: Dicom) -> None:
    _garbage(dicom("canary_1.dcm", PIXELS))


def _link(dicom: Dicom) -> None:
    path = dicom("canary_1.dcm", PIXELS)
    path.symlink_to(path.rename(path.parents[1] / "canary_2.dcm"))


@pytest.mark.parametrize("spoil", [_mask, _nothing_to_ask, _pixels_cut, _unreadable, _link])
def test_a_file_without_cases_is_listed_without_its_private_name(
    spoil: Callable[[Dicom], None], dicom: Dicom, tmp_path: Path
) -> None:
    dicom("a.dcm", PIXELS)
    spoil(dicom)

    skipped = load_cases(tmp_path / "study", ReadOptions(skip_bad=True)).skipped

    assert [line.where for line in skipped] == ["file-2"]
    assert "canary" not in repr(skipped).casefold()


def test_a_frame_that_is_absent_is_told_without_the_private_name(dicom: Dicom) -> None:
    path = dicom("canary.dcm", np.stack([PIXELS, PIXELS]))

    with pytest.raises(DataError, match=r"^file-1: has 2 frames; frame 3 was asked for"):
        load_cases(path, ReadOptions(frames=(3,)))


def test_a_file_without_header_is_found_by_its_number(dicom: Dicom, tmp_path: Path) -> None:
    for name in ("a.dcm", "b.dcm", "d.dcm"):
        dicom(name, PIXELS)
    _garbage(dicom("c.dcm", PIXELS))

    with pytest.raises(DataError, match=r"^file-3: .* It is number 3 of the DICOM files sorted by path"):
        load_cases(tmp_path / "study")


def test_lying_sizes_are_refused(dicom: Dicom, tmp_path: Path) -> None:
    dicom("a.dcm", PIXELS)
    dicom("bomb.dcm", PIXELS, Rows=60000, Columns=60000)
    dicom("lies.dcm", PIXELS, Rows=800)
    dicom("frames.dcm", PIXELS, NumberOfFrames=10**6)

    kept = load_cases(tmp_path / "study", ReadOptions(skip_bad=True))

    reasons = {skipped.where: skipped.why for skipped in kept.skipped}
    assert len(kept) == 1
    assert "over the limit" in reasons["bomb.dcm"]
    assert "do not decode" in reasons["lies.dcm"]
    assert "do not decode" in reasons["frames.dcm"]


def test_a_file_without_preamble_is_read(dicom: Dicom) -> None:
    from pydicom import dcmread

    path = dicom("old.dcm", PIXELS)
    header = dcmread(path)
    del header.file_meta
    header.preamble = None
    header.save_as(path, implicit_vr=True, little_endian=True, overwrite=True)

    case = load_cases(path).cases[0]

    assert case.images[0].pixels()[0, 0, 0] == 0
    assert case.images[0].pixels()[7, 7, 0] == 255


def test_other_files_in_the_folder_are_left_alone(dicom: Dicom, tmp_path: Path) -> None:
    root = dicom("deep/down/a.dcm", PIXELS).parents[2]
    (root / "preview.png").write_bytes(b"x")
    (root / "index.csv").write_text("file\n")
    (root / "1.2.840.1").write_bytes((root / "deep/down/a.dcm").read_bytes())

    cases = load_cases(root)

    # The copy without suffix is found by its DICM mark.
    assert [case.id for case in cases.cases] == ["1.2.840.1:modality", "deep/down/a:modality"]
    assert cases.skipped == ()


def test_a_link_out_of_the_folder_is_refused(dicom: Dicom, tmp_path: Path) -> None:
    root = dicom("a.dcm", PIXELS).parent
    outside = tmp_path / "outside.dcm"
    outside.write_bytes((root / "a.dcm").read_bytes())
    (root / "b.dcm").symlink_to(outside)

    with pytest.raises(DataError, match=r"file-2: .*leaves the data folder"):
        load_cases(root)


def test_attributes_and_wording_can_be_chosen(dicom: Dicom) -> None:
    path = dicom("film.dcm", PIXELS, **FILM)

    cases = load_cases(path, ReadOptions(label=("view",), question="State the {label}."))

    assert [(case.id, case.question) for case in cases.cases] == [("film:view", "State the view.")]
    with pytest.raises(UsageError, match="Did you mean 'view'"):
        load_cases(path, ReadOptions(label=("veiw",)))
    with pytest.raises(DataError, match=r"no \{label\}"):
        load_cases(path, ReadOptions(question="What?"))


def test_a_missing_decoder_names_the_package() -> None:
    assert missing_codec("1.2.840.10008.1.2.1") is None
    assert missing_codec("1.2.840.10008.1.2.5") is None
    assert "not supported" in str(missing_codec("1.2.840.10008.1.2.4.100"))
    for syntax, package in [
        ("1.2.840.10008.1.2.4.70", "python-gdcm"),
        ("1.2.840.10008.1.2.4.80", "pyjpegls"),
        ("1.2.840.10008.1.2.4.201", "pylibjpeg-openjpeg"),
    ]:
        reason = missing_codec(syntax)
        assert reason is None or package in reason


def test_an_organ_is_asked_as_its_region_and_the_answer_is_always_offered() -> None:
    meta = {"modality": "MG", "body_part": "BREAST", "view": "MLO", "laterality": "L"}
    blank = {"modality": "OT", "body_part": "WHATEVER", "view": "OBLIQUE", "laterality": "B"}

    asked = questions_about(meta)

    assert [question.answer for question in asked] == ["mammography", "breast", "MLO", "left"]
    assert all(question.answer in question.options for question in asked)
    assert questions_about({**meta, "body_part": "PANCREAS"})[1].answer == "abdomen"
    assert questions_about(blank) == []


def test_header_noise_stays_off_screen_and_logs(
    dicom: Dicom, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = dicom("a.dcm", PIXELS, StudyDate="yesterday, with Canary", PatientAge="very old")
    caplog.clear()
    with caplog.at_level(logging.DEBUG):
        cases = load_cases(path)

    assert cases.cases[0].meta["age"] is None
    assert capfd.readouterr() == ("", "")
    assert caplog.text == ""


def test_what_pydicom_says_about_a_file_is_kept_from_logs(caplog: pytest.LogCaptureFixture) -> None:
    import warnings

    from medaudit.readers.dicom_file import guarded

    loggers = [logging.getLogger(name) for name in ("pydicom", "pydicom.pixels.decoders.base")]
    with guarded("reading"):
        warnings.warn("Canary", stacklevel=1)
        for logger in loggers:
            logger.warning("Canary")
    assert caplog.text == ""

    loggers[0].warning("outside")
    assert "outside" in caplog.text
    with pytest.raises(DataError, match=r"^reading \(KeyError\)\.$"), guarded("reading"):
        raise KeyError("Canary")
