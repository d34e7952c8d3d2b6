"""Blocks must give what the full matrix gives, and no more."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medaudit.errors import DataError, UsageError
from medaudit.mining.search import top_pairs
from medaudit.mining.vectors import cosines, unit_vectors


def units_of(n: int, d: int, seed: int, levels: int = 0) -> Any:
    """Random unit vectors; from few ``levels``, so that ties abound."""
    rng = np.random.default_rng(seed)
    drawn = rng.normal(size=(n, d)) if not levels else rng.integers(0, levels, (n, d))
    return unit_vectors(drawn.astype(np.float32), np.arange(n))


def full(units: Any, members: Any, floor: float, admit: Any, k: int) -> list[tuple[int, int, float]]:
    """All pairs, ranked at each picture by hand."""
    i, j = np.triu_indices(len(members), 1)
    a, b = members[i], members[j]
    kept = (cosines(units, a, b) >= floor) & admit(a, b)
    rows = sorted(
        zip(a[kept].tolist(), b[kept].tolist(), cosines(units, a, b)[kept].tolist(), strict=True),
        key=lambda row: (-row[2], row[0], row[1]),
    )
    best = {row for end in members.tolist() for row in [r for r in rows if end in r[:2]][:k]}
    return [row for row in rows if row in best]


@settings(deadline=None)
@given(
    n=st.integers(2, 60),
    seed=st.integers(0, 99),
    k=st.integers(1, 5),
    block=st.sampled_from([1, 7, 64]),
    levels=st.sampled_from([0, 2]),
    floor=st.sampled_from([-1.0, 0.0, 0.3]),
)
def test_blockwise_equals_full(n: int, seed: int, k: int, block: int, levels: int, floor: float) -> None:
    units = units_of(n, 4, seed, levels)
    members = np.flatnonzero(np.random.default_rng(seed).random(n) < 0.8)

    def admit(a: Any, b: Any) -> Any:
        return (a + b) % 3 != 0

    found = top_pairs(units, members, floor, admit, k=k, block=block)

    rows = list(zip(found.first.tolist(), found.second.tolist(), found.similarity.tolist(), strict=True))
    assert rows == full(units, members, floor, admit, k)


def test_pruning_the_buffer_loses_nothing() -> None:
    units, members = units_of(80, 3, 5), np.arange(80)

    found = top_pairs(units, members, -1.0, lambda a, b: np.ones(len(a), bool), k=2, block=8)

    assert found.admissible == found.above == 80 * 79 // 2
    rows = list(zip(found.first.tolist(), found.second.tolist(), found.similarity.tolist(), strict=True))
    assert rows == full(units, members, -1.0, lambda a, b: np.ones(len(a), bool), 2)


def test_where_nothing_is_admitted_nothing_is_found() -> None:
    found = top_pairs(units_of(50, 4, 0), np.arange(50), -1.0, lambda a, b: np.zeros(len(a), bool))

    assert len(found.first) == found.admissible == 0


def test_a_memory_map_gives_what_an_array_gives(tmp_path: Any) -> None:
    drawn = np.random.default_rng(0).normal(3, 1, (5000, 8)).astype(np.float32)
    np.save(tmp_path / "v.npy", drawn)
    rows = np.random.default_rng(1).permutation(5000)[:4500]

    mapped = unit_vectors(np.load(tmp_path / "v.npy", mmap_mode="r"), rows)

    assert (mapped == unit_vectors(drawn, rows)).all()
    assert np.allclose(np.linalg.norm(mapped, axis=1), 1, atol=1e-6)


def test_a_row_that_is_the_mean_is_similar_to_nothing() -> None:
    units = unit_vectors(np.asarray([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]]), np.arange(3))

    assert cosines(units, np.asarray([0, 0]), np.asarray([1, 2])).tolist() == [-1.0, 0.0]


@pytest.mark.parametrize(
    ("vectors", "said"),
    [
        (np.ones(4), "an array (pictures, dimensions) is needed; got shape (4,)"),
        ([[1.0]], "got a list"),
        (np.ones((2, 3)), "2 rows for 4 distinct pictures"),
        (np.asarray([[1.0], [np.nan], [2.0], [3.0]]), "row 1 holds a value that is not finite"),
    ],
)
def test_vectors_that_do_not_fit_are_refused(vectors: Any, said: str) -> None:
    with pytest.raises(DataError) as error:
        unit_vectors(vectors, np.arange(4))
    assert said in str(error.value)


def test_no_neighbours_are_refused() -> None:
    with pytest.raises(UsageError, match="whole numbers from 1"):
        top_pairs(units_of(4, 2, 0), np.arange(4), 0.0, lambda a, b: a < b, k=0)
