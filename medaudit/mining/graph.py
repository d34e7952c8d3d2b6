"""Pairs as a graph of pictures: how they hang together, and which to keep where pictures have a capacity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medaudit.errors import UsageError
from medaudit.mining.greedy import greedy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.mining.pool import Ints
    from medaudit.mining.vectors import Floats

#: A component of more edges than this is solved by greedy choice and exchange.
EXACT_EDGES = 2000
#: Branch and bound ends here; such a component falls back to greedy choice. A count, so that runs agree.
_NODES = 2000


def components(first: Ints, second: Ints) -> Ints:
    """Connected component of each edge, ``(m,)``, numbered from 0 in order of each one's first edge."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    if not len(first):
        return np.empty(0, dtype=np.int64)
    ends, codes = np.unique(np.concatenate([first, second]), return_inverse=True)
    a, b = codes[: len(first)], codes[len(first) :]
    graph = coo_array((np.ones(len(a)), (a, b)), shape=(len(ends), len(ends)))
    labels = connected_components(graph, directed=False)[1][a]
    _, start, place = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(start, kind="stable"), kind="stable")[place].astype(np.int64)


def b_matching(first: Ints, second: Ints, weights: Floats, capacity: int) -> tuple[NDArray[np.bool_], bool]:
    """Edges of largest total weight, at most ``capacity`` at each vertex: ``(m,)`` mask, and whether optimal.

    Maximise sum w_e x_e with x_e in {0, 1} and, at each vertex, sum x_e <= capacity. Components are solved
    on their own: exactly (integer program) up to 2,000 edges, else by greedy choice with exchanges, which
    reaches at least half of the optimum. Edges without positive weight are never taken. UsageError for a
    capacity below 1.
    """
    if capacity < 1:
        raise UsageError(f"mining: a capacity of {capacity} was given; each picture needs at least 1.")
    chosen, exact = np.zeros(len(first), dtype=bool), True
    useful = np.flatnonzero(weights > 0)
    labels = components(first[useful], second[useful])
    order = useful[np.argsort(labels, kind="stable")]
    for part in np.split(order, np.cumsum(np.bincount(labels))[:-1]) if len(order) else ():
        taken = _solved(first[part], second[part], weights[part], capacity)
        if taken is None:
            exact = False
            taken = greedy(first[part], second[part], weights[part], capacity)
        chosen[part[taken]] = True
    return chosen, exact


def _solved(first: Ints, second: Ints, weights: Floats, capacity: int) -> NDArray[np.bool_] | None:
    """The optimum of one component, None where it is too large for that."""
    ends, codes = np.unique(np.concatenate([first, second]), return_inverse=True)
    m = len(first)
    if np.bincount(codes).max() <= capacity:
        return np.ones(m, dtype=bool)
    if m > EXACT_EDGES:
        return None
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    at = csr_array((np.ones(2 * m), (codes, np.tile(np.arange(m), 2))), shape=(len(ends), m))
    found = milp(
        -weights,
        integrality=np.ones(m),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(at, -np.inf, capacity),
        options={"mip_rel_gap": 0.0, "node_limit": _NODES},
    )
    return np.asarray(found.x > 0.5) if found.status == 0 else None
