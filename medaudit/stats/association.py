"""How strongly do two labels go together, and how are labels dealt that go together just so strongly?"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import permutations
from typing import Any, TypeVar

import numpy as np

from medaudit.stats.clusters import canonical
from medaudit.stats.estimate import Codes, Floats, Groups, same_length

Level = TypeVar("Level", bound=Hashable)

_HALVINGS = 50
# Rounding leaves a table a few cases off; each step below moves one or two of them.
_STEPS = 60


def cramers_v(x: Groups, y: Groups) -> float:
    """How strongly do two labels of the same cases go together? Cramer's V, from 0 to 1.

    ``sqrt(chi2 / (n (min(r, c) - 1)))`` with Pearson's chi-squared of the r x c table, uncorrected (Cramer
    1946). 1.0: the one tells the other; 0.0: no association, and also when a label is constant or there are
    no cases, since nothing can be told from it. ValueError for columns of unequal length.
    """
    (first, rows), (second, columns) = _numbered(x), _numbered(y)
    same_length(first, second)
    table = np.zeros((rows, columns))
    np.add.at(table, (first, second), 1)
    return _v_of(table)


def associate(
    labels: Groups, levels: Sequence[Level], v: float, rng: np.random.Generator, *, keep_even: bool = False
) -> list[Level]:
    """Deal a level to each case so that Cramer's V between labels and levels is ``v``.

    The i-th label in sorted order goes with ``levels[i]`` (wrapping round), wholly so at ``v = 1``. The
    result is as near to ``v`` as whole cases allow. Levels are as evenly used as ``v`` permits: labels of
    10 % and 90 % reach V = .33 with two levels of 50 %, and beyond that the levels grow as uneven as the
    labels; ``keep_even=True`` forbids that. Two even labels and two levels agree in ``(1 + v) / 2`` of the
    cases. Which cases of a label get which level is random.

    ValueError, with the V that can be reached, when ``v`` cannot; also for ``v`` outside [0, 1], for no
    levels and for levels named twice.
    """
    if not 0 <= v <= 1:
        raise ValueError(f"v {v} given; Cramer's V lies between 0 and 1")
    if not levels or len(set(levels)) < len(levels):
        raise ValueError(f"levels {list(levels)} given; one level or more is needed, each named once")
    codes, count = _numbered(labels)
    sizes = np.bincount(codes, minlength=count).astype(np.float64)
    if not count:
        return []
    table = _whole(_target(sizes, len(levels), v, keep_even), v, keep_even)
    dealt = np.empty(len(codes), np.int64)
    for code, row in enumerate(table):
        dealt[codes == code] = rng.permutation(np.repeat(np.arange(len(levels)), row.astype(np.int64)))
    return [levels[index] for index in dealt.tolist()]


def _numbered(labels: Groups) -> tuple[Codes, int]:
    """Number the labels in sorted order, by type and ``repr`` where they do not compare."""
    listed: list[Any] = labels.tolist() if isinstance(labels, np.ndarray) else list(labels)
    distinct = dict.fromkeys(listed)
    try:
        ordered = sorted(distinct)
    except TypeError:
        ordered = sorted(distinct, key=canonical)
    index = {label: code for code, label in enumerate(ordered)}
    return np.fromiter((index[label] for label in listed), np.int64, len(listed)), len(ordered)


def _v_of(table: Floats) -> float:
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    smaller = min(table.shape, default=0)
    if smaller < 2:
        return 0.0
    n = table.sum()
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    return float(min(1.0, (((table - expected) ** 2 / expected).sum() / n / (smaller - 1)) ** 0.5))


def _target(sizes: Floats, count: int, v: float, keep_even: bool) -> Floats:
    """Table of shares of cases, ``(labels, levels)``, that has V = v and the most even level margins.

    With margins held, V grows in proportion on the straight way from independence to the extreme table.
    """
    even = np.full(count, sizes.sum() / count)
    own: Floats = np.bincount(np.arange(len(sizes)) % count, sizes, count).astype(np.float64)
    uneven = 0.0
    if _v_of(_extreme(sizes, even)) < v - 1e-12:
        _refuse_beyond(v, _v_of(_extreme(sizes, even if keep_even else own)), keep_even)
        uneven = _least(lambda s: _v_of(_extreme(sizes, even + s * (own - even))), v)
    margins = even + uneven * (own - even)
    extreme = _extreme(sizes, margins)
    share = min(1.0, v / _v_of(extreme)) if v > 0 else 0.0
    independent = np.outer(sizes, margins) / sizes.sum()
    mixed: Floats = independent + share * (extreme - independent)
    return mixed


def _refuse_beyond(v: float, reachable: float, keep_even: bool) -> None:
    if reachable < v - 1e-12:
        levels = "levels used evenly" if keep_even else "these labels and levels"
        hint = "; allow uneven levels (keep_even=False) or ask for less" if keep_even else ""
        raise ValueError(f"v {v} given; with {levels} at most {reachable:.3f} can be reached{hint}")


def _least(reached: Callable[[float], float], v: float) -> float:
    """Smallest share in [0, 1] at which ``v`` is reached, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) >= v else (middle, high)
    return high


def _extreme(sizes: Floats, margins: Floats) -> Floats:
    """The table in which each label keeps to its own level as far as both margins allow."""
    table = np.zeros((len(sizes), len(margins)))
    rows, columns = sizes.copy(), margins.copy()
    own = [(row, row % len(margins)) for row in range(len(sizes))]
    for row, column in [*own, *np.ndindex(*table.shape)]:
        moved = min(rows[row], columns[column])
        table[row, column] += moved
        rows[row] -= moved
        columns[column] -= moved
    return table


def _whole(target: Floats, v: float, keep_even: bool) -> Floats:
    """Whole cases: rounded within each label, then single moves while they come nearer to v.

    One case moves V by about 2 / n; nearer than a quarter of that, evenness of the levels decides.
    """

    def badness(table: Floats) -> tuple[float, float]:
        apart = max(abs(_v_of(table) - v), 0.5 / table.sum())
        return round(apart, 12), float(np.abs(table.sum(axis=0) - target.sum(axis=0)).max())

    table = _rounded(target)
    for _ in range(_STEPS):
        best = min(_neighbours(table, not keep_even), key=badness, default=table)
        if badness(best) >= badness(table):
            return table
        table = best
    return table


def _rounded(target: Floats) -> Floats:
    """Largest remainders within each label; what a level was denied counts for it at the next label."""
    table = np.floor(target + 1e-9)
    owed = np.zeros(target.shape[1])
    for row, wanted in zip(table, target, strict=True):
        owed += wanted - row
        gets = np.argsort(-owed, kind="stable")[: round(wanted.sum() - row.sum())]
        row[gets] += 1
        owed[gets] -= 1
    return table


def _neighbours(table: Floats, singly: bool) -> Iterator[Floats]:
    """Tables in which two labels exchange levels in one case each; ``singly``: or one case has another."""
    rows, columns = table.shape
    for source, goal in permutations(range(columns), 2):
        for row in np.flatnonzero(table[:, source]):
            moved = table.copy()
            moved[row, [source, goal]] += (-1, 1)
            if singly:
                yield moved
            for other in range(rows):
                if other != row and table[other, goal]:
                    both = moved.copy()
                    both[other, [goal, source]] += (-1, 1)
                    yield both
