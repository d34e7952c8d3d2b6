from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medaudit.errors import DataError
from medaudit.readers import ReadOptions, load_cases
from medaudit.readers.vqa_rad import options_from


def public_row(**changes: Any) -> dict[str, Any]:
    return {
        "qid": "10",
        "image_name": "synpic1.png",
        "image_organ": "CHEST",
        "answer": "Yes ",
        "answer_type": "CLOSED ",
        "question_type": "PRES, ATTRIB",
        "question": "Is it enlarged?",
        "phrase_type": "freeform",
        **changes,
    }


@pytest.fixture
def vqa(tmp_path: Path, picture: Callable[..., Path]) -> Callable[..., Path]:
    def write(*rows: Any, name: str = "trainset.json") -> Path:
        picture(tmp_path / "images" / "synpic1.png", 10)
        picture(tmp_path / "images" / "synpic2.png", 90)
        (tmp_path / name).write_text(json.dumps(list(rows)), encoding="utf-8")
        return tmp_path

    return write


def test_the_public_layout_is_read(vqa: Callable[..., Path]) -> None:
    cases = load_cases(vqa(public_row(), public_row(qid=11, answer=4, answer_type="OPEN")))

    closed, number = cases.cases
    assert (cases.reader, cases.public, cases.skipped) == ("vqa_rad", True, ())
    assert (closed.id, closed.answer, closed.options, closed.split) == ("10", "yes", ("yes", "no"), "train")
    assert closed.meta == {
        "organ": "chest",
        "question_type": "ATTRIB+PRES",
        "phrase_type": "freeform",
        "answer_type": "CLOSED",
    }
    assert (number.id, number.answer, number.options) == ("11", "4", ())
    assert closed.group == number.group
    assert closed.group.startswith("image-")


def test_the_grouped_layout_is_read(vqa: Callable[..., Path]) -> None:
    row = public_row(image="images/synpic2.png", organ="HEAD", image_group="g7", orig_split="test")
    del row["image_name"], row["image_organ"]

    case = load_cases(vqa(row, name="questions.json")).cases[0]

    assert (case.group, case.split, case.meta["organ"]) == ("g7", "test", "head")


def test_train_and_test_files_together_keep_their_split(vqa: Callable[..., Path]) -> None:
    vqa(public_row(), name="trainset.json")

    cases = load_cases(vqa(public_row(qid=2), name="testset.json"))

    assert {case.id: case.split for case in cases.cases} == {"10": "train", "2": "test"}


def test_other_pictures_in_the_same_layout_stay_private(vqa: Callable[..., Path]) -> None:
    root = vqa(public_row(image_name="ward3.png"))
    (root / "images" / "synpic1.png").rename(root / "images" / "ward3.png")

    assert load_cases(root).public is False
    assert load_cases(root, ReadOptions(public=True)).public is True


@pytest.mark.parametrize(
    ("question", "answer", "options"),
    [
        ("Is it there?", "Yes", ("yes", "no")),
        ("Is the abnormality focal or diffuse?", "Diffuse", ("focal", "diffuse")),
        ("Was this image taken in the AP or PA plane?", "PA", ("AP", "PA")),
        ("Is this an MRI or a CT scan?", "MRI", ("MRI", "CT")),
        ("Is it on the left, right, or both sides?", "both", ()),
        ("Is it left, right or both?", "both", ()),
        ("Does this CT have contrast or no contrast?", "contrast", ()),
        ("Is the lesion on the right or left side?", "Left side", ()),
        ("Is it one or two or three?", "two", ()),
        ("Where are the nodules?", "Diffuse", ()),
    ],
)
def test_options_come_from_the_wording_only_where_it_is_plain(
    question: str, answer: str, options: tuple[str, ...]
) -> None:
    assert options_from(question, answer) == options


def test_the_answer_takes_the_spelling_of_its_option(vqa: Callable[..., Path]) -> None:
    row = public_row(question="Is it focal or diffuse?", answer="Diffuse")

    case = load_cases(vqa(row)).cases[0]

    assert case.answer == "diffuse"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (7, "a row must be an object"),
        (public_row(question=None), "'question' must be text or a number, is null"),
        (public_row(answer=True), "'answer' must be text or a number"),
        (public_row(answer=" "), "'answer' is empty"),
        (public_row(image_name="none.jpg"), "none.jpg: no such image file"),
        (public_row(image_name="../synpic1.png"), "leaves the data folder"),
        (public_row(qid="1"), "id '1' was given before"),
    ],
)
def test_a_bad_row_names_its_number(row: Any, message: str, vqa: Callable[..., Path]) -> None:
    root = vqa(public_row(qid=1), row)

    with pytest.raises(DataError) as caught:
        load_cases(root)
    kept = load_cases(root, ReadOptions(skip_bad=True))

    assert str(caught.value).startswith("trainset.json:row 2: ")
    assert message in str(caught.value)
    assert (len(kept), len(kept.skipped)) == (1, 1)


def test_a_file_that_is_no_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "q.json").write_text(json.dumps({"rows": [public_row()]}))
    with pytest.raises(DataError, match="a JSON list of rows was expected"):
        load_cases(tmp_path)

    (tmp_path / "q.json").write_text(json.dumps([public_row()])[:-1])
    with pytest.raises(DataError, match=r"q\.json: not JSON"):
        load_cases(tmp_path)


def test_other_question_files_are_not_taken_for_vqa_rad(tmp_path: Path) -> None:
    (tmp_path / "questions.json").write_text(json.dumps([{"id": 1, "question": "Q?", "option_A": "x"}]))

    with pytest.raises(DataError, match="no reader recognises"):
        load_cases(tmp_path)
