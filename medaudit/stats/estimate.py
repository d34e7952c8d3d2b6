"""The shape of every estimate, and the checks that its inputs pass."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Codes: TypeAlias = npt.NDArray[np.int64]
Values: TypeAlias = Sequence[float] | Sequence[bool] | npt.NDArray[np.generic]
Groups: TypeAlias = Sequence[Hashable] | npt.NDArray[np.generic]

NO_CASES = "no cases"
ONE_GROUP = "one group: no interval can be computed"


@dataclass(frozen=True)
class Estimate:
    """A number with its interval. ``reason`` says why whenever estimate or interval is None."""

    estimate: float | None
    interval: tuple[float, float] | None
    n: int
    groups: int
    p_value: float | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        if (self.estimate is None or self.interval is None) and not self.reason:
            raise ValueError("an estimate or interval of None needs a reason")


# Squares of sums must stay finite.
_LARGEST = 1e100


def checked(values: Values, name: str = "values") -> Floats:
    """``(n,) float64`` copy of the values. ValueError for NaN, beyond 1e100 or more than one axis."""
    array = np.array(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError(f"{name}: {array.ndim} axes given; one number per case is needed")
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: NaN or infinity given; drop such cases and say so first")
    if array.size and np.abs(array).max() > _LARGEST:
        raise ValueError(f"{name}: a number beyond 1e100 given; rescale the values")
    return array


def same_length(*columns: Floats | Codes) -> None:
    """ValueError unless every column has one entry per case."""
    lengths = sorted({len(column) for column in columns})
    if len(lengths) > 1:
        raise ValueError(f"columns of unequal length: {lengths}")


def check_confidence(confidence: float) -> None:
    """ValueError unless 0 < confidence < 1."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence {confidence} given; it lies between 0 and 1")
