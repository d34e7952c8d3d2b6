"""What a model says as a vector: distances on paper, classes kept apart, a blind black box found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from medaudit.errors import DataError
from medaudit.grading.outcome import AnswerClass, Outcome
from medaudit.mining import Rules, behaviour_vectors, mine

OPTIONS = (("yes", "no"), ("small", "large", "none"))


def cosine(one: Any, two: Any) -> float:
    rows = behaviour_vectors([one, two], OPTIONS).astype(float)
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 1])
    return float(rows[0] @ rows[1])


@pytest.mark.parametrize(
    ("one", "two", "expected"),
    [
        (("yes", "small"), ("YES", "small"), 1.0),
        (("yes", "small"), ("no", "small"), 0.5),
        (("yes", "small"), ("no", "large"), 0.0),
        ((Outcome.REFUSAL, "small"), (AnswerClass.REFUSAL, "small"), 1.0),
        ((Outcome.REFUSAL, "small"), (Outcome.ERROR, "small"), 0.5),
        ((Outcome.INVALID, "small"), ("yes", "small"), 0.5),
        (((0.5, 0.5), (1, 0, 0)), ((0.5, 0.5), (1, 0, 0)), 1.0),
        (((0.9, 0.1), (1, 0, 0)), ((0.1, 0.9), (1, 0, 0)), (2 * 0.3 + 1) / 2),
        (((0.36, 0.64), "small"), ("yes", "small"), (0.6 + 1) / 2),
    ],
)
def test_the_cosine_is_the_mean_bhattacharyya_coefficient(one: Any, two: Any, expected: float) -> None:
    assert cosine(one, two) == pytest.approx(expected, abs=1e-6)


def test_a_question_not_asked_leaves_no_trace() -> None:
    rows = behaviour_vectors([("yes", None), (None, None)], OPTIONS)

    assert rows.shape == (2, 15)
    assert rows[0].tolist() == [1.0] + [0.0] * 14
    assert not rows[1].any()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("yes",), "1 for 2 questions"),
        (("perhaps", "small"), "none of the options"),
        (((0.5, 0.6), "small"), "2 probabilities that sum to 1"),
        (((0.5, np.nan), "small"), "2 probabilities"),
        ((Outcome.CORRECT, "small"), "names no answer"),
    ],
)
def test_answers_that_do_not_fit_are_refused(row: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        behaviour_vectors([row], OPTIONS)


@pytest.mark.parametrize("blind", [True, False])
def test_a_black_box_that_ignores_the_side_is_caught_by_its_answers(pool: Any, blind: bool) -> None:
    rng = np.random.default_rng(0)
    bank = [("a", "b")] * 24
    # Each question of the bank leans on one attribute; the blind model's never on the side.
    names = ["size", "form"] if blind else ["size", "form", "side"]
    first = {"size": "small", "form": "bar", "side": "left"}
    answers = []
    for case in pool.cases:
        lean = [
            0.9 if case.meta[names[q % len(names)]] == first[names[q % len(names)]] else 0.1
            for q in range(24)
        ]
        noisy = np.clip(np.asarray(lean) + rng.normal(0, 0.02, 24), 0.01, 0.99)
        answers.append([(p, 1 - p) for p in noisy])
    rules = Rules(audited=("side", "size", "form"), quantile=0.9)

    found = mine(pool.cases, behaviour_vectors(answers, bank), pool.plain, rules=rules, hashes=pool.hashes)

    told = [pair.attribute for pair in found.pairs]
    assert (len(told) > 50 and set(told) == {"side"}) if blind else not told


def test_attributes_can_be_kept_from_the_selection(pool: Any) -> None:
    rules = Rules(audited=("side", "size", "form"), quantile=0.95)
    every = mine(pool.cases, pool.folded, pool.plain, rules=rules, hashes=pool.hashes)

    found = mine(
        pool.cases,
        pool.folded,
        pool.plain,
        rules=replace(rules, only=frozenset({"size"})),
        hashes=pool.hashes,
    )

    assert {pair.attribute for pair in every.pairs} == {"side"}
    assert found.pairs == ()
    # All cases have one answer to this question: it is known, and tells no two pictures apart.
    told = replace(rules, audited=("side", "answer"), only=frozenset({"is there a shape?"}))
    nothing = mine(pool.cases, pool.folded, pool.plain, rules=told, hashes=pool.hashes)
    assert "no attribute has two values" in nothing.facts.reason
