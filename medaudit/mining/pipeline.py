"""Mining: from cases and two sets of vectors to pairs, controls and the facts about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from medaudit.mining.choosing import Candidates, Worder, chosen
from medaudit.mining.controls import Range, matched
from medaudit.mining.facts import gathered
from medaudit.mining.pool import strata_of
from medaudit.mining.result import Mined, StratumFacts, plain
from medaudit.mining.rules import Rules
from medaudit.mining.search import top_pairs
from medaudit.mining.thresholds import RandomPairs, Threshold, random_pairs, threshold
from medaudit.mining.vectors import cosines
from medaudit.mining.world import World, world

if TYPE_CHECKING:
    from medaudit.case import Case
    from medaudit.mining.duplicates import Hashes
    from medaudit.mining.pool import Ints
    from medaudit.mining.result import MinedPair
    from medaudit.mining.unseen import Unseen

#: By what a stratum's pictures agree on: thresholds found on one half of a pool, to be used on the other.
Thresholds: TypeAlias = Mapping[tuple[tuple[str, str], ...], Threshold]


@dataclass(frozen=True)
class Stratum:
    """One stratum after the search."""

    facts: StratumFacts
    members: Ints
    at: Threshold
    found: Candidates
    random: Ints
    """Attribute of each admissible random pair, whatever its similarity to the model."""


def mine(
    cases: Sequence[Case],
    vectors: Any,
    reference: Any,
    *,
    rules: Rules | None = None,
    hashes: Hashes | None = None,
    thresholds: Thresholds | None = None,
) -> Mined:
    """Which pictures does the model hold to be alike, though they look different and differ in one thing?

    ``vectors`` and ``reference`` are array-likes ``(n, d)``, one row for each of ``images_of(cases)``, the
    model's and those of a description independent of it (:func:`reference_vectors`). A pair is mined if, in
    its stratum, its cosine is at least the ``quantile`` of random pairs' for the model (0.999) and at most
    their ``ceiling`` for the reference (0.5), both after subtracting the pool's mean; if it differs in
    exactly one audited attribute and agrees in the nuisances; if it is of two patients and series and no
    near-duplicate. Pairs are chosen by maximum-weight b-matching, weight z_model - z_reference over random
    pairs, each picture in at most ``capacity``. Controls: :func:`controls.matched` with the model's cosine at
    most ``low``. The result depends on the cases, not on their order.

    ``thresholds`` replaces the pool's own (:func:`mine_halves`); a stratum that it lacks is left out. No pair
    is an answer: ``facts.reason`` says where they went. DataError where rows and pictures do not fit,
    UsageError for columns and values that are not legal. After MediConfusion (arXiv:2409.15477) and MMVP
    (arXiv:2401.06209), with quantiles in place of fixed cosines, and controls.
    """
    rules = rules or Rules()
    pool = world(cases, vectors, reference, rules, hashes)
    strata = [
        searched(pool, number, on, members, thresholds)
        for number, (on, members) in enumerate(strata_of(pool.pool, rules.strata))
    ]
    return gathered_from(pool, strata)


def gathered_from(
    pool: World,
    strata: Sequence[Stratum],
    *,
    worlds: Mapping[int, World] | None = None,
    unseen: Mapping[int, Unseen] | None = None,
) -> Mined:
    """Choose among what the strata hold, word it, and find controls and doses.

    ``worlds`` gives the pool as each stratum sees it, where that differs, ``unseen`` what is known of each
    attribute by its number.
    """
    rules = pool.rules
    kept, exact = chosen(_joined([stratum.found for stratum in strata]), rules.capacity, rules.limit)
    kept, pairs = Worder(pool).worded(kept, "mined")
    members = {number: stratum.members for number, stratum in enumerate(strata)}
    at = {number: stratum.at for number, stratum in enumerate(strata)}
    views = worlds or dict.fromkeys(members, pool)
    controls = matched(pool, kept, pairs, members, at, Range(None, rules.low), "control", views)
    doses: dict[tuple[float, float], tuple[MinedPair, ...]] = {}
    for low, high in pairwise((*rules.doses, rules.quantile)):
        doses[low, high] = tuple(matched(pool, kept, pairs, members, at, Range(low, high), "dose", views))
    without = len(pairs) - len(controls)
    facts = gathered(pool, strata, kept, exact=exact, without=without, unseen=unseen)
    found = {tuple(sorted(s.facts.stratum.items())): s.at for s in strata}
    return Mined(tuple(pairs), tuple(controls), facts, doses, found)


def searched(
    pool: World, number: int, on: Mapping[str, str], members: Ints, given: Thresholds | None
) -> Stratum:
    rules = pool.rules
    random = random_pairs(members, pool.pool.apart, rules.seed, sorted(on.items()))
    at = _threshold(pool, on, random, given)
    nobody = np.empty(0, dtype=np.int64)
    if at.degenerate:
        facts = _facts(on, members, random, at, rules, (0, 0, 0, 0, 0))
        return Stratum(facts, members, at, _joined([]), nobody)

    def admit(first: Ints, second: Ints) -> Any:
        return pool.attribute(first, second, at.ceiling) >= 0

    found = top_pairs(pool.model, members, at.model[rules.quantile], admit, k=rules.k, block=rules.block)
    looked = cosines(pool.reference, found.first, found.second)
    pairs = Candidates(
        first=found.first,
        second=found.second,
        attribute=pool.attribute(found.first, found.second, at.ceiling),
        stratum=np.full(len(found.first), number),
        similarity=found.similarity,
        reference=looked,
        weight=_standard(found.similarity, at.model_moments) - _standard(looked, at.reference_moments),
    )
    apart = pool.attribute(random.first, random.second, np.inf) >= 0
    drawn = pool.attribute(random.first[apart], random.second[apart], at.ceiling)
    drawn = drawn[drawn >= 0]
    counts = (int(apart.sum()), len(drawn), found.above, found.admissible, len(pairs))
    return Stratum(_facts(on, members, random, at, rules, counts), members, at, pairs, drawn)


def _threshold(
    pool: World, on: Mapping[str, str], random: RandomPairs, given: Thresholds | None
) -> Threshold:
    rules = pool.rules
    if given is None:
        return threshold(pool.model, pool.reference, random, quantiles=rules.quantiles, ceiling=rules.ceiling)
    found = given.get(tuple(sorted(on.items())))
    if found is None:
        return Threshold.none("no threshold is given for this stratum")
    missing = [q for q in rules.quantiles if not found.degenerate and q not in found.model]
    return Threshold.none(f"no threshold is given at {missing}") if missing else found


def _facts(
    on: Mapping[str, str],
    members: Ints,
    random: RandomPairs,
    at: Threshold,
    rules: Rules,
    counts: tuple[int, int, int, int, int],
) -> StratumFacts:
    return StratumFacts(
        stratum=dict(on),
        images=len(members),
        possible=round(len(random.first) * random.scale),
        random_pairs=len(random.first),
        random_apart=counts[0],
        random_admissible=counts[1],
        floor=at.model.get(rules.quantile),
        low=at.model.get(rules.low),
        ceiling=plain(at.ceiling),
        above=counts[2],
        admissible=counts[3],
        candidates=counts[4],
        left_out=at.degenerate,
    )


def _joined(parts: Sequence[Candidates]) -> Candidates:
    whole, number = np.empty(0), np.empty(0, dtype=np.int64)
    nothing = Candidates(number, number, number, number, whole, whole, whole)
    names = list(Candidates.__dataclass_fields__)
    return Candidates(
        *(np.concatenate([getattr(part, name) for part in (nothing, *parts)]) for name in names)
    )


def _standard(values: Any, moments: tuple[float, float]) -> Any:
    return (values - moments[0]) / max(moments[1], 1e-9)
