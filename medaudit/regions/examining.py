"""One partition, every feature tested, ranked: what `ours` judges and `stability` repeats."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from medaudit.image import keyed_rng
from medaudit.regions.family import Family, tested
from medaudit.regions.features import Features, covariate_features, joined, region_features
from medaudit.regions.gaps import Tables, tables
from medaudit.regions.influence import Influence, bounded_influence, votes
from medaudit.regions.inputs import Mask, Regions
from medaudit.regions.partition import Partition
from medaudit.regions.settings import Settings
from medaudit.stats.estimate import Codes

#: Classes that a feature must be comparable in: what helps one class can only be seen to hurt another.
LEAST_CLASSES = 2
# Features that go from the first half into the test on the second.
_SCREENED = 5
_SCREENING_DEALS = 199


@dataclass(frozen=True, eq=False)
class Examined:
    """Features ranked in ``order``. ``found`` has a row per feature; ``columns`` maps tested rows to
    ``family``.

    ``differs``: max-T below alpha. ``kept``: of those, the ones that help a class and hurt a class.
    """

    features: Features
    found: Tables
    family: Family | None
    columns: dict[int, int]
    influence: dict[int, Influence | None]
    differs: tuple[int, ...]
    kept: tuple[int, ...]
    order: tuple[int, ...]


def examine(
    regions: Regions, parted: Partition, images: Mask, first: Mask | None, settings: Settings
) -> Examined:
    """Test a partition's features on ``images`` ``(n,)``; where ``first`` is given, those it singles out."""
    every = joined(region_features(regions, parted), covariate_features(regions))
    found, eligible = _tables(regions, every, images, settings)
    if first is not None and eligible.any():
        eligible = _screened(regions, every, first, eligible, settings)
    at = np.flatnonzero(eligible)
    columns = {int(row): column for column, row in enumerate(at)}
    if not len(at):
        return Examined(every, found, None, {}, {}, (), (), tuple(range(every.count)))
    family = _family(regions, every.only(at), images, settings)
    cast = votes(regions, parted)
    cast = replace(cast, errors=cast.errors & images)
    influence = {
        row: bounded_influence(regions, found, cast, row) if every.places[row] >= 0 else None
        for row in columns
    }
    differs = tuple(row for row, column in columns.items() if family.p_max_t[column] <= settings.alpha)
    kept = tuple(row for row in differs if not settings.both_signs or _both(family, columns[row], settings))
    order = _ranked(every, family, columns, influence, kept)
    return Examined(every, found, family, columns, influence, differs, kept, order)


def _tables(regions: Regions, features: Features, images: Mask, settings: Settings) -> tuple[Tables, Mask]:
    """Tables over some images, and which features can be compared in enough classes."""
    found = tables(
        features.at(images),
        regions.correct[images],
        regions.labels[images],
        regions.group_codes[images],
        regions.classes,
        settings.min_count,
    )
    return found, np.asarray(found.compared.sum(axis=1) >= LEAST_CLASSES, dtype=np.bool_)


def _family(regions: Regions, features: Features, images: Mask, settings: Settings) -> Family:
    found, _ = _tables(regions, features, images, settings)
    return tested(
        features.at(images),
        found,
        regions.correct[images],
        regions.labels[images],
        regions.group_codes[images],
        resamples=settings.resamples,
        alpha=settings.alpha,
        rng=keyed_rng("regions", settings.seed, "deals"),
    )


def _screened(regions: Regions, every: Features, first: Mask, eligible: Mask, settings: Settings) -> Mask:
    """The few features that stand out most on the first half."""
    _, there = _tables(regions, every, first, settings)
    at = np.flatnonzero(eligible & there)
    chosen = np.zeros(every.count, dtype=np.bool_)
    if len(at):
        family = _family(regions, every.only(at), first, replace(settings, resamples=_SCREENING_DEALS))
        standing = (family.gap - family.null_mean) / np.maximum(family.null_sd, 1e-12)
        chosen[at[np.argsort(-standing, kind="stable")[:_SCREENED]]] = True
    return chosen


def _both(family: Family, column: int, settings: Settings) -> bool:
    return bool(max(family.p_helped[column], family.p_hurt[column]) <= settings.alpha)


def _ranked(
    every: Features,
    family: Family,
    columns: dict[int, int],
    influence: dict[int, Influence | None],
    kept: tuple[int, ...],
) -> tuple[int, ...]:
    """Findings whose regions decide errors, other findings, the tested, the rest; by G beyond chance."""

    def key(row: int) -> tuple[float, ...]:
        if row not in columns:
            return (3, 0, 0, row)
        column = columns[row]
        beyond = float(family.gap[column] - family.null_mean[column])
        if row not in kept:
            return (2, float(family.p_max_t[column]), -beyond, row)
        own = influence[row]
        # A covariate has no regions that could vote; that is not held against it.
        decides = every.places[row] < 0 or (own is not None and own.lower is not None and own.lower > 0)
        return (0 if decides else 1, 0, -beyond, row)

    return tuple(sorted(range(every.count), key=key))


def held(examined: Examined, row: int, images: Mask) -> Codes:
    """Those of ``images`` that hold a feature."""
    return np.flatnonzero(examined.features.inside[:, row] & images)
