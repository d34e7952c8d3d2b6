"""Matched pairs at another similarity: the same question and values, where the model has less excuse.

A model may fail at a question as such. What similarity adds is the difference between mined pairs and pairs
alike in everything but the model's similarity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from medaudit.image import keyed_rng
from medaudit.mining.choosing import Candidates, Worder
from medaudit.mining.vectors import cosines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medaudit.mining.pool import Ints
    from medaudit.mining.result import MinedPair, Role
    from medaudit.mining.thresholds import Threshold
    from medaudit.mining.world import World

#: Pairs of holders of two values that are looked at for controls; all where there are no more.
DRAWN = 50_000


@dataclass(frozen=True)
class Range:
    """Model similarities from quantile ``low`` (exclusive; None: no bound) to ``high`` (inclusive)."""

    low: float | None
    high: float


def matched(
    world: World,
    mined: Candidates,
    pairs: Sequence[MinedPair],
    members: Mapping[int, Ints],
    thresholds: Mapping[int, Threshold],
    wanted: Range,
    role: Role,
    views: Mapping[int, World],
) -> list[MinedPair]:
    """For each mined pair one of the same stratum, question and values, with similarity in the range.

    ``views`` is the pool as each stratum sees it. ``mined`` and ``pairs`` are the same pairs, row by row. A
    match passes every other test that mined pairs pass (:meth:`World.attribute`), shows no picture of a mined
    pair and none beyond ``capacity``: pairs that share pictures are one cluster, and a chain of them through
    all controls would leave nothing to compare.
    Among such pairs: those whose pictures differ from the mined ones in the fewest nuisance columns, then the
    nearest reference similarity. In the order of ``pairs``; a mined pair that none is left for has none.
    """
    worder, state = Worder(world), _Used(world, mined)
    pools: dict[tuple[int, int, tuple[str, ...]], Candidates] = {}
    made: list[MinedPair] = []
    for row, pair in enumerate(pairs):
        stratum = int(mined.stratum[row])
        key = stratum, int(mined.attribute[row]), worder.values(mined, row)
        if key not in pools:
            pools[key] = _candidates(views[stratum], key, members[stratum], thresholds[stratum], wanted)
        best = state.best(pools[key], mined, row)
        if best is None:
            continue
        state.take(pools[key], best)
        leading = worder.leading(mined, row, pair)
        made.append(worder.pair(pools[key], best, role, leading=leading, control_of=pair.id))
    return made


def _candidates(
    world: World, key: tuple[int, int, tuple[str, ...]], members: Ints, at: Threshold, wanted: Range
) -> Candidates:
    stratum, attribute, values = key
    holders = world.known.holders(attribute)
    one, two = (np.intersect1d(holders[value], members) for value in values)
    if len(one) * len(two) <= DRAWN:
        a, b = np.repeat(one, len(two)), np.tile(two, len(one))
    else:
        rng = keyed_rng("medaudit.mining/controls", world.rules.seed, *key, wanted)
        drawn = np.unique(rng.integers(0, len(one) * len(two), DRAWN))
        a, b = one[drawn // len(two)], two[drawn % len(two)]
    similar = cosines(world.model, a, b)
    inside = similar <= at.model[wanted.high]
    if wanted.low is not None:
        inside &= similar > at.model[wanted.low]
    inside[inside] = world.attribute(a[inside], b[inside], at.ceiling) == attribute
    a, b, similar = a[inside], b[inside], similar[inside]
    return Candidates(
        a, b, np.full(len(a), attribute), np.full(len(a), stratum), similar, cosines(world.reference, a, b),
        np.zeros(len(a)),
    )  # fmt: skip


class _Used:
    """Which pairs serve already, and how often each picture does."""

    def __init__(self, world: World, mined: Candidates) -> None:
        self.world = world
        self.pairs: set[tuple[int, int, int]] = set()
        self.times = np.zeros(len(world.pool), dtype=np.int64)
        self.times[mined.first] = self.times[mined.second] = world.rules.capacity

    def best(self, pool: Candidates, mined: Candidates, row: int) -> int | None:
        a, b = pool.first, pool.second
        free = np.flatnonzero(np.maximum(self.times[a], self.times[b]) < self.world.rules.capacity)
        a, b = a[free], b[free]
        unlike = self._unlike(a, b, int(mined.first[row]), int(mined.second[row]))
        distance = np.round(np.abs(pool.reference[free] - mined.reference[row]), 6)
        for place in free[np.lexsort((b, a, distance, unlike))]:
            if self._named(pool, place) not in self.pairs:
                return int(place)
        return None

    def _unlike(self, a: Ints, b: Ints, first: int, second: int) -> Ints:
        count: Ints = np.zeros(len(a), dtype=np.int64)
        for side in (a, b):
            for end in (first, second):
                count += self.world.nuisance.differences(side, np.full(len(side), end))
        return count

    @staticmethod
    def _named(pool: Candidates, place: int) -> tuple[int, int, int]:
        return int(pool.first[place]), int(pool.second[place]), int(pool.attribute[place])

    def take(self, pool: Candidates, place: int) -> None:
        self.pairs.add(self._named(pool, place))
        self.times[[int(pool.first[place]), int(pool.second[place])]] += 1
