"""The readers on real files. Expected counts are those of the tables and READMEs beside the images."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path

import pytest

from medaudit.errors import DataError
from medaudit.readers import ReadOptions, load_cases

pytestmark = pytest.mark.shared_data


def test_three_hundred_cases_of_vqa_rad(shared: Path) -> None:
    rows = {str(row["qid"]): row for row in json.loads((shared / "vqa_rad/questions.json").read_text())}

    cases = load_cases(shared / "vqa_rad", ReadOptions(limit=300, seed=1))

    assert (cases.reader, len(cases), cases.skipped, cases.public) == ("vqa_rad", 300, (), True)
    for case in cases.cases:
        row = rows[case.id]
        assert case.group == row["image_group"]
        assert case.answer.casefold() == str(row["answer"]).strip().casefold()
        assert case.closed <= (row["answer_type"] == "CLOSED")
    assert sum(case.options == ("yes", "no") for case in cases.cases) > 100


def test_all_of_vqa_rad_keeps_every_row(shared: Path) -> None:
    rows = json.loads((shared / "vqa_rad/questions.json").read_text())
    yes_no = sum(str(row["answer"]).strip().lower() in {"yes", "no"} for row in rows)

    cases = load_cases(shared / "vqa_rad")

    assert (len(cases), cases.groups) == (len(rows), len({row["image_group"] for row in rows}))
    assert sum(case.options == ("yes", "no") for case in cases.cases) == yes_no


def test_every_dicom_file_is_read_or_named(shared: Path) -> None:
    with (shared / "dicom/index.csv").open() as stream:
        index = {Path(row["file"]).name: row for row in csv.DictReader(stream)}

    cases = load_cases(shared / "dicom")

    read = {case.images[0].path.name for case in cases.cases}  # type: ignore[attr-defined]
    left_out = {Path(skipped.where).name for skipped in cases.skipped}
    assert read | left_out == set(index)
    assert read.isdisjoint(left_out)
    assert {"liver.dcm", "rtdose.dcm"} <= left_out <= {"liver.dcm", "rtdose.dcm", "bad_sequence.dcm"}
    for case in cases.cases:
        row = index[case.images[0].path.name]  # type: ignore[attr-defined]
        assert case.meta["modality"] == row["modality"]
        assert (case.meta["rows"], case.meta["columns"]) == (int(row["rows"]), int(row["columns"]))
        assert case.images[0].pixels().std() > 1


def test_no_dicom_patient_is_named(shared: Path) -> None:
    with (shared / "dicom/index.csv").open() as stream:
        rows = {Path(row["file"]).name: row for row in csv.DictReader(stream)}

    cases = load_cases(shared / "dicom")

    looked_for = 0
    for case in cases.cases:
        row = rows[case.images[0].path.name]  # type: ignore[attr-defined]
        told = repr((case.id, case.meta, case.images)).casefold()
        values = [*row["patient_name"].split("^"), row["patient_id"], row["institution"]]
        values = [value.casefold() for value in values if len(value) >= 3]
        looked_for += len(values)
        assert not [value for value in values if value in told]
    assert looked_for > 30
    assert {case.group for case in cases.cases} == {f"patient-{n}" for n in range(1, cases.groups + 1)}


def test_hannover_labels_with_the_projection_split(shared: Path) -> None:
    cases = load_cases(shared / "cxr_hannover", ReadOptions(label=("icu",)))

    assert (len(cases), cases.groups, cases.skipped) == (154, 45, ())
    assert Counter(case.meta["projection"] for case in cases.cases) == {"ap": 124, "pa": 30}
    assert Counter(case.answer for case in cases.cases) == {"yes": 119, "no": 35}
    assert "icu" not in cases.cases[0].meta
    assert not {"patient_id", "image_id"} & set(cases.cases[0].meta)


def test_hannover_without_options_asks_its_five_labels(shared: Path) -> None:
    cases = load_cases(shared / "cxr_hannover")

    asked = Counter(case.id.split(":")[1] for case in cases.cases)
    assert asked == dict.fromkeys(("sex", "modality", "projection", "icu", "died"), 154)


def test_skin_labels_leave_unknown_values_out(shared: Path) -> None:
    cases = load_cases(shared / "skin_isic2017")

    asked = Counter(case.id.split(":")[1] for case in cases.cases)
    assert asked == {"diagnosis": 260, "melanoma": 260, "nevus": 260, "sex": 189}
    assert {case.meta["age_approximate"] for case in cases.cases} >= {None, 30}


def test_a_folder_of_another_kind_is_refused(shared: Path) -> None:
    with pytest.raises(DataError, match="no reader recognises"):
        load_cases(shared / "blood_bccd")
