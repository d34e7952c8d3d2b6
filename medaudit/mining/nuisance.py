"""Columns in which the two pictures of a pair must be alike, so that what differs is the attribute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from medaudit.errors import UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.mining.pool import Ints, Pool
    from medaudit.mining.vectors import Floats


@dataclass(frozen=True)
class Nuisance:
    """Columns by code (-1: unknown), and columns of numbers (NaN: unknown) with how far apart they may be."""

    codes: tuple[Ints, ...]
    numbers: tuple[tuple[Floats, float], ...]
    strict: bool

    def alike(self, first: Ints, second: Ints) -> NDArray[np.bool_]:
        """Whether each pair agrees in every column; what is unknown agrees with nothing (not strict: all)."""
        agree = np.ones(len(first), dtype=bool)
        for codes in self.codes:
            a, b = codes[first], codes[second]
            agree &= ((a == b) & (a >= 0)) | (~np.bool_(self.strict) & ((a < 0) | (b < 0)))
        for values, tolerance in self.numbers:
            apart = np.abs(values[first] - values[second])
            agree &= (apart <= tolerance) | (~np.bool_(self.strict) & np.isnan(apart))
        return agree

    def differences(self, first: Ints, second: Ints) -> Ints:
        """In how many columns each pair of pictures differs, unknown counting as different."""
        count = np.zeros(len(first), dtype=np.int64)
        for codes in self.codes:
            count += (codes[first] != codes[second]) | (codes[first] < 0)
        for values, tolerance in self.numbers:
            count += ~(np.abs(values[first] - values[second]) <= tolerance)
        return count


def nuisance(
    pool: Pool, columns: Sequence[str], tolerance: Mapping[str, float] | None = None, *, strict: bool = True
) -> Nuisance:
    """The nuisance columns of a pool; those in ``tolerance`` are numbers, others are compared as text.

    ``strict``: a missing value matches nothing. UsageError for a column without a value, and for a tolerance
    that is negative or of a column without numbers.
    """
    given = dict(tolerance or {})
    names = list(dict.fromkeys([*columns, *given]))
    legal = {name for cases in pool.cases for case in cases for name in case.meta}
    for name in names:
        if name not in legal:
            raise UsageError.unknown("nuisance column", name, legal)
        if given.get(name, 0.0) < 0 or (name in given and np.isnan(pool.numbers(name)).all()):
            raise UsageError(f"Nuisance {name!r}: a tolerance is a number from 0 on a column of numbers.")
    codes = tuple(pool.codes(name) for name in names if name not in given)
    return Nuisance(
        codes, tuple((pool.numbers(name), given[name]) for name in names if name in given), strict
    )
