"""Discovery that can say no: clusters stay, correctness is dealt anew, the whole family holds its level."""

from __future__ import annotations

from typing import TypedDict

import numpy as np

from medaudit.regions import wording
from medaudit.regions.dealing import lone_share
from medaudit.regions.describing import described, one_test
from medaudit.regions.detecting import detectable
from medaudit.regions.examining import Examined, examine, held
from medaudit.regions.halves import first_half
from medaudit.regions.inputs import Mask, Regions
from medaudit.regions.outputs import Cluster, Detectable, Discovery, Stability, Verdict
from medaudit.regions.partition import Partition, partition
from medaudit.regions.settings import Settings, usual_counts
from medaudit.regions.stability import stability

#: Fewest right and fewest wrong answers; with fewer, no gap could be told from luck.
LEAST_ANSWERS = 5


class Size(TypedDict):
    """How much was tested."""

    n: int
    groups: int
    errors: int
    lone: float


def search(regions: Regions, settings: Settings) -> Discovery:
    """Which feature do errors hang on, if any? See `discover`."""
    first = first_half(regions.labels, regions.group_codes, settings.seed) if settings.split else None
    images = np.ones(regions.n, dtype=np.bool_) if first is None else ~first
    lacking = _lacking(regions, images)
    counts = tuple(settings.counts or ())
    pool = regions.within(first)
    if not counts:
        per_image = int(np.median(regions.per_image[regions.per_image > 0]))
        counts = usual_counts(regions.classes, min(len(pool), settings.fit_at_most), per_image)
    if not lacking and not any(2 <= k < min(len(pool), settings.fit_at_most) for k in counts):
        lacking = wording.too_few_regions(len(pool), counts)
    if lacking:
        return _nothing(regions, images, settings, lacking)
    parted = partition(
        regions.vectors, counts, seed=settings.seed, among=pool, fit_at_most=settings.fit_at_most
    )
    examined = examine(regions, parted, images, first, settings)
    return _judged(regions, parted, examined, images, first, settings)


def _judged(
    regions: Regions,
    parted: Partition,
    examined: Examined,
    images: Mask,
    first: Mask | None,
    settings: Settings,
) -> Discovery:
    clusters = _clusters(examined, parted)
    repeated: Stability | None = None
    if examined.kept and examined.features.places[examined.order[0]] >= 0:
        top = held(examined, examined.order[0], images)
        repeated = stability(regions, parted.k, top, images, first, settings)
    visible = _visible(examined, settings)
    verdict, reason = _verdict(regions, examined, clusters, repeated, visible, settings)
    return Discovery(
        mode="ours",
        verdict=verdict,
        reason=reason,
        clusters=clusters,
        k=parted.k,
        silhouette=parted.silhouette,
        swept=parted.swept,
        tests=len(examined.columns),
        resamples=settings.resamples,
        alpha=settings.alpha,
        stability=repeated,
        detectable=visible,
        **_size(regions, images),
    )


def _verdict(
    regions: Regions,
    examined: Examined,
    clusters: tuple[Cluster, ...],
    repeated: Stability | None,
    visible: Detectable | None,
    settings: Settings,
) -> tuple[Verdict, str]:
    if visible is None:
        return "insufficient data", wording.nothing_testable(len(clusters), settings.min_count)
    seen = wording.detectable(visible)
    if examined.kept:
        top = clusters[0]
        if repeated is not None and repeated.median < settings.least_stability:
            return "not found", wording.unstable(top, repeated, settings.least_stability)
        return "found", wording.finding(top, regions, len(examined.columns), settings.resamples, repeated)
    if examined.differs:
        return "not found", wording.one_sided(clusters[0], settings.alpha)
    best = min(float(examined.family.p_max_t.min()), 1.0) if examined.family else 1.0
    if visible.difference > settings.resolution:
        return "insufficient data", wording.blind(best, len(examined.columns), seen, settings.resolution)
    return "not found", wording.none_beyond_chance(best, len(examined.columns), seen)


def _clusters(examined: Examined, parted: Partition) -> tuple[Cluster, ...]:
    described_all = []
    for row in examined.order:
        column = examined.columns.get(row)
        test = None if examined.family is None or column is None else one_test(examined.family, column)
        described_all.append(
            described(
                row,
                examined.features,
                examined.found,
                parted,
                kept=row in examined.kept,
                influence=examined.influence.get(row),
                test=test,
            )
        )
    return tuple(described_all)


def _visible(examined: Examined, settings: Settings) -> Detectable | None:
    if examined.family is None:
        return None
    rows = np.asarray(list(examined.columns))
    return detectable(examined.found.only(rows), examined.family, both_signs=settings.both_signs)


def _lacking(regions: Regions, images: Mask) -> str:
    right = int(regions.correct[images].sum())
    wrong = int(images.sum()) - right
    return wording.too_few_answers(right, wrong, LEAST_ANSWERS) if min(right, wrong) < LEAST_ANSWERS else ""


def _nothing(regions: Regions, images: Mask, settings: Settings, reason: str) -> Discovery:
    return Discovery(
        mode="ours",
        verdict="insufficient data",
        reason=reason,
        clusters=(),
        k=None,
        silhouette=None,
        swept=(),
        tests=0,
        alpha=settings.alpha,
        **_size(regions, images),
    )


def _size(regions: Regions, images: Mask) -> Size:
    groups = regions.group_codes[images]
    return {
        "n": int(images.sum()),
        "groups": len(np.unique(groups)),
        "errors": int((~regions.correct[images]).sum()),
        "lone": lone_share(regions.labels[images], groups),
    }
