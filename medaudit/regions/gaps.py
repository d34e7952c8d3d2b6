"""Accuracy with and without a feature, class by class."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from medaudit.regions.features import Features
from medaudit.regions.inputs import Mask
from medaudit.stats.estimate import Codes, Floats


@dataclass(frozen=True, eq=False)
class Tables:
    """Counts per feature and class, all ``(C, Y)``: images with and without it, and those answered right.

    ``compared`` holds where both sides have the least number of patients asked for.
    """

    n_in: Floats
    n_out: Floats
    right_in: Floats
    right_out: Floats
    compared: Mask

    @property
    def accuracy_in(self) -> Floats:
        """Share answered right where the feature is present; NaN where it never is."""
        return _share(self.right_in, self.n_in)

    @property
    def accuracy_out(self) -> Floats:
        """Share answered right where the feature is absent; NaN where it never is."""
        return _share(self.right_out, self.n_out)

    @property
    def weights(self) -> Floats:
        """``2 min(n_in, n_out) / (n_in + n_out)``: 1 for halves, near 0 where one side is hardly there."""
        smaller = 2 * np.minimum(self.n_in, self.n_out)
        return np.asarray(smaller / np.maximum(self.n_in + self.n_out, 1), dtype=np.float64)

    @property
    def gaps(self) -> Floats:
        """``weight (accuracy_in - accuracy_out)``, 0 where the class is not compared."""
        with np.errstate(invalid="ignore"):
            raw = self.weights * (self.accuracy_in - self.accuracy_out)
        return np.where(self.compared, raw, 0.0)

    def only(self, rows: Codes) -> Tables:
        """Some of the features."""
        counts = (self.n_in[rows], self.n_out[rows], self.right_in[rows], self.right_out[rows])
        return Tables(*counts, self.compared[rows])


def tables(
    features: Features, correct: Mask, labels: Codes, groups: Codes, classes: int, min_count: int = 1
) -> Tables:
    """How right are answers with and without each feature?

    An image counts once, however many regions of a cluster it holds. ``correct``, ``labels``, ``groups``
    ``(n,)``; ``groups`` numbers patients. A class is compared where at least ``min_count`` patients have an
    image of it with the feature and as many one without. Varma et al. 2024, arXiv:2411.04097::

        G_y = w_y (accuracy_in - accuracy_out),   G = sum_y |G_y|
    """
    marks = np.eye(classes)[labels]
    right = marks * correct[:, None]
    inside, outside = features.inside.astype(np.float64).T, features.outside.astype(np.float64).T
    patients = [_patients(side, labels, groups, classes) for side in (features.inside, features.outside)]
    compared = (patients[0] >= min_count) & (patients[1] >= min_count)
    return Tables(inside @ marks, outside @ marks, inside @ right, outside @ right, compared)


def contrasts(found: Tables, features: Features, labels: Codes) -> Iterator[tuple[int, Codes, Floats]]:
    """Per class that any feature compares: its images ``(m,)`` and ``(m, C)`` weights with ``G_y = e @
    weights``.

    The weights sum to 0 over the images that a feature knows, so ``e`` may be correctness or what it is
    beyond the class's mean.
    """
    for label in range(found.compared.shape[1]):
        images = np.flatnonzero(labels == label)
        use = found.compared[:, label]
        if not use.any():
            continue
        weight = np.where(use, found.weights[:, label], 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            per_in = np.where(use, weight / found.n_in[:, label], 0.0)
            per_out = np.where(use, weight / found.n_out[:, label], 0.0)
        yield label, images, features.inside[images] * per_in - features.outside[images] * per_out


def _patients(held: Mask, labels: Codes, groups: Codes, classes: int) -> Floats:
    """Patients that have an image of a class on this side, ``(C, Y)``."""
    cells, own = np.unique(groups * classes + labels, return_inverse=True)
    order = np.argsort(own, kind="stable")
    starts = np.searchsorted(own[order], np.arange(len(cells)))
    any_held = np.logical_or.reduceat(held[order], starts, axis=0)
    return np.asarray(any_held.astype(np.float64).T @ np.eye(classes)[cells % classes], dtype=np.float64)


def _share(part: Floats, whole: Floats) -> Floats:
    return np.where(whole > 0, part / np.maximum(whole, 1), np.nan)
