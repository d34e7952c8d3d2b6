"""RaVL's discovery as published and released: no test, no minimum, always an answer where a cluster is kept.

Kept for comparison. On data without any shortcut it names one nearly always: `ours` is what an audit uses.
"""

from __future__ import annotations

import numpy as np

from medaudit.regions.describing import described
from medaudit.regions.features import region_features
from medaudit.regions.gaps import tables
from medaudit.regions.influence import plain_influence, votes
from medaudit.regions.inputs import Regions
from medaudit.regions.outputs import Discovery
from medaudit.regions.partition import Partition

#: RaVL's threshold of influence. The share by lot alone exceeds it where images have few regions.
LEAST_INFLUENCE = 0.25


def ranked(
    regions: Regions,
    parted: Partition,
    *,
    least_influence: float | None = LEAST_INFLUENCE,
    both_signs: bool = True,
) -> Discovery:
    """Which cluster do errors hang on, by RaVL's ranking of clusters that are given?

    A cluster is kept where its influence is at least ``least_influence`` (None: any) and, with
    ``both_signs``, some class is answered better with it and some class worse, which is in the released
    program but not in the paper. Kept clusters are ranked by G, the first of equals first; the others follow,
    by G too. `not found` where none is kept. Varma et al. 2024, arXiv:2411.04097.
    """
    features = region_features(regions, parted)
    found = tables(features, regions.correct, regions.labels, np.arange(regions.n), regions.classes)
    influence = plain_influence(regions, found, votes(regions, parted))
    gaps = found.gaps
    signs = ((gaps.max(axis=1) > 0) & (gaps.min(axis=1) < 0)).tolist()
    kept = []
    for at, each in enumerate(influence):
        strong = least_influence is None or (each is not None and each.share >= least_influence)
        kept.append(strong and (signs[at] or not both_signs))
    size = np.abs(gaps).sum(axis=1)
    order = sorted(range(features.count), key=lambda at: (not kept[at], -size[at], at))
    clusters = tuple(
        described(at, features, found, parted, kept=kept[at], influence=influence[at]) for at in order
    )
    return Discovery(
        mode="faithful",
        verdict="found" if any(kept) else "not found",
        reason=_reason(kept, least_influence, signs if both_signs else None),
        clusters=clusters,
        k=parted.k,
        silhouette=parted.silhouette,
        swept=parted.swept,
        n=regions.n,
        groups=int(regions.group_codes.max()) + 1,
        errors=int((~regions.correct).sum()),
        tests=0,
    )


def _reason(kept: list[bool], least: float | None, signs: list[bool] | None) -> str:
    rules = []
    if least is not None:
        rules.append(f"an influence of at least {least:g}")
    if signs is not None:
        rules.append("a class that it helps and a class that it hurts")
    asked = " and ".join(rules) or "any gap"
    return (
        f"{sum(kept)} of {len(kept)} clusters have {asked}. "
        "Nothing was tested: chance alone gives such clusters."
    )
