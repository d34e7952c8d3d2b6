from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medaudit.errors import DataError
from medaudit.published_splits import published
from medaudit.readers import load_cases
from medaudit.readers.mimic_cxr_vqa import answered
from medaudit.readers.mimic_patients import ethnicity
from medaudit.splitting import build

SUBJECT = 18234907
FILE = "p18/p18234907/s50414267/a.jpg"
ROW = {
    "split": "test",
    "idx": 0,
    "subject_id": SUBJECT,
    "study_id": 50414267,
    "image_id": "a",
    "image_path": FILE,
    "question": "Is there atelectasis?",
    "semantic_type": "verify",
    "content_type": "presence",
    "template": "Is there ${attribute}?",
    "answer": ["yes"],
}


@pytest.fixture
def mimic(tmp_path: Path, picture: Callable[..., Path]) -> Callable[..., Path]:
    def write(*rows: dict[str, Any], name: str = "test.json") -> Path:
        for number, file in enumerate((FILE, "b.jpg", "c.jpg", "d.jpg")):
            picture(tmp_path / "files" / file, 40 * number)
        (tmp_path / name).write_text(json.dumps([{**ROW, "idx": n, **row} for n, row in enumerate(rows)]))
        return tmp_path

    return write


def test_the_layout_is_read_and_nobody_is_named(mimic: Callable[..., Path]) -> None:
    root = mimic({}, {"question": "What is seen?", "semantic_type": "query", "answer": ["edema", "effusion"]})
    (root / "patients.csv").write_text(f"subject_id,gender,anchor_age\n{SUBJECT},F,91\n1,M,40\n")
    (root / "admissions.csv").write_text(f"subject_id,race\n{SUBJECT},UNKNOWN\n{SUBJECT},WHITE - RUSSIAN\n")

    cases = load_cases(root)

    closed, free = cases.cases
    assert (cases.reader, cases.public, cases.skipped) == ("mimic_cxr_vqa", False, ())
    assert (closed.id, closed.answer, closed.options, closed.split) == (
        "test-0",
        "yes",
        ("yes", "no"),
        "test",
    )
    assert (free.answer, free.options) == ("edema, effusion", ())
    assert closed.meta == {
        "content_type": "presence",
        "semantic_type": "verify",
        "gender": "F",
        "age": 91,
        "ethnicity": "white",
    }
    assert closed.group == free.group
    assert closed.group.startswith("patient-")
    told = repr((closed.id, closed.group, closed.meta, closed.images[0].name))
    assert not [number for number in ("18234907", "50414267") if number in told]


def test_without_tables_nothing_is_known_of_the_subjects(mimic: Callable[..., Path]) -> None:
    meta = load_cases(mimic({})).cases[0].meta

    assert (meta["gender"], meta["age"], meta["ethnicity"]) == (None, None, None)


def test_a_subject_told_in_two_ways_is_told_in_none(mimic: Callable[..., Path]) -> None:
    root = mimic({})
    (root / "patients.csv").write_text(f"subject_id,gender,anchor_age\n{SUBJECT},F,30\n{SUBJECT},M,60\n")

    meta = load_cases(root).cases[0].meta

    assert (meta["gender"], meta["age"]) == (None, None)


@pytest.mark.parametrize(
    ("races", "group"),
    [
        ({"WHITE"}, "white"),
        ({"WHITE - BRAZILIAN", "PORTUGUESE"}, "white"),
        ({"BLACK/AFRICAN AMERICAN", "UNKNOWN"}, "black"),
        ({"ASIAN - CHINESE"}, "asian"),
        ({"HISPANIC/LATINO - CUBAN", "UNABLE TO OBTAIN"}, "hispanic"),
        ({"WHITE", "ASIAN"}, None),
        ({"SOUTH AMERICAN"}, None),
        ({"MULTIPLE RACE/ETHNICITY"}, None),
        ({"AMERICAN INDIAN/ALASKA NATIVE"}, None),
        ({"OTHER", "PATIENT DECLINED TO ANSWER"}, None),
        (set(), None),
    ],
)
def test_entries_of_a_subject_make_one_group_or_none(races: set[str], group: str | None) -> None:
    assert ethnicity(races) == group


