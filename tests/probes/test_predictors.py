"""Image-free predictors never learn from the patient whom they predict."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from medaudit.case import Case
from medaudit.probes.predictors import folds, majority, question_only


def case(
    number: int, question: str, answer: str, group: str, options: tuple[str, ...] = ("yes", "no")
) -> Case:
    return Case(f"c{number}", (), question, answer, options, group)


def test_a_question_asked_of_one_patient_only_cannot_be_looked_up() -> None:
    # Each patient has a question of his own, asked twice with the same answer: in-sample it is 100 % right.
    cases = [
        case(2 * p + i, f"Question {p}?", "yes" if p % 4 == 0 else "no", f"p{p}")
        for p in range(40)
        for i in (0, 1)
    ]

    predicted = question_only(cases, 0)

    assert set(predicted) == {"no"}  # the majority of other patients: 75 % no


def test_the_majority_is_taken_among_equal_options() -> None:
    yes_no = [case(i, "Effusion?", "yes", f"p{i}") for i in range(20)]
    sides = [case(100 + i, "Which side?", "left", f"q{i}", ("right", "left")) for i in range(20)]

    assert majority([*yes_no, *sides], 0) == ["yes"] * 20 + ["left"] * 20


def test_one_group_cannot_be_cross_fitted() -> None:
    assert majority([case(i, "Effusion?", "yes", "p") for i in range(9)], 0) == [None] * 9


def test_an_open_answer_is_predicted_from_the_same_question() -> None:
    organs = [case(i, "Which organ?", "Lung", f"p{i}", ()) for i in range(10)]
    planes = [case(50 + i, "Which plane?", "axial", f"q{i}", ()) for i in range(10)]

    assert question_only([*organs, *planes], 3) == ["lung"] * 10 + ["axial"] * 10


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.booleans()), min_size=1, max_size=40),
    st.integers(0, 9),
)
def test_own_answers_never_matter(rows: list[tuple[str, bool]], seed: int) -> None:
    cases = [case(i, "Q?", "yes" if right else "no", group) for i, (group, right) in enumerate(rows)]
    first = rows[0][0]
    # Turn over every answer of the first group: its own predictions must not move.
    turned = [
        case(i, "Q?", "no" if right == (group == first) else "yes", group)
        if group == first
        else case(i, "Q?", "yes" if right else "no", group)
        for i, (group, right) in enumerate(rows)
    ]

    own = [i for i, (group, _) in enumerate(rows) if group == first]
    before, after = majority(cases, seed), majority(turned, seed)

    assert [before[i] for i in own] == [after[i] for i in own]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.sampled_from("abcdefghij"), min_size=2, max_size=40), st.integers(0, 9))
def test_a_group_is_never_split_between_folds(groups: list[str], seed: int) -> None:
    cases: list[Any] = [case(i, "Q?", "yes", group) for i, group in enumerate(groups)]

    pairs = set(zip(groups, folds(cases, seed), strict=True))

    assert len(pairs) == len(set(groups))
