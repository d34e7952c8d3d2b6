from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medaudit.readers import load_cases
from medaudit.readers.ovqa import NO_CHOICE
from medaudit.readers.vqa_rad import recognises as vqa_rad_recognises

ROW = {
    "qid": 5,
    "image_name": "1.jpg",
    "image_organ": "LEG",
    "answer": "Yes",
    "answer_type": "CLOSED",
    "question_type": "Abnormality",
    "question": "Is there a fracture?",
}


@pytest.fixture
def ovqa(tmp_path: Path, picture: Callable[..., Path]) -> Callable[..., Path]:
    def write(*rows: dict[str, Any], name: str = "testset.json") -> Path:
        picture(tmp_path / "img" / "1.jpg")
        (tmp_path / name).write_text(json.dumps([{**ROW, "qid": n, **row} for n, row in enumerate(rows)]))
        return tmp_path

    return write


def test_the_layout_is_read_and_is_not_taken_for_vqa_rad(ovqa: Callable[..., Path]) -> None:
    ovqa({"image_organ": "CHEST"}, name="trainset.json")
    root = ovqa(
        {},
        {
            "answer_type": "OPEN",
            "answer": "Tibia",
            "question": "Which bone?",
            "question_type": "Organ  System",
        },
    )

    cases = load_cases(root)

    assert not vqa_rad_recognises(root)
    assert (cases.reader, cases.public) == ("ovqa", False)
    by_id = {case.id: case for case in cases.cases}
    assert set(by_id) == {"testset-0", "testset-1", "trainset-0"}
    closed, free = by_id["testset-0"], by_id["testset-1"]
    assert (closed.answer, closed.options, closed.split) == ("yes", ("yes", "no"), "test")
    assert closed.meta == {"organ": "leg", "question_type": "abnormality", "answer_type": "closed"}
    assert (free.options, free.meta["question_type"]) == ((), "organ system")


def test_closed_questions_without_a_choice_are_left_out_and_listed(ovqa: Callable[..., Path]) -> None:
    root = ovqa(
        {},
        {"answer": "Tibia", "question": "Which bone is broken?"},
        {"answer": "CT", "question": "Is this a CT or an MRI?"},
    )

    cases = load_cases(root)

    assert [case.id for case in cases.cases] == ["testset-0", "testset-2"]
    assert cases.cases[1].options == ("CT", "MRI")
    assert [(line.where, line.why) for line in cases.skipped] == [("testset.json:row 2", NO_CHOICE)]


def test_rows_about_other_organs_are_read_where_the_reader_is_named(ovqa: Callable[..., Path]) -> None:
    root = ovqa({"image_organ": "HEAD"})

    assert vqa_rad_recognises(root)
    assert load_cases(f"ovqa:{root}").reader == "ovqa"
