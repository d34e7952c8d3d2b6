"""The front door: which feature of the images do a model's errors hang on?"""

from __future__ import annotations

from collections.abc import Sequence

from medaudit.errors import UsageError
from medaudit.regions.faithful import LEAST_INFLUENCE, ranked
from medaudit.regions.inputs import Regions
from medaudit.regions.ours import search
from medaudit.regions.outputs import Discovery, Mode
from medaudit.regions.partition import partition
from medaudit.regions.settings import Settings, faithful_counts

#: RaVL fits all regions; beyond this many, a table of their distances does not fit a laptop.
_FAITHFUL_FIT = 5_000


def discover(
    regions: Regions,
    *,
    mode: Mode = "ours",
    counts: Sequence[int] | None = None,
    resamples: int = 999,
    alpha: float = 0.05,
    min_count: int = 10,
    split: bool = False,
    both_signs: bool = True,
    least_influence: float | None = LEAST_INFLUENCE,
    least_stability: float = 0.5,
    resolution: float = 0.5,
    seed: int = 0,
) -> Discovery:
    """Is there a kind of region, or an attribute of whole images, on which right and wrong answers hang?

    Regions are clustered by k-medoids on the cosine distance, k by silhouette. A cluster c splits each class
    y into images with and without a region of it::

        G_c = sum_y |w_y (accuracy_in - accuracy_out)|,   w_y = 2 min(n_in, n_out) / (n_in + n_out)

    ``ours`` tests every cluster and every covariate that has ``min_count`` patients on either side in two
    classes: correctness is dealt anew within classes, by whole patients, and ``p_max_t <= alpha`` bounds the
    chance of any false alarm over all of them. A finding also helps a class and hurts a class beyond chance
    (``both_signs``), and its images are those of the top cluster again under other seeds and k. With
    ``split`` clusters are made and chosen on half of the patients and tested on the other, which is needed
    as soon as anything was tuned by accuracy. The verdict is `found`, `not found` or `insufficient data`,
    with the smallest effect that could have been seen.

    ``faithful`` is RaVL (Varma et al. 2024, arXiv:2411.04097) with the released program's choices: distances
    cut at 1, alternating k-medoids, k from 2 Y to below 5 Y, ``least_influence``, ``both_signs`` in the sign
    of G_y alone. It tests nothing and heeds neither patients nor covariates.

    UsageError for parameters out of range. See `Settings` for all of them, `Regions` for the input.
    """
    if mode not in ("ours", "faithful"):
        raise UsageError.unknown("mode", mode, ("ours", "faithful"))
    settings = Settings(
        counts=counts,
        resamples=resamples,
        alpha=alpha,
        min_count=min_count,
        split=split,
        both_signs=both_signs,
        least_stability=least_stability,
        resolution=resolution,
        seed=seed,
    )
    if mode == "ours":
        return search(regions, settings)
    parted = partition(
        regions.vectors,
        counts or faithful_counts(regions.classes),
        seed=seed,
        method="alternate",
        ceiling=1.0,
        fit_at_most=_FAITHFUL_FIT,
    )
    return ranked(regions, parted, least_influence=least_influence, both_signs=both_signs)
