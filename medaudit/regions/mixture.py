"""A mixture over where regions lie, what is true of them and what they are taken for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medaudit.stats.estimate import Codes, Floats

_ROUNDS = 60
_SETTLED = 1e-4
_LEAST_SHARE = 1e-3


@dataclass(frozen=True, eq=False)
class Mixture:
    """``responsibility`` ``(R, K)`` of each component for each item; ``true`` and ``taken`` ``(K, Y)``."""

    responsibility: Floats
    true: Floats
    taken: Floats


def error_aware_mixture(
    points: Floats, labels: Codes, scores: Floats, components: int, weight: float, rng: np.random.Generator
) -> Mixture:
    """Which items lie together, have one label and are taken for one class? Expectation maximisation.

    A component is a normal law with a diagonal covariance on ``points`` ``(R, d)``, and a law of the
    label and of the class taken for it, ``scores`` ``(R, Y)``; both count ``weight`` times. It starts
    from the cells of the confusion table, dealt out to components. Eyuboglu et al. 2022,
    arXiv:2203.14960.
    """
    marks = np.eye(scores.shape[1])[labels]
    cells = labels * scores.shape[1] + scores.argmax(axis=1)
    own = rng.random((int(cells.max()) + 1, components))[cells] + 0.2 * rng.random((len(points), components))
    own = own**8 / (own**8).sum(axis=1, keepdims=True)
    before = -np.inf
    for _ in range(_ROUNDS):
        sizes = own.sum(axis=0) + 1e-9
        means = own.T @ points / sizes[:, None]
        variances = np.maximum(own.T @ points**2 / sizes[:, None] - means**2, 0) + 1e-3 * points.var()
        true, taken = _law(own.T @ marks, sizes), _law(own.T @ scores, sizes)
        logs = np.log(sizes / len(points)) + _normal(points, means, variances)
        logs = logs + weight * (marks @ np.log(true).T + scores @ np.log(taken).T)
        highest = logs.max(axis=1, keepdims=True)
        total = highest[:, 0] + np.log(np.exp(logs - highest).sum(axis=1))
        own = np.exp(logs - total[:, None])
        if total.mean() - before < _SETTLED:
            break
        before = float(total.mean())
    return Mixture(own, true, taken)


def _normal(points: Floats, means: Floats, variances: Floats) -> Floats:
    """Log density up to a constant, ``(R, K)``."""
    precision = 1 / variances
    square = points**2 @ precision.T - 2 * points @ (means * precision).T + (means**2 * precision).sum(axis=1)
    return np.asarray(-0.5 * (square + np.log(variances).sum(axis=1)), dtype=np.float64)


def _law(counts: Floats, sizes: Floats) -> Floats:
    law = counts / sizes[:, None] + _LEAST_SHARE
    return np.asarray(law / law.sum(axis=1, keepdims=True), dtype=np.float64)
