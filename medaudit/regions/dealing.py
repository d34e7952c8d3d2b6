"""Correctness dealt anew within classes, by whole patients."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from medaudit.regions.inputs import Mask
from medaudit.stats.estimate import Codes, Floats

_BUDGET = 2_000_000


@dataclass(frozen=True, eq=False)
class Alike:
    """g patients with the same m labels: images ``(g, m)`` by label, a label's in ``runs`` [start, end)."""

    images: Codes
    runs: tuple[tuple[int, int], ...]


def residuals(correct: Mask, labels: Codes, classes: int) -> Floats:
    """Correctness less the mean of its class, ``(n,)``."""
    sizes = np.maximum(np.bincount(labels, minlength=classes), 1)
    means = np.bincount(labels, correct, classes) / sizes
    return np.asarray(correct - means[labels], dtype=np.float64)


def deals(
    residual: Floats, labels: Codes, groups: Codes, resamples: int, rng: np.random.Generator
) -> Iterator[Floats]:
    """What might correctness have been, were it nothing to do with the features? Rows ``(b, n)`` in pieces.

    ``residual``, ``labels``, ``groups`` ``(n,)``. Never across classes: classes differ in accuracy and in
    features, and exchanging between them makes chance look smaller than it is. Patients with the same number
    of images of each class exchange all their values at once, and each patient's values of a class are turned
    round by a random number of places in a random direction, so that what patients have in common, and what
    neighbouring slices have, stays together: exact where patients are alike under the null. For one image per
    patient this is the plain permutation within class. A patient like no other keeps or flips the sign of all
    its values; that is exact only for symmetric values, and close with many patients.
    """
    sets, lone = _alike(labels, groups)
    chunk = max(1, _BUDGET // len(residual))
    for start in range(0, resamples, chunk):
        rows = min(chunk, resamples - start)
        dealt = np.empty((rows, len(residual)))
        for each in sets:
            dealt[:, each.images.ravel()] = residual[_exchanged(each, rows, rng)].reshape(rows, -1)
        if lone.any():
            signs = rng.integers(0, 2, (rows, int(groups.max()) + 1)) * 2.0 - 1
            dealt[:, lone] = residual[lone] * signs[:, groups[lone]]
        yield dealt


def lone_share(labels: Codes, groups: Codes) -> float:
    """Share of images whose patient has no like, and so is dealt by sign."""
    return float(_alike(labels, groups)[1].mean())


def _alike(labels: Codes, groups: Codes) -> tuple[list[Alike], Mask]:
    """Patients by their labels, and the images of those that stand alone."""
    order = np.lexsort((labels, groups))
    ends = np.flatnonzero(np.diff(groups[order])) + 1
    by_profile: dict[tuple[int, ...], list[Codes]] = defaultdict(list)
    for images in np.split(order, ends):
        by_profile[tuple(labels[images].tolist())].append(images)
    lone = np.zeros(len(labels), dtype=np.bool_)
    sets = []
    for profile, members in by_profile.items():
        if len(members) > 1:
            sets.append(Alike(np.stack(members), _runs(profile)))
        else:
            lone[members[0]] = True
    return sets, lone


def _runs(profile: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    steps = [at for at in range(1, len(profile)) if profile[at] != profile[at - 1]]
    edges = [0, *steps, len(profile)]
    return tuple(pairwise(edges))


def _exchanged(each: Alike, rows: int, rng: np.random.Generator) -> Codes:
    """Whose value each image gets, ``(rows, g, m)``."""
    count, width = each.images.shape
    order = np.argsort(rng.random((rows, count)), axis=1)
    source = each.images[order]
    if width == 1:
        return source
    turned = np.empty_like(source)
    for start, end in each.runs:
        size = end - start
        shift = rng.integers(0, size, (rows, count, 1))
        step = rng.integers(0, 2, (rows, count, 1)) * 2 - 1
        turned[:, :, start:end] = np.take_along_axis(
            source[:, :, start:end], (shift + step * np.arange(size)) % size, axis=2
        )
    return turned