EITHER = "Which is seen in the left lung, edema or lung opacity?"


@pytest.mark.parametrize(
    ("question", "semantic", "answers", "answer", "options"),
    [
        ("Is there edema?", "verify", ["no"], "no", ("yes", "no")),
        (EITHER, "choose", ["edema"], "edema", ("edema", "lung opacity", "none", "both")),
        (EITHER, "choose", ["Lung Opacity", "edema"], "both", ("edema", "lung opacity", "none", "both")),
        (EITHER, "choose", [], "none", ("edema", "lung opacity", "none", "both")),
        ("What is the view, AP or PA?", "choose", ["pa"], "PA", ("AP", "PA")),
        ("Is the patient male or female?", "choose", ["f"], "female", ("female", "male")),
        ("What is the sex?", "query", ["m"], "male", ()),
        ("List all findings.", "query", [], "none", ()),
        # The sides cannot be told from the sentence around them: no options rather than telling ones.
        ("Does the lung show edema or lung opacity today?", "choose", ["edema"], "edema", ()),
    ],
)
def test_answers_and_options(
    question: str, semantic: str, answers: list[str], answer: str, options: tuple[str, ...]
) -> None:
    assert answered(question, semantic, answers) == (answer, options)


def test_options_come_from_the_template_where_it_is_given(mimic: Callable[..., Path]) -> None:
    arguments = {"object": {"0": ["left lung"]}, "attribute": {"0": ["edema"], "1": ["mass"]}}
    row = {
        "question": "Is edema or mass seen in the left lung?",
        "semantic_type": "choose",
        "answer": ["mass"],
    }

    case = load_cases(mimic({**row, "template_arguments": arguments})).cases[0]

    assert (case.answer, case.options) == ("mass", ("edema", "mass", "none", "both"))


def test_options_do_not_depend_on_which_answer_is_right() -> None:
    offered = {answered(EITHER, "choose", said)[1] for said in ([], ["edema"], ["lung opacity"])}

    assert len(offered) == 1


def test_a_table_in_csv_is_read(mimic: Callable[..., Path]) -> None:
    root = mimic({})
    (root / "test.json").unlink()
    (root / "rows.csv").write_text(
        "split,subject_id,study_id,image_id,image_path,question,semantic_type,content_type,answer\n"
        f"valid,1,2,b,b.jpg,{EITHER.replace(',', ';')},query,presence,\"['edema', 'mass']\"\n"
        "train,1,2,b,,Is it?,verify,presence,yes\n"
    )

    first, second = load_cases(root).cases

    assert (first.answer, first.split, second.answer, second.split) == ("edema, mass", "val", "yes", "train")
    assert first.id.startswith("question-")
    assert first.id != second.id


def test_a_split_by_sex_leaves_out_questions_about_sex(mimic: Callable[..., Path]) -> None:
    rows = [
        {"subject_id": subject, "image_path": image, "content_type": content}
        for subject, image in ((1, "b.jpg"), (2, "c.jpg"), (3, "d.jpg"))
        for content in ("gender", "presence")
    ]
    root = mimic(*rows)
    (root / "patients.csv").write_text("subject_id,gender,anchor_age\n1,F,30\n2,M,50\n3,,70\n")
    cases = load_cases(root).cases

    by_sex = build(cases, published("mimic_cxr_vqa", "gender"))
    by_age = build(cases, published("mimic_cxr_vqa", "age"))

    assert [case.id for case in by_sex.test_ood] == ["test-1"]
    assert [case.id for case in by_sex.test_iid] == ["test-3"]
    assert [case.meta["age"] for case in (*by_age.test_ood, *by_age.test_iid)] == [30, 30, 70, 70]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"answer": ["perhaps"]}, "the one answer yes or no"),
        ({"answer": 3}, "'answer' must be a list of text, is a number"),
        ({"subject_id": None}, "'subject_id' must be text or a number"),
        ({"image_path": "none.jpg"}, "no such image file"),
    ],
)
def test_a_bad_row_names_its_number(mimic: Callable[..., Path], row: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=r"^test.json:row 2: .*" + message):
        load_cases(mimic({}, row))
