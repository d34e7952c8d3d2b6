"""A model that folds left on right is caught at that and at nothing else; one that does not, at nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from medaudit.mining import Rules, images_of, mine, reference_vectors
from medaudit.mining.vectors import cosines, unit_vectors

RULES = Rules(audited=("side", "size", "form"), quantile=0.99)


def attributes(found: Any) -> Counter[str]:
    return Counter(pair.attribute for pair in found.pairs)


@pytest.mark.parametrize("by", ["plain", "classical"])
def test_the_attribute_that_the_model_ignores_is_what_is_mined(pool: Any, by: str) -> None:
    reference = pool.plain if by == "plain" else reference_vectors(images_of(pool.cases))

    found = mine(pool.cases, pool.folded, reference, rules=RULES, hashes=pool.hashes)

    assert len(found.pairs) >= 50
    assert attributes(found)["side"] >= 0.95 * len(found.pairs)
    assert found.facts.attributes[0].attribute == "side"
    assert found.facts.attributes[0].lift > 1


def test_every_pair_is_what_it_is_said_to_be(pool: Any) -> None:
    found = mine(pool.cases, pool.folded, pool.plain, rules=RULES, hashes=pool.hashes)
    own = {case.images[0].digest: case.meta for case in pool.cases}
    floor, ceiling = found.facts.strata[0].floor, found.facts.strata[0].ceiling
    times: Counter[str] = Counter()
    for pair in found.pairs:
        first, second = (own[case.images[0].digest] for case in (pair.first, pair.second))
        assert [name for name in first if first[name] != second[name]] == [pair.attribute]
        assert (pair.first.answer, pair.second.answer) == (first["side"], second["side"])
        assert pair.first.question == pair.second.question
        assert pair.first.options == pair.second.options == ("left", "right")
        assert pair.similarity >= floor > 0.5
        assert pair.reference_similarity <= ceiling
        times.update((pair.first.group, pair.second.group))

    assert max(times.values()) <= 3
    assert sum(found.facts.components) == len(found.pairs) == found.facts.selected
    leads = Counter(pair.first.answer for pair in found.pairs)
    assert abs(leads["left"] - leads["right"]) <= 1
    ids = [case.id for case in found.cases()]
    assert len(set(ids)) == len(ids) == 2 * (len(found.pairs) + len(found.controls))


def test_similarities_are_those_of_the_centred_vectors(pool: Any) -> None:
    found = mine(pool.cases, pool.folded, pool.plain, rules=RULES, hashes=pool.hashes)
    row = {case.images[0].digest: i for i, case in enumerate(pool.cases)}
    centred = pool.folded.astype(float) - pool.folded.astype(float).mean(axis=0)
    for pair in found.pairs[:20]:
        a, b = (centred[row[case.images[0].digest]] for case in (pair.first, pair.second))
        assert pair.similarity == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b), abs=2e-6)


@pytest.mark.parametrize("quantile", [0.999, 0.95, 0.6])
def test_a_model_that_sees_as_the_reference_does_has_no_pairs(pool: Any, quantile: float) -> None:
    rules = replace(RULES, quantile=quantile)

    found = mine(pool.cases, pool.plain, pool.plain, rules=rules, hashes=pool.hashes)

    assert found.pairs == found.controls == ()
    assert "none of these looks different to the reference" in found.facts.reason
    told = [tuple(case.meta.values()) for case in pool.cases]
    apart = sum(sum(x != y for x, y in zip(a, b, strict=True)) == 1 for a, b in combinations(told, 2))
    assert f"of 79,800 random pairs {apart:,} agree and differ so" in found.facts.reason


def test_shuffled_labels_are_mined_in_the_proportions_of_chance(pool: Any) -> None:
    order = np.random.default_rng(3).permutation(len(pool.cases))
    cases = [replace(case, meta=pool.cases[i].meta) for case, i in zip(pool.cases, order, strict=True)]

    found = mine(cases, pool.folded, pool.plain, rules=RULES, hashes=pool.hashes)

    assert len(attributes(found)) == 3
    assert all(0.6 < row.lift < 1.5 for row in found.facts.attributes)


def test_identical_vectors_are_no_finding_but_a_reason(pool: Any) -> None:
    flat = np.ones_like(pool.plain)

    found = mine(pool.cases, flat, pool.plain, rules=RULES, hashes=pool.hashes)

    assert found.pairs == ()
    assert "no higher than at the median" in found.facts.reason


def test_the_order_of_the_pool_changes_nothing(pool: Any) -> None:
    order = np.random.default_rng(1).permutation(len(pool.cases))
    cases = [pool.cases[i] for i in order]
    rules = replace(RULES, doses=(0.9,))

    one = mine(pool.cases, pool.folded, pool.plain, rules=rules, hashes=pool.hashes)
    two = mine(cases, pool.folded[order], pool.plain[order], rules=rules, hashes=pool.hashes[order])

    assert one.pairs
    assert one == two


def test_cosines_do_not_depend_on_the_pairs_beside_them(pool: Any) -> None:
    units = unit_vectors(pool.folded, np.arange(len(pool.cases)))
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, len(units), (2, 500))

    whole = cosines(units, a, b)

    assert all(whole[i] == cosines(units, b[i : i + 1], a[i : i + 1])[0] for i in range(500))
