"""The choice of pairs under a capacity: against every choice there is."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medaudit.errors import UsageError
from medaudit.mining import graph
from medaudit.mining.graph import b_matching, components
from medaudit.mining.greedy import greedy

EDGES = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 6), st.integers(1, 20)).filter(lambda e: e[0] < e[1]),
    min_size=1,
    max_size=10,
    unique_by=lambda e: e[:2],
)


def columns(edges: list[tuple[int, int, int]]) -> Any:
    rows = np.asarray(edges)
    return rows[:, 0], rows[:, 1], rows[:, 2].astype(float)


def loads(first: Any, second: Any, chosen: Any) -> Any:
    return np.bincount(np.concatenate([first[chosen], second[chosen]]), minlength=7)


def best(first: Any, second: Any, weights: Any, capacity: int) -> float:
    """The heaviest legal choice among all."""
    choices = (np.asarray(choice, dtype=bool) for choice in product([0, 1], repeat=len(weights)))
    return max(float(weights[c].sum()) for c in choices if loads(first, second, c).max() <= capacity)


@settings(max_examples=60, deadline=None)
@given(edges=EDGES, capacity=st.integers(1, 3))
def test_small_graphs_are_solved_exactly(edges: list[tuple[int, int, int]], capacity: int) -> None:
    first, second, weights = columns(edges)

    chosen, exact = b_matching(first, second, weights, capacity)

    assert exact
    assert loads(first, second, chosen).max() <= capacity
    assert weights[chosen].sum() == pytest.approx(best(first, second, weights, capacity))


@settings(max_examples=60, deadline=None)
@given(edges=EDGES, capacity=st.integers(1, 3))
def test_greedy_choice_is_legal_and_reaches_half(edges: list[tuple[int, int, int]], capacity: int) -> None:
    first, second, weights = columns(edges)

    chosen = greedy(first, second, weights, capacity)

    assert loads(first, second, chosen).max() <= capacity
    assert weights[chosen].sum() >= best(first, second, weights, capacity) / 2


def test_exchange_mends_what_greed_spoils() -> None:
    # The heavy middle edge stands in the way of two that are heavier together.
    first, second, weights = np.asarray([0, 1, 2]), np.asarray([1, 2, 3]), np.asarray([3.0, 4.0, 3.0])
    state = greedy(first, second, weights, 1)

    assert weights[state].sum() in (4.0, 6.0)
    assert b_matching(first, second, weights, 1)[0].tolist() == [True, False, True]


def test_large_components_fall_back_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    first, second = np.triu_indices(14, 1)
    weights = rng.random(len(first))
    whole, exact = b_matching(first, second, weights, 2)
    monkeypatch.setattr(graph, "EXACT_EDGES", 5)

    near, said = b_matching(first, second, weights, 2)

    assert exact
    assert not said
    assert 0.9 * weights[whole].sum() <= weights[near].sum() <= weights[whole].sum() + 1e-9


def test_edges_without_weight_are_never_taken() -> None:
    chosen, _ = b_matching(np.asarray([0, 2]), np.asarray([1, 3]), np.asarray([0.0, -1.0]), 3)

    assert not chosen.any()


def test_components_are_numbered_in_order() -> None:
    first, second = np.asarray([8, 0, 3, 9]), np.asarray([9, 1, 0, 7])

    assert components(first, second).tolist() == [0, 1, 1, 0]
    assert components(first[:0], second[:0]).tolist() == []


def test_a_capacity_of_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="at least 1"):
        b_matching(np.asarray([0]), np.asarray([1]), np.asarray([1.0]), 0)
