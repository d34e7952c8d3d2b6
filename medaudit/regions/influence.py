"""Do a cluster's regions drive the errors of the images that hold them?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medaudit.regions.features import occurrences
from medaudit.regions.gaps import Tables
from medaudit.regions.inputs import Mask, Regions
from medaudit.regions.partition import Partition
from medaudit.stats.estimate import Codes, Floats

#: Fewest errors of a class whose share is believed: the largest of shares of one or two errors is noise.
LEAST_ERRORS = 5


@dataclass(frozen=True)
class Influence:
    """``share`` of the ``errors`` of class ``label`` in which a region of the cluster has the deciding vote.

    ``expected`` is the share that a vote by lot would give. ``normalised = (share - expected) / (1 -
    expected)`` is 0 by chance and 1 when every error is the cluster's; ``lower`` is its lower bound, None in
    RaVL's own mode, which asks for neither.
    """

    share: float
    label: int
    errors: int
    expected: float
    normalised: float | None
    lower: float | None


@dataclass(frozen=True, eq=False)
class Votes:
    """The errors that count, ``(n,)``; whose vote decided, -1 where none; shares by lot, ``(n, k)``."""

    errors: Mask
    decided: Codes
    by_lot: Floats


def votes(regions: Regions, parted: Partition) -> Votes:
    """Which cluster's region speaks loudest for the wrong class of each wrong answer?

    The vote is that of the region with the highest score, among the image's own, of the class that the image
    was given; the first of equals. An image of one region says nothing and is left out.
    """
    towards = regions.scores[np.arange(len(regions.image)), regions.predicted[regions.image]]
    order = np.lexsort((-towards, regions.image))
    images, first = np.unique(regions.image[order], return_index=True)
    decided = np.full(regions.n, -1, dtype=np.int64)
    decided[images] = parted.assigned[order[first]]
    several = regions.per_image > 1
    by_lot = occurrences(regions, parted) / np.maximum(regions.per_image, 1)[:, None]
    return Votes(~regions.correct & several, decided, by_lot)


def plain_influence(regions: Regions, found: Tables, cast: Votes) -> list[Influence | None]:
    """RaVL's influence of each cluster, None where no error counts.

    ``H = max_y mean_i 1[the deciding region of i is in c]`` over wrongly answered images i of class y that
    hold a region of c, for classes with ``accuracy_in < accuracy_out``. ``found`` has one row per cluster.
    Varma et al. 2024, arXiv:2411.04097.
    """
    errors, hits, lots = _counts(regions, found, cast)
    return [_highest(errors[c], hits[c], lots[c]) for c in range(len(errors))]


def bounded_influence(
    regions: Regions, found: Tables, cast: Votes, place: int, confidence: float = 0.95
) -> Influence | None:
    """Influence beyond chance, with a lower bound; None where no class has `LEAST_ERRORS` errors that count.

    Of the classes the one with the highest lower bound is taken: Wilson's, on the effective number of errors
    where patients have several, its confidence shared out among the classes. ``place`` is a row of ``found``.
    """
    from medaudit.stats import mean  # by way of scipy.signal it loads much that an import need not

    best: Influence | None = None
    held = cast.errors & (cast.by_lot[:, place] > 0)
    sizes = np.bincount(regions.labels[held], minlength=regions.classes)
    labels = np.flatnonzero((sizes >= LEAST_ERRORS) & _worse(found)[place])
    for label in labels.tolist():
        chosen = held & (regions.labels == label)
        hits = (cast.decided[chosen] == place).astype(np.float64)
        expected = float(cast.by_lot[chosen, place].mean())
        estimate = mean(hits, regions.group_codes[chosen], confidence=1 - (1 - confidence) / len(labels))
        if expected >= 1 or estimate.interval is None:
            continue
        share, low = float(hits.mean()), estimate.interval[0]
        beyond = [(value - expected) / (1 - expected) for value in (share, low)]
        if best is None or best.lower is None or beyond[1] > best.lower:
            best = Influence(share, label, len(hits), expected, beyond[0], beyond[1])
    return best


def _counts(regions: Regions, found: Tables, cast: Votes) -> tuple[Floats, Floats, Floats]:
    """Per cluster and class, errors that count, those decided by the cluster, and those due to it by lot."""
    clusters, classes = found.n_in.shape
    marks = np.eye(classes)[regions.labels] * cast.errors[:, None]
    counted = _worse(found)
    errors = (cast.by_lot > 0).astype(np.float64).T @ marks
    wrong = np.flatnonzero(cast.errors & (cast.decided >= 0))
    cells = cast.decided[wrong] * classes + regions.labels[wrong]
    hits = np.bincount(cells, minlength=clusters * classes).reshape(clusters, classes).astype(np.float64)
    return errors * counted, hits * counted, (cast.by_lot.T @ marks) * counted


def _worse(found: Tables) -> Mask:
    with np.errstate(invalid="ignore"):
        return np.asarray(found.accuracy_in < found.accuracy_out, dtype=np.bool_)


def _highest(errors: Floats, hits: Floats, lots: Floats) -> Influence | None:
    if not errors.any():
        return None
    shares = np.where(errors > 0, hits / np.maximum(errors, 1), -1.0)
    label = int(shares.argmax())
    n = int(errors[label])
    return Influence(float(shares[label]), label, n, float(lots[label] / n), None, None)
