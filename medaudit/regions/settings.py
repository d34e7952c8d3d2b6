"""How discovery is to be done, fixed before it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from medaudit.errors import UsageError
from medaudit.regions.partition import FIT_AT_MOST

# Two classes would be cut into 4 to 10 clusters: too few to part anatomy from what lies on it.
_MOST_CLUSTERS_AT_LEAST = 25
_COUNTS_TRIED = 10


@dataclass(frozen=True)
class Settings:
    """``counts``: values of k, None for `usual_counts`. ``resamples``: deals of correctness.

    ``alpha``: chance of any false alarm. ``min_count``: patients with and without a feature that a class
    needs, in at least two classes. ``split``: choose on one half, test on the other. ``both_signs``: a
    finding must help a class and hurt a class, each beyond chance. ``least_stability``: median Jaccard
    index. ``resolution``: where a difference in accuracy this large could have gone unseen, nothing found is
    `insufficient data`.

    UsageError for numbers out of range, and for so few deals that no p could reach ``alpha``.
    """

    counts: Sequence[int] | None = None
    resamples: int = 999
    alpha: float = 0.05
    min_count: int = 10
    split: bool = False
    both_signs: bool = True
    least_stability: float = 0.5
    resolution: float = 0.5
    fit_at_most: int = FIT_AT_MOST
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise UsageError(f"alpha {self.alpha} given; it lies between 0 and 1.")
        if not 1 / (self.resamples + 1) <= self.alpha:
            raise UsageError(
                f"{self.resamples} deals given; no p falls to alpha = {self.alpha:g} with fewer than "
                f"{round(1 / self.alpha) - 1}; 999 are usual."
            )
        if self.min_count < 1 or self.fit_at_most < 3:
            raise UsageError(
                f"min_count {self.min_count}, fit_at_most {self.fit_at_most} given; 1 and 3 are the least."
            )


def deals_for(alpha: float) -> int:
    """How many deals at a level: 999, and so many that the smallest p is a twentieth of it."""
    return max(999, round(20 / alpha) - 1)


def usual_counts(classes: int, regions: int, per_image: int = 1) -> tuple[int, ...]:
    """About ten k from 2 Y to 5 Y, up to 25 where that is more; at least twice the regions of an image.

    RaVL's rule for Y classes, except that few classes get more clusters, as its authors gave them. What lies
    at one place looks alike in most images: with fewer than two clusters a place they would be the places,
    each in every image, and there would be nothing to compare. None that leaves clusters of under 4 regions.
    """
    low = max(2 * classes, 2 * per_image)
    high = max(5 * classes, _MOST_CLUSTERS_AT_LEAST, 2 * low if per_image > classes else 0)
    high = max(2 * classes, min(high, regions // 4))
    low = min(low, high)
    step = max(1, -(-(high - low) // (_COUNTS_TRIED - 1)))
    return tuple(range(low, high + 1, step))


def faithful_counts(classes: int) -> tuple[int, ...]:
    """Every k from 2 Y to below 5 Y: the upper end is in the paper and not in the released program."""
    return tuple(range(2 * classes, 5 * classes))
