"""Controls ask the same of other pictures, and differ from mined pairs in the model's similarity alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from medaudit.mining import Rules, images_of, mine, reference_vectors

RULES = Rules(audited=("side", "size", "form"), quantile=0.99, limit=30)


def shown(pairs: Any) -> set[str]:
    return {case.images[0].digest for pair in pairs for case in (pair.first, pair.second)}


def test_each_mined_pair_has_a_control_that_the_model_holds_apart(pool: Any) -> None:
    found = mine(pool.cases, pool.folded, pool.plain, rules=RULES, hashes=pool.hashes)
    pairs = {pair.id: pair for pair in found.pairs}

    assert [control.control_of for control in found.controls] == list(pairs)
    for control in found.controls:
        mined = pairs[control.control_of]
        assert control.role == "control"
        assert control.similarity <= found.facts.strata[0].low < mined.similarity
        assert control.reference_similarity <= found.facts.strata[0].ceiling
        assert control.attribute == mined.attribute
        assert control.first.question == mined.first.question
        assert (control.first.answer, control.second.answer) == (mined.first.answer, mined.second.answer)


def test_controls_share_no_picture_with_mined_pairs_and_those_without_one_are_counted(pool: Any) -> None:
    # By the classical reference most pairs of other sides look different: so many are mined, few are left.
    reference = reference_vectors(images_of(pool.cases))

    found = mine(
        pool.cases, pool.folded, reference, rules=replace(RULES, quantile=0.95, limit=500), hashes=pool.hashes
    )

    assert not shown(found.pairs) & shown(found.controls)
    assert found.facts.without_control == len(found.pairs) - len(found.controls) > 0
    often = Counter(digest for control in found.controls for digest in shown([control]))
    assert max(often.values()) <= RULES.capacity


def test_controls_agree_with_the_nuisances_of_the_mined_pair(pool: Any) -> None:
    cases = [
        replace(case, meta={**case.meta, "sex": "FM"[i % 2], "age": 40 + i % 30})
        for i, case in enumerate(pool.cases)
    ]
    rules = replace(RULES, nuisance=("sex",), tolerance={"age": 10}, quantile=0.95)

    found = mine(cases, pool.folded, pool.plain, rules=rules, hashes=pool.hashes)

    assert len(found.pairs) >= 20
    mined = {pair.id: pair for pair in found.pairs}
    for pair in (*found.pairs, *found.controls):
        assert pair.first.meta["sex"] == pair.second.meta["sex"]
        assert abs(pair.first.meta["age"] - pair.second.meta["age"]) <= 10
    alike = sum(c.first.meta["sex"] == mined[c.control_of].first.meta["sex"] for c in found.controls)
    assert alike >= 0.9 * len(found.controls)


def test_doses_lie_between_controls_and_mined_pairs(pool: Any) -> None:
    rules = replace(RULES, doses=(0.5, 0.8, 0.9))

    found = mine(pool.cases, pool.folded, pool.plain, rules=rules, hashes=pool.hashes)

    at = found.thresholds[tuple(sorted((name, "") for name in rules.strata))].model
    assert list(found.doses) == [(0.5, 0.8), (0.8, 0.9), (0.9, 0.99)]
    assert sum(map(len, found.doses.values())) >= 30
    for (low, high), pairs in found.doses.items():
        assert all(at[low] < pair.similarity <= at[high] for pair in pairs)
        assert all(pair.role == "dose" and pair.control_of for pair in pairs)


def test_without_doses_there_are_none(pool: Any) -> None:
    assert mine(pool.cases, pool.folded, pool.plain, rules=RULES, hashes=pool.hashes).doses == {}
