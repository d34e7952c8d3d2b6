"""What an image may hold: regions of a cluster, or a value of something known of the whole image."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from medaudit.regions.inputs import Mask, Regions
from medaudit.regions.partition import Partition
from medaudit.stats.clusters import canonical
from medaudit.stats.estimate import Codes, Floats

# Numbers with more distinct values than this are cut into thirds.
_FEW_VALUES = 6


@dataclass(frozen=True, eq=False)
class Features:
    """C features of n images. ``inside`` and ``outside`` are ``(n, C)``; where it is unknown, neither holds.

    ``places`` ``(C,)`` are clusters of the partition, -1 for a covariate.
    """

    names: tuple[str, ...]
    inside: Mask
    outside: Mask
    places: Codes

    @property
    def count(self) -> int:
        """Number of features, C."""
        return len(self.names)

    def only(self, kept: Codes | Mask) -> Features:
        """Some of the features."""
        chosen = np.arange(self.count)[kept]
        names = tuple(self.names[at] for at in chosen)
        return Features(names, self.inside[:, chosen], self.outside[:, chosen], self.places[chosen])

    def at(self, images: Mask) -> Features:
        """The same features of some of the images."""
        return Features(self.names, self.inside[images], self.outside[images], self.places)


def occurrences(regions: Regions, parted: Partition) -> Codes:
    """Regions of each image in each cluster, ``(n, k)``."""
    cells = regions.image * parted.k + parted.assigned
    counts = np.bincount(cells, minlength=regions.n * parted.k)
    return counts.reshape(regions.n, parted.k).astype(np.int64)


def region_features(regions: Regions, parted: Partition) -> Features:
    """One feature per cluster: does the image hold a region of it?"""
    inside = occurrences(regions, parted) > 0
    names = tuple(f"cluster {place}" for place in range(parted.k))
    return Features(names, inside, ~inside, np.arange(parted.k))


def covariate_features(regions: Regions) -> Features:
    """Global attributes in the same form as clusters, for RaVL itself sees local features only.

    A column of two values gives one feature, of more values one each; numbers of many values give their
    lowest and their highest third.
    """
    names: list[str] = []
    inside: list[Mask] = []
    known: list[Mask] = []
    for name, column in regions.covariates.items():
        given = np.asarray([_known(value) for value in column], dtype=np.bool_)
        for title, mask in _values(column, given).items():
            names.append(f"{name}: {title}")
            inside.append(mask)
            known.append(given)
    if not names:
        empty = np.zeros((regions.n, 0), dtype=np.bool_)
        return Features((), empty, empty, np.zeros(0, dtype=np.int64))
    held = np.stack(inside, axis=1)
    return Features(tuple(names), held, np.stack(known, axis=1) & ~held, np.full(len(names), -1))


def joined(*parts: Features) -> Features:
    """All features side by side."""
    return Features(
        tuple(name for part in parts for name in part.names),
        np.concatenate([part.inside for part in parts], axis=1),
        np.concatenate([part.outside for part in parts], axis=1),
        np.concatenate([part.places for part in parts]),
    )


def _values(column: Sequence[Hashable | None], given: Mask) -> dict[str, Mask]:
    distinct = sorted({value for value in column if _known(value)}, key=canonical)
    numeric = all(isinstance(value, int | float) and not isinstance(value, bool) for value in distinct)
    if numeric and len(distinct) > _FEW_VALUES:
        return _thirds(np.asarray([np.nan if value is None else value for value in column], float), given)
    # Of two values the second would be the first seen from the other side.
    shown = distinct[:-1] if len(distinct) == 2 else distinct
    return {str(one): np.asarray([value == one for value in column], dtype=np.bool_) for one in shown}


def _known(value: Hashable | None) -> bool:
    """Neither None nor NaN, the one value that differs from itself."""
    return value is not None and bool(value == value)


def _thirds(numbers: Floats, given: Mask) -> dict[str, Mask]:
    low, high = np.quantile(numbers[given], [1 / 3, 2 / 3])
    return {
        "lowest third": np.asarray(given & (numbers <= low), dtype=np.bool_),
        "highest third": np.asarray(given & (numbers >= high), dtype=np.bool_),
    }
