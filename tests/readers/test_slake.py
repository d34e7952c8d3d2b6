from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medaudit.errors import DataError
from medaudit.published_splits import published
from medaudit.readers import ReadOptions, load_cases
from medaudit.splitting import build

ROW = {
    "img_id": 1,
    "img_name": "xmlab1/source.jpg",
    "question": "Is this an X-ray?",
    "answer": "Yes",
    "q_lang": "en",
    "location": "Lung",
    "modality": "X-Ray",
    "answer_type": "CLOSED",
    "base_type": "vqa",
    "content_type": "Modality",
    "triple": ["vhead", "_", "_"],
    "qid": 11,
}


@pytest.fixture
def slake(tmp_path: Path, picture: Callable[..., Path]) -> Callable[..., Path]:
    def write(*rows: Any, name: str = "test.json") -> Path:
        for number in range(8):
            picture(tmp_path / f"imgs/xmlab{number}/source.jpg", 20 * number)
        (tmp_path / name).write_text(json.dumps([{**ROW, "qid": n, **row} for n, row in enumerate(rows)]))
        return tmp_path

    return write


def test_the_public_layout_is_read(slake: Callable[..., Path]) -> None:
    cases = load_cases(slake({}, {"answer_type": "OPEN", "question": "Where is it?", "answer": "Left Lung"}))

    closed, free = cases.cases
    assert (cases.reader, cases.public, cases.skipped) == ("slake", False, ())
    assert (closed.id, closed.answer, closed.options, closed.split) == (
        "test-0",
        "yes",
        ("yes", "no"),
        "test",
    )
    assert closed.meta == {
        "modality": "x-ray",
        "location": "lung",
        "content_type": "modality",
        "answer_type": "closed",
    }
    assert (free.answer, free.options) == ("Left Lung", ())
    assert closed.group == free.group
    assert closed.group.startswith("image-")


def test_chinese_rows_are_counted_and_not_read(slake: Callable[..., Path]) -> None:
    root = slake({}, {"q_lang": "zh", "question": "这是什么?", "answer": "胸部"}, {"q_lang": "zh"})

    cases = load_cases(root)

    assert len(cases) == 1
    assert [(line.where, line.why) for line in cases.skipped] == [
        ("test.json", "2 rows in other languages than English")
    ]


def test_a_closed_question_offers_what_closed_questions_of_its_wording_answer(
    slake: Callable[..., Path],
) -> None:
    asked = {"question": "Which side is abnormal?"}
    root = slake(
        {**asked, "answer": "Left"},
        {**asked, "answer": "Right", "img_name": "xmlab2/source.jpg"},
        {"question": "Is it a CT or an MRI?", "answer": "MRI"},
        {"question": "What is bigger?", "answer": "Liver"},
    )

    side, _, named, single = load_cases(root).cases

    assert (side.options, side.answer) == (("Left", "Right"), "Left")
    assert named.options == ("CT", "MRI")
    # One answer is no choice: the question is asked openly.
    assert single.options == ()


def test_the_published_split_holds_out_x_rays_and_uses_their_training_rows(
    slake: Callable[..., Path],
) -> None:
    def row(picture: int, modality: str) -> dict[str, Any]:
        return {"img_name": f"xmlab{picture}/source.jpg", "modality": modality}

    slake(row(0, "X-Ray"), row(1, "CT"), name="train.json")
    slake(row(2, "X-Ray"), row(3, "MRI"), name="validate.json")
    cases = load_cases(slake(row(4, "X-Ray"), row(5, "CT"))).cases

    split = build(cases, published("slake", "modality"))

    assert {case.id for case in split.test_ood} == {"train-0", "test-0"}
    assert [case.id for case in (*split.train_iid, *split.val_iid, *split.test_iid)] == [
        "train-1", "validate-1", "test-1"
    ]  # fmt: skip


def test_the_published_question_split_uses_test_rows_only(slake: Callable[..., Path]) -> None:
    def both(picture: int) -> list[dict[str, Any]]:
        name = {"img_name": f"xmlab{picture}/source.jpg"}
        return [
            {**name, "content_type": "Size"},
            {**name, "content_type": "Organ", "question": "Is it a lung?"},
        ]

    slake(*both(0), name="train.json")
    cases = load_cases(slake(*both(1))).cases

    split = build(cases, published("slake", "question_type"))

    assert split.in_image
    assert [case.id for case in split.test_ood] == ["test-0"]


@pytest.mark.parametrize(
    ("change", "message"),
    [({"question": None}, "'question' must be text"), ({"img_name": "../x.jpg"}, "leaves the data folder")],
)
def test_a_bad_row_names_its_number(slake: Callable[..., Path], change: dict[str, Any], message: str) -> None:
    root = slake({}, change)

    with pytest.raises(DataError, match=r"^test.json:row 2: .*" + message):
        load_cases(root)
    assert len(load_cases(root, ReadOptions(skip_bad=True))) == 1
