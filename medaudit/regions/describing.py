"""From arrays over features to one `Cluster` each."""

from __future__ import annotations

import numpy as np

from medaudit.regions.family import Family
from medaudit.regions.features import Features
from medaudit.regions.gaps import Tables
from medaudit.regions.influence import Influence
from medaudit.regions.outputs import ClassRow, Cluster, Test
from medaudit.regions.partition import Partition


def described(
    at: int,
    features: Features,
    found: Tables,
    parted: Partition,
    *,
    kept: bool,
    influence: Influence | None = None,
    test: Test | None = None,
) -> Cluster:
    """The feature at row ``at``, with its table, regions and images."""
    place = int(features.places[at])
    gaps = np.where(found.compared[at], found.gaps[at], 0.0)
    compared = int(found.compared[at].sum())
    gap = float(np.abs(gaps).sum())
    return Cluster(
        name=features.names[at],
        kept=kept,
        gap=gap,
        gap_per_class=gap / compared if compared else None,
        rows=_rows(at, found),
        helped=int(gaps.argmax()) if gaps.max() > 0 else None,
        hurt=int(gaps.argmin()) if gaps.min() < 0 else None,
        influence=influence,
        test=test,
        medoid=int(parted.medoids[place]) if place >= 0 else None,
        members=parted.members(place) if place >= 0 else np.zeros(0, dtype=np.int64),
        images=np.flatnonzero(features.inside[:, at]),
    )


def one_test(family: Family, at: int) -> Test:
    """The feature at column ``at`` of a family."""
    return Test(
        null_mean=float(family.null_mean[at]),
        null_sd=float(family.null_sd[at]),
        p=float(family.p[at]),
        p_adjusted=float(family.p_adjusted[at]),
        p_max_t=float(family.p_max_t[at]),
        p_helped=float(family.p_helped[at]),
        p_hurt=float(family.p_hurt[at]),
    )


def _rows(at: int, found: Tables) -> tuple[ClassRow, ...]:
    def share(value: float) -> float | None:
        return None if np.isnan(value) else float(value)

    accuracy_in, accuracy_out = found.accuracy_in[at], found.accuracy_out[at]
    weights, gaps = found.weights[at], found.gaps[at]
    return tuple(
        ClassRow(
            label=label,
            n_in=int(found.n_in[at, label]),
            n_out=int(found.n_out[at, label]),
            accuracy_in=share(accuracy_in[label]),
            accuracy_out=share(accuracy_out[label]),
            weight=float(weights[label]),
            gap=float(gaps[label]) if found.compared[at, label] else None,
        )
        for label in range(found.n_in.shape[1])
    )
