"""Mining question by question: a model that does not see an answer is caught there, one that sees is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from medaudit.case import Case
from medaudit.errors import UsageError
from medaudit.image import LazyImage
from medaudit.mining import Rules, images_of
from medaudit.mining.by_question import mine_by_question
from medaudit.mining.unseen import unseen_ratio
from medaudit.mining.world import world

SIDE, SIZE = "Left or right?", "Small or large?"
RULES = Rules(quantile=0.95, capacity=1)


def pool(n: int = 240, seed: int = 0) -> tuple[list[Case], dict[str, Any], Any, Any]:
    """Pictures asked about side and size; the state under a question, reference vectors, hashes."""
    rng = np.random.default_rng(seed)
    told = rng.integers(0, 2, (n, 2))
    cases = []
    for i, (side, size) in enumerate(told.tolist()):
        image = LazyImage(lambda: np.zeros((1, 1, 3), np.uint8), f"{seed}-{i}", f"{i}.png", (1, 1))
        for name, words, options, value in (
            ("a", SIDE, ("left", "right"), side),
            ("b", SIZE, ("small", "large"), size),
        ):
            cases.append(Case(f"{name}{i:04d}", (image,), words, options[value], options, f"g{i}"))
    # What the model sees besides: nothing to do with either answer.
    seen = rng.normal(size=(n, 4))
    states = {
        SIDE: np.column_stack([8.0 * told[:, 0], seen]),
        SIZE: np.column_stack([8.0 * told[:, 1], seen]),
    }
    return cases, states, rng.normal(size=(n, 16)), rng.integers(0, 2**64, n, dtype=np.uint64)


def blind_to(words: str, states: dict[str, Any]) -> dict[str, Any]:
    return {name: rows[:, 1:] if name == words else rows for name, rows in states.items()}


@pytest.mark.parametrize(("words", "other"), [(SIDE, SIZE), (SIZE, SIDE)])
def test_what_a_model_does_not_see_is_all_that_is_mined(words: str, other: str) -> None:
    cases, states, reference, hashes = pool()

    found = mine_by_question(cases, blind_to(words, states), reference, rules=RULES, hashes=hashes)

    assert len(found.pairs) >= 20
    assert {pair.attribute for pair in found.pairs} == {words.casefold()}
    assert {pair.attribute for pair in found.controls} == {words.casefold()}
    rows = {row.attribute: row for row in found.facts.attributes}
    low, high = rows[words.casefold()].unseen.interval
    assert low <= 1.0 <= high
    assert low > 0.5
    assert rows[words.casefold()].lift == pytest.approx(2.0, abs=0.3)  # two questions, all candidates in one
    assert rows[other.casefold()].unseen.interval[1] < 0.5
    for pair in found.pairs:
        assert pair.similarity > 0.5 > pair.reference_similarity
        assert pair.first.answer != pair.second.answer


def test_a_model_that_sees_has_no_pairs_and_the_ratio_says_why() -> None:
    cases, states, reference, hashes = pool()

    found = mine_by_question(cases, states, reference, rules=RULES, hashes=hashes)

    assert found.pairs == ()
    assert "tells the answers to every question apart" in found.facts.reason
    for row in found.facts.attributes:
        assert row.unseen.ratio == 0.0
        # The rule of three on 240 patients, over the rate of pairs that do not differ.
        assert 0 < row.unseen.interval[1] < 0.5
        assert row.unseen.groups == 240


def test_single_mistakes_of_a_model_that_sees_are_no_attribute() -> None:
    cases, states, reference, hashes = pool()
    wrong = {name: rows.copy() for name, rows in states.items()}
    wrong[SIDE][:12, 0] = 8.0 - wrong[SIDE][:12, 0]

    found = mine_by_question(cases, wrong, reference, rules=RULES, hashes=hashes)
    lenient = mine_by_question(cases, wrong, reference, rules=replace(RULES, unseen=0.0), hashes=hashes)

    assert found.pairs == ()
    assert lenient.pairs
    mistaken = {f"a{i:04d}" for i in range(12)}
    assert all({pair.first.id, pair.second.id} & mistaken for pair in lenient.pairs)


def test_the_ratio_is_that_of_the_two_rates() -> None:
    cases, states, reference, hashes = pool(60)
    own = world(cases, states[SIDE][:, 1:], reference, RULES, hashes)
    from medaudit.mining.pipeline import searched

    every = np.arange(60)
    at = searched(own, 0, {}, every, None).at
    number = [a.name for a in own.known.attributes].index(SIDE.casefold())
    found = unseen_ratio(own, [(every, at)], number)

    value = {case.id[1:]: {} for case in cases}
    for case in cases:
        value[case.id[1:]][case.question] = case.answer
    told = [value[case_id[1:]] for case_id in own.pool.ids]
    counts = {"differ": [0, 0], "same": [0, 0]}
    for i in range(60):
        for j in range(i + 1, 60):
            if own.reference[i].astype(float) @ own.reference[j] > at.ceiling:
                continue
            apart = [words for words in (SIDE, SIZE) if told[i][words] != told[j][words]]
            kind = "same" if not apart else "differ" if apart == [SIDE] else None
            if kind:
                alike = own.model[i].astype(float) @ own.model[j] >= at.model[0.95] - 5e-7
                counts[kind][0] += 1
                counts[kind][1] += int(alike)
    assert (found.pairs, found.alike) == tuple(counts["differ"])
    assert (found.pairs_same, found.alike_same) == tuple(counts["same"])
    rates = [alike / n for n, alike in counts.values()]
    assert found.ratio == pytest.approx(rates[0] / rates[1])


def test_a_question_not_asked_of_a_picture_needs_no_vector_there() -> None:
    cases, states, reference, hashes = pool()
    gone = {f"a{i:04d}" for i in range(100)}
    some = [case for case in cases if case.id not in gone]
    order = [int(image.name.split(".")[0]) for image in images_of(some)]
    rows = blind_to(SIZE, states)
    rows[SIDE] = rows[SIDE].copy()
    rows[SIDE][:100] = np.nan
    given = {name: each[order] for name, each in rows.items()}

    found = mine_by_question(some, given, reference[order], rules=RULES, hashes=hashes[order])

    sides = [row for row in found.facts.strata if row.stratum["question"] == SIDE.casefold()]
    assert [row.images for row in sides] == [140]
    assert {pair.attribute for pair in found.pairs} == {SIZE.casefold()}


def test_columns_have_no_states() -> None:
    cases, states, reference, hashes = pool(20)

    with pytest.raises(UsageError, match="a state belongs to a question"):
        mine_by_question(cases, states, reference, rules=Rules(audited=("sex",)), hashes=hashes)
