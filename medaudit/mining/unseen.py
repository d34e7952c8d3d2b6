"""Does the model see an attribute at all? Pairs that differ in it alone, against pairs that do not differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from medaudit.image import keyed_rng
from medaudit.mining.thresholds import random_pairs
from medaudit.mining.vectors import cosines
from medaudit.stats.bootstrap import percentile_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.mining.pool import Ints
    from medaudit.mining.thresholds import Threshold
    from medaudit.mining.vectors import Floats
    from medaudit.mining.world import World

RESAMPLES = 500
TOO_FEW = "too few pairs for an interval"
NONE_ALIKE = "no pair that differs in nothing known is as alike as the floor: nothing to compare with"


@dataclass(frozen=True)
class Unseen:
    """How often pairs that differ in the attribute alone are alike, over that of pairs that do not differ.

    ``alike`` of ``pairs`` differ in it and reach the floor of the model's similarity, ``alike_same`` of
    ``pairs_same`` agree in all that is known of both. ``groups`` are patients.
    """

    ratio: float | None
    interval: tuple[float, float] | None
    pairs: int = 0
    alike: int = 0
    pairs_same: int = 0
    alike_same: int = 0
    groups: int = 0
    reason: str = ""

    def at_least(self, share: float) -> bool:
        """Whether the ratio reaches a share; where nothing could be compared, whether any pair is alike."""
        return self.alike > 0 if self.ratio is None else self.ratio >= share


def unseen_ratio(own: World, strata: Sequence[tuple[Ints, Threshold]], attribute: int) -> Unseen:
    """``P(alike | differ in the attribute alone) / P(alike | differ in nothing known)``, over random pairs.

    Alike means at or above the floor of the stratum; both kinds look different to the reference and agree in
    the nuisances, so that the attribute is what tells them apart. 0 for a model that never takes one value
    for the other, about 1 for one that does not see the attribute. Interval: bootstrap of whole patients, a
    pair counting as often as both of its patients are drawn, expanded percentiles.
    """
    first, second, alike, differ = _pairs(own, strata, attribute)
    patients, ends = np.unique(own.pool.apart[0][np.concatenate([first, second])], return_inverse=True)
    a, b = ends[: len(first)], ends[len(first) :]
    found = Unseen(
        ratio=None,
        interval=None,
        pairs=int(differ.sum()),
        alike=int((differ & alike).sum()),
        pairs_same=int((~differ).sum()),
        alike_same=int((~differ & alike).sum()),
        groups=len(patients),
        reason=NONE_ALIKE,
    )
    if not found.pairs or not found.alike_same:
        return found
    found = replace(found, ratio=_ratio(np.ones(len(first)), alike, differ), reason=TOO_FEW)
    rng = keyed_rng("medaudit.mining/unseen", own.rules.seed, own.known.attributes[attribute].name)
    draws = np.empty(RESAMPLES)
    for draw in range(RESAMPLES):
        weight = np.bincount(rng.integers(0, len(patients), len(patients)), minlength=len(patients))
        draws[draw] = _ratio((weight[a] * weight[b]).astype(float), alike, differ)
    draws = draws[np.isfinite(draws)]
    if len(draws) < RESAMPLES // 2 or len(patients) < 2:
        return found
    return replace(found, interval=_interval(found, draws, own.rules.confidence), reason="")


def _interval(found: Unseen, draws: Floats, confidence: float) -> tuple[float, float]:
    low, high = percentile_interval(draws, found.groups, confidence)
    if not found.alike:
        # No draw holds a pair that was never seen: the rule of three on patients says how many there may be.
        rate = found.alike_same / found.pairs_same
        high = float(-np.log(1 - confidence)) / found.groups / rate
    value = found.ratio or 0.0
    return max(0.0, min(low, value)), max(high, value)


def _pairs(
    own: World, strata: Sequence[tuple[Ints, Threshold]], attribute: int
) -> tuple[Ints, Ints, NDArray[np.bool_], NDArray[np.bool_]]:
    """Pairs of both kinds: first, second, whether alike to the model, whether they differ."""
    parts = []
    for members, at in strata:
        if at.degenerate:
            continue
        drawn = random_pairs(members, own.pool.apart, own.rules.seed, "unseen", attribute)
        differ = own.attribute(drawn.first, drawn.second, at.ceiling) == attribute
        same = own.agreeing(drawn.first, drawn.second, at.ceiling)
        kept = np.flatnonzero(differ | same)
        first, second = drawn.first[kept], drawn.second[kept]
        alike = cosines(own.model, first, second) >= at.model[own.rules.quantile]
        parts.append((first, second, alike, differ[kept]))
    if not parts:
        nobody, no = np.empty(0, dtype=np.int64), np.empty(0, dtype=bool)
        return nobody, nobody, no, no
    first, second, alike, differ = (np.concatenate(column) for column in zip(*parts, strict=True))
    return first, second, alike, differ


def _ratio(weight: Floats, alike: NDArray[np.bool_], differ: NDArray[np.bool_]) -> float:
    with np.errstate(invalid="ignore", divide="ignore"):
        rates = [
            np.divide((weight * (alike & kind)).sum(), (weight * kind).sum()) for kind in (differ, ~differ)
        ]
        return float(np.divide(rates[0], rates[1]))
