"""One attribute apart: counted by hand on small tables, and in pools of questions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medaudit.case import Case
from medaudit.errors import UsageError
from medaudit.image import ArrayImage
from medaudit.mining import Rules, images_of, mine
from medaudit.mining.knowledge import knowledge
from medaudit.mining.nuisance import nuisance
from medaudit.mining.pool import pooled

PIXELS = [ArrayImage(np.full((8, 8, 3), i, np.uint8), f"{i}.png") for i in range(40)]


def case(i: int, question: str, answer: str, options: Any = ("yes", "no"), **meta: Any) -> Case:
    return Case(f"{i:02d}-{question}", (PIXELS[i],), question, answer, tuple(options), f"p{i}", meta)


def by_hand(told: list[dict[str, str]], a: int, b: int) -> str | None:
    apart = [name for name in told[a] if name in told[b] and told[a][name] != told[b][name]]
    return apart[0] if len(apart) == 1 else None


@settings(deadline=None, max_examples=60)
@given(
    told=st.lists(
        st.dictionaries(st.sampled_from(["q1?", "q2?", "q3?"]), st.sampled_from(["x", "y", "z"]), min_size=1),
        min_size=2,
        max_size=8,
    )
)
def test_questions_known_of_both_decide(told: list[dict[str, str]]) -> None:
    cases = [case(i, q, a, "xyz") for i, row in enumerate(told) for q, a in row.items()]
    known = knowledge(pooled(cases))
    a, b = np.triu_indices(len(told), 1)

    found = known.one_apart(a, b)

    names = [known.attributes[k].name if k >= 0 else None for k in found]
    assert names == [by_hand(told, i, j) for i, j in zip(a, b, strict=True)]


def test_the_same_words_with_other_options_are_another_question() -> None:
    cases = [
        case(0, "Which?", "a", "ab"), case(1, "which? ", "B", "BA"),
        case(2, "Which?", "a", "ac"), case(3, "Which?", "c", "ac"),
    ]  # fmt: skip
    known = knowledge(pooled(cases))

    found = known.one_apart(np.asarray([0, 0, 2]), np.asarray([1, 3, 3]))

    assert [known.attributes[k].name for k in found[[0, 2]]] == ["which? [a / b]", "which? [a / c]"]
    assert found[1] == -1


def test_open_questions_and_contradictions_are_counted_and_not_used() -> None:
    cases = [
        case(0, "q?", "yes"), replace(case(0, "q?", "no"), id="again"),
        case(1, "q?", "no"), case(2, "q?", "yes"),
        Case("open", (PIXELS[2],), "what?", "a lung"),
    ]  # fmt: skip
    known = knowledge(pooled(cases))

    assert (known.open_questions, known.contradicted) == (1, 1)
    assert known.one_apart(np.asarray([0, 1]), np.asarray([1, 2])).tolist() == [-1, 0]


def test_an_unknown_column_matches_nothing_unless_tolerated() -> None:
    cases = [
        case(0, "q?", "yes", side="left", size="small"),
        case(1, "q?", "yes", side="right", size="unknown"),
        case(2, "q?", "yes", side="Right ", size="small"),
    ]
    known = knowledge(pooled(cases), ("side", "size"))
    a, b = np.asarray([0, 0]), np.asarray([1, 2])

    assert known.one_apart(a, b).tolist() == [-1, 0]
    assert known.one_apart(a, b, strict=False).tolist() == [0, 0]
    assert known.attributes[0].name == "side"


@pytest.mark.parametrize(
    ("strict", "said"), [(True, [True, False, False, False]), (False, [True, False, True, False])]
)
def test_nuisances_agree_by_text_and_by_tolerance(strict: bool, said: list[bool]) -> None:
    rows = [("F", 40), ("f", "44"), ("M", 40), (None, 40), ("F", 51)]
    cases = [case(i, "q?", "yes", sex=sex, age=age) for i, (sex, age) in enumerate(rows)]
    columns = nuisance(pooled(cases), ("sex",), {"age": 5}, strict=strict)

    assert columns.alike(np.zeros(4, int), np.arange(1, 5)).tolist() == said
    assert columns.differences(np.zeros(4, int), np.arange(1, 5)).tolist() == [0, 1, 1, 1]


def test_a_column_that_a_picture_contradicts_is_unknown() -> None:
    cases = [
        case(0, "q?", "yes", sex="F"),
        replace(case(0, "r?", "yes", sex="M"), id="b"),
        case(1, "q?", "no", sex="F"),
    ]

    assert pooled(cases).codes("sex").tolist() == [-1, 0]


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"audited": ("site",)}, "Unknown audited column"),
        ({"audited": ("number",)}, "Put it into bins"),
        ({"nuisance": ("sax",)}, "Did you mean 'sex'?"),
        ({"tolerance": {"sex": 3}}, "a column of numbers"),
        ({"only": frozenset({"q7?"})}, "Unknown attribute 'q7?'"),
    ],
)
def test_columns_that_cannot_serve_are_refused(rules: dict[str, Any], said: str) -> None:
    cases = [case(i, "q?", "yes" if i % 2 else "no", number=i, sex="F") for i in range(40)]
    vectors = np.random.default_rng(0).normal(size=(40, 3))
    hashes = np.random.default_rng(0).integers(0, 2**64, 40, dtype=np.uint64)

    with pytest.raises(UsageError) as error:
        mine(cases, vectors, vectors, rules=Rules(**rules), hashes=hashes)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"audited": ()}, "nothing is audited"),
        ({"audited": ("sex",), "nuisance": ("sex",)}, "choose one"),
        ({"doses": (0.9, 0.8)}, "must rise"),
        ({"limit": 0}, "from 1"),
        ({"templates": {"side": None}}, "template's column"),
    ],
)
def test_rules_that_contradict_themselves_are_refused(rules: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as error:
        Rules(**rules)
    assert said in str(error.value)


def test_cases_of_several_pictures_are_left_out_and_rows_follow_first_appearance() -> None:
    cases = [
        case(3, "q?", "yes"),
        case(1, "q?", "no"),
        case(3, "r?", "no"),
        replace(case(2, "q?", "no"), images=(PIXELS[2], PIXELS[4])),
    ]

    pool = pooled(cases)

    assert [image.name for image in images_of(cases)] == ["3.png", "1.png"]
    assert [image.name for image in pool.images] == ["1.png", "3.png"]
    assert pool.rows.tolist() == [1, 0]
    assert pool.left_out == 1
