"""The most similar admissible pairs of a large pool, block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from medaudit.errors import UsageError
from medaudit.mining.vectors import cosines

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.mining.pool import Ints
    from medaudit.mining.vectors import Floats, Units

#: Given two arrays of pictures, which of the pairs may be mined at all.
Admit: TypeAlias = Callable[["Ints", "Ints"], "NDArray[np.bool_]"]
_Pairs: TypeAlias = "tuple[Ints, Ints, Floats]"
_ROWS, _COLUMNS = 1024, 8192
#: More than float32 rounding in a dot product of unit vectors: blocks screen, exact cosines decide.
_SLACK = 1e-5


@dataclass(frozen=True)
class Found:
    """Pairs ``first < second`` in order of similarity (ties: by number), and how many were admissible."""

    first: Ints
    second: Ints
    similarity: Floats
    above: int
    admissible: int


def top_pairs(
    units: Units, members: Ints, floor: float, admit: Admit, *, k: int = 50, block: int = _ROWS
) -> Found:
    """Pairs of ``members`` with cosine >= ``floor`` that pass ``admit``, among the ``k`` best of a picture.

    ``units`` is ``(n, d)`` of unit vectors. Equal to the full matrix: tiles of float32 products screen, the
    cosines of what is left are computed pair by pair in float64 and rounded, ties go to the smaller numbers.
    Half of the n x n tiles are computed; time O(n^2 d), memory O(n k + block^2) beyond the vectors.
    """
    if k < 1 or block < 1:
        raise UsageError(f"mining: k = {k}, block = {block}; give whole numbers from 1.")
    kept: list[_Pairs] = [_empty()]
    above = admissible = waiting = 0
    for first, second in _screened(units, members, floor - _SLACK, block):
        similar = cosines(units, first, second)
        here = similar >= floor
        above += int(here.sum())
        here[here] = admit(first[here], second[here])
        waiting += int(here.sum())
        admissible += int(here.sum())
        kept.append((first[here], second[here], similar[here]))
        # Pairs outside both pictures' best k so far cannot come back, so the buffer stays O(n k).
        if waiting > k * len(members):
            kept, waiting = [_best(kept, k)], 0
    return Found(*_best(kept, k), above, admissible)


def _screened(units: Units, members: Ints, floor: float, block: int) -> Iterator[tuple[Ints, Ints]]:
    members = np.sort(members)
    n, width = len(members), max(block, _COLUMNS)
    rows_of = units if n == len(units) else units[members]
    for low in range(0, n, block):
        rows = rows_of[low : low + block]
        for left in range(low, n, width):
            tile = rows @ rows_of[left : left + width].T
            hits = np.flatnonzero(tile.ravel() >= floor)
            i, j = low + hits // tile.shape[1], left + hits % tile.shape[1]
            upper = j > i
            yield members[i[upper]], members[j[upper]]


def _best(parts: list[_Pairs], k: int) -> _Pairs:
    """Pairs that are among the ``k`` best of either of their pictures, the most similar first."""
    first, second, similarity = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.lexsort((second, first, -similarity))
    first, second, similarity = first[order], second[order], similarity[order]
    ends = np.concatenate([first, second]).astype(np.int32)
    place = np.tile(np.arange(len(first), dtype=np.int32), 2)
    by_picture = np.lexsort((place, ends))
    ends, place = ends[by_picture], place[by_picture]
    starts = np.flatnonzero(np.diff(ends, prepend=-1))
    rank = np.arange(len(ends)) - np.repeat(starts, np.diff(starts, append=len(ends)))
    kept = np.zeros(len(first), dtype=bool)
    kept[place[rank < k]] = True
    return first[kept], second[kept], similarity[kept]


def _empty() -> _Pairs:
    nothing = np.empty(0, dtype=np.int64)
    return nothing, nothing, np.empty(0)
