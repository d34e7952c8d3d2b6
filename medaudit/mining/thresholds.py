"""What counts as similar: quantiles of random pairs of the same stratum, never a fixed cosine.

A cosine of 0.9 is rare for one encoder and usual for another. What transfers is how rare a similarity is
among pairs that have nothing to do with each other but their modality, view and body part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from medaudit.errors import UsageError
from medaudit.image import keyed_rng
from medaudit.mining.vectors import cosines

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.mining.pool import Ints
    from medaudit.mining.vectors import Floats, Units

#: Random pairs drawn in a stratum; all of them where it has no more.
RANDOM_PAIRS = 200_000


@dataclass(frozen=True)
class RandomPairs:
    """Pairs ``first < second`` of one stratum; each stands for ``scale`` of the pairs that there are."""

    first: Ints
    second: Ints
    scale: float


@dataclass(frozen=True)
class Threshold:
    """What one stratum's random pairs say.

    ``model`` holds the model's similarity at each quantile asked for, ``ceiling`` the reference's; moments
    are mean and standard deviation over random pairs. ``degenerate`` says why nothing can be mined here,
    empty where something can.
    """

    model: Mapping[float, float]
    ceiling: float
    model_moments: tuple[float, float]
    reference_moments: tuple[float, float]
    random_pairs: int
    degenerate: str = ""

    @classmethod
    def none(cls, why: str, n: int = 0) -> Threshold:
        """A threshold that nothing passes, and why."""
        return cls({}, -np.inf, (0.0, 0.0), (0.0, 0.0), n, why)


def random_pairs(
    members: Ints, apart: Sequence[Ints], *key: object, count: int = RANDOM_PAIRS
) -> RandomPairs:
    """Distinct pairs of ``members`` that may be a pair at all, drawn by ``key`` whatever the members' order.

    All pairs where there are no more than ``count``; else ``count`` are drawn. Pairs of one patient or
    series are left out, since nobody mines them.
    """
    members, n = np.sort(members), len(members)
    every, scale = n * (n - 1) // 2, 1.0
    if every <= count:
        first, second = np.triu_indices(n, 1)
    else:
        rng = keyed_rng("medaudit.mining/random-pairs", *key)
        one = rng.integers(0, n, count)
        two = (one + rng.integers(1, n, count)) % n
        drawn = np.unique(np.minimum(one, two) * n + np.maximum(one, two))
        first, second, scale = drawn // n, drawn % n, every / len(drawn)
    a, b = members[first], members[second]
    kept = strangers(apart, a, b)
    return RandomPairs(a[kept], b[kept], scale)


def strangers(apart: Sequence[Ints], first: Ints, second: Ints) -> NDArray[np.bool_]:
    """Whether each pair shares no patient, series or study that is known."""
    free = first != second
    for codes in apart:
        free &= (codes[first] != codes[second]) | (codes[first] < 0)
    return np.asarray(free)


def threshold(
    model: Units, reference: Units, pairs: RandomPairs, *, quantiles: Sequence[float], ceiling: float = 0.5
) -> Threshold:
    """Similarities of random pairs at ``quantiles`` (model) and at ``ceiling`` (reference).

    ``q`` is the smallest similarity that a share ``q`` of random pairs does not exceed. A stratum is
    degenerate with fewer than ``1 / (1 - max(quantiles))`` random pairs, or where the highest quantile is no
    higher than the median: the model's similarities do not tell pairs apart. UsageError outside (0, 1).
    """
    for q in (*quantiles, ceiling):
        if not 0 < q < 1:
            raise UsageError(
                f"mining: quantile {q!r} was given; give numbers between 0 and 1, such as 0.999."
            )
    seen = cosines(model, pairs.first, pairs.second)
    looked = cosines(reference, pairs.first, pairs.second)
    n, top = len(seen), max(quantiles)
    if n * (1 - top) < 1 - 1e-9:
        needed = int(np.ceil(1 / (1 - top) - 1e-6))
        why = f"{n} random pairs cannot show quantile {top:g}: {needed} are needed"
        return Threshold.none(why, n)
    at = {q: _quantile(seen, q) for q in quantiles}
    flat = at[top] <= _quantile(seen, 0.5)
    why = f"the model's similarity at quantile {top:g} is no higher than at the median" if flat else ""
    return Threshold(at, _quantile(looked, ceiling), _moments(seen), _moments(looked), n, why)


def _quantile(values: Floats, q: float) -> float:
    return float(np.quantile(values, q, method="inverted_cdf"))


def _moments(values: Floats) -> tuple[float, float]:
    return float(np.mean(values)), float(np.std(values))
