"""Is the top cluster there again with other seeds and other k?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from medaudit.regions.examining import examine, held
from medaudit.regions.inputs import Mask, Regions
from medaudit.regions.outputs import Stability
from medaudit.regions.partition import partition
from medaudit.regions.settings import Settings
from medaudit.stats.estimate import Codes

SEEDS = 5
#: k as chosen, a fifth fewer, a quarter more.
_FACTORS = (1.0, 0.8, 1.25)
# Enough to rank by; the findings' own p-values are not taken from these.
_DEALS = 199


def stability(
    regions: Regions, k: int, top: Codes, images: Mask, first: Mask | None, settings: Settings
) -> Stability:
    """How much do the images of the top cluster depend on the luck of the partition?

    The whole search is repeated with 5 other seeds and 3 values of k; each gives a top cluster (covariates
    aside), which parts the images in two as ``top`` does: see `alike`. Among ``images``; ``first`` as in
    `examine`.
    """
    most = min(len(regions.within(first)), settings.fit_at_most) - 1
    counts = tuple(dict.fromkeys(min(most, max(2, round(factor * k))) for factor in _FACTORS))
    among = np.flatnonzero(images)
    values = tuple(alike(top, again, among) for again in _again(regions, counts, images, first, settings))
    return Stability(float(np.median(values)), values, counts, SEEDS)


def jaccard(a: Codes, b: Codes) -> float:
    """Size of what two sets share over that of both together; 1 for two empty sets."""
    union = len(np.union1d(a, b))
    return len(np.intersect1d(a, b)) / union if union else 1.0


def alike(a: Codes, b: Codes, among: Codes) -> float:
    """Do two clusters part the images alike? 1 where they do, whichever side each calls its own.

    A mark that lies left or right of every image makes two clusters, each the other's absence, which take
    turns at the top. With A' the images ``among`` all that A lacks and J Jaccard's index::

        max(min(J(A, B), J(A', B')), min(J(A, B'), J(A', B)))

    Both sides count, as two clusters that hold most images share most by chance.
    """
    without_a, without_b = np.setdiff1d(among, a), np.setdiff1d(among, b)
    same = min(jaccard(a, b), jaccard(without_a, without_b))
    mirrored = min(jaccard(a, without_b), jaccard(without_a, b))
    return max(same, mirrored)


def _again(
    regions: Regions, counts: tuple[int, ...], images: Mask, first: Mask | None, settings: Settings
) -> Iterator[Codes]:
    quick = replace(settings, resamples=max(_DEALS, round(1 / settings.alpha)))
    for k in counts:
        for seed in range(1, SEEDS + 1):
            parted = partition(
                regions.vectors,
                (k,),
                seed=(settings.seed, "again", seed),
                among=regions.within(first),
                fit_at_most=settings.fit_at_most,
            )
            examined = examine(regions, parted, images, first, quick)
            top = next((row for row in examined.order if examined.features.places[row] >= 0), 0)
            yield held(examined, top, images)
