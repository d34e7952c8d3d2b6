"""Options in another order and under other marks, and whether replies are read."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from medaudit.case import Case
from medaudit.grading import grade
from medaudit.grading.outcome import Outcome
from medaudit.image import ArrayImage
from medaudit.model import Answer
from medaudit.prompting import prompt_for
from medaudit.registry import available
from medaudit.shifting import ShiftedCase, shifted_case

IMAGE = ArrayImage(np.zeros((4, 4, 3), dtype=np.uint8))
SEVERITIES = (1, 2, 3, 4, 5)
COLOURS = ("red", "green", "blue", "yellow", "black", "white", "grey")


def ask(options: tuple[str, ...], answer: str) -> Case:
    return Case("c1", (IMAGE,), "Which?", answer, options, "g1")


def laid(name: str, case: Case, severity: int, seed: int = 0) -> ShiftedCase | None:
    return shifted_case(case, available("shift")[name], severity, seed)


@pytest.mark.parametrize(("severity", "moved"), [(1, 2), (2, 3), (3, 4), (4, 5), (5, 7)])
def test_exactly_the_declared_number_of_options_is_displaced(severity: int, moved: int) -> None:
    case = ask(COLOURS, "blue")

    orders = Counter()
    for seed in range(200):
        changed = laid("option_order", case, severity, seed)
        assert changed is not None
        assert sorted(changed.case.options) == sorted(COLOURS)
        assert changed.case.answer == "blue"
        assert changed.meaning == {}
        assert sum(a != b for a, b in zip(COLOURS, changed.case.options, strict=True)) == moved
        orders[changed.case.options] += 1
    assert len(orders) > 15


def test_two_options_change_places_at_every_severity() -> None:
    orders = {laid("option_order", ask(("yes", "no"), "no"), s).case.options for s in SEVERITIES}  # type: ignore[union-attr]

    assert orders == {("no", "yes")}


def test_open_questions_have_no_order_and_no_format() -> None:
    for name in ("option_order", "option_format"):
        assert laid(name, ask((), "blue"), 3) is None


REPLIES = {
    1: ("blue", "The answer is blue."),
    2: ("C", "C) blue", "C.", "(C)", "The answer is C.", "Option C"),
    3: ("3", "3) blue", "3.", "(3)", "The answer is 3.", "Option 3"),
    4: ("III", "III) blue", "III.", "The answer is III."),
    5: ("X", "X) blue", "X.", "(X)", "The answer is X."),
}


@pytest.mark.parametrize(("severity", "reply"), [(s, r) for s, replies in REPLIES.items() for r in replies])
def test_a_right_reply_in_the_format_is_read_and_maps_back(severity: int, reply: str) -> None:
    changed = laid("option_format", ask(COLOURS, "blue"), severity)
    assert changed is not None

    judged = grade(changed.case, Answer(text=reply))

    assert judged.outcome is Outcome.CORRECT
    assert changed.meaning.get(judged.choice or "", judged.choice) == "blue"
    assert "blue" in prompt_for(changed.case)


@pytest.mark.parametrize(("severity", "reply"), [(2, "B"), (3, "2"), (4, "II"), (5, "Y"), (4, "I")])
def test_a_wrong_reply_in_the_format_is_wrong(severity: int, reply: str) -> None:
    changed = laid("option_format", ask(COLOURS, "blue"), severity)
    assert changed is not None

    assert grade(changed.case, Answer(text=reply)).outcome is Outcome.WRONG


def test_words_alone_do_not_answer_in_the_format() -> None:
    changed = laid("option_format", ask(COLOURS, "blue"), 3)
    assert changed is not None

    assert grade(changed.case, Answer(text="blue")).outcome is Outcome.INVALID


@pytest.mark.parametrize("options", [("A", "B"), ("1", "2"), ("a nodule in the left lobe", "none")])
def test_options_that_are_marks_or_sentences_are_left_out(options: tuple[str, ...]) -> None:
    assert laid("option_format", ask(options, options[0]), 2) is None


def test_the_list_as_it_is_offered() -> None:
    changed = laid("option_format", ask(("yes", "no"), "no"), 2)
    assert changed is not None

    assert prompt_for(changed.case) == "Which?\nA) yes\nB) no\nAnswer with one of: A, B."
    assert (changed.case.answer, changed.meaning) == ("B", {"A": "yes", "B": "no"})
