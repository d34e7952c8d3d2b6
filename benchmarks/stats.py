"""Cluster bootstrap: 10,000 resamples over 100,000 cases, against a plain loop over resamples.

Run ``python benchmarks/stats.py``. The loop draws 20 resamples and is scaled up; both give the same law.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt

from medaudit.stats import cluster_bootstrap, difference, paired_permutation

CASES, GROUPS, RESAMPLES, LOOPED = 100_000, 33_000, 10_000, 20


def plain_loop(values: npt.NDArray[np.float64], groups: npt.NDArray[np.int64], count: int) -> list[float]:
    """What one writes first: draw groups, collect their cases, average."""
    order = np.argsort(groups, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(groups))[:-1])
    rng = np.random.default_rng(0)
    means = []
    for _ in range(count):
        drawn = rng.integers(0, len(members), len(members))
        means.append(float(values[np.concatenate([members[g] for g in drawn])].mean()))
    return means


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Print seconds and ratios."""
    rng = np.random.default_rng(1)
    groups = np.concatenate([np.arange(GROUPS), rng.integers(0, GROUPS, CASES - GROUPS)])
    right, graded = (rng.random(CASES) < 0.8).astype(float), rng.random(CASES)
    loop = seconds(lambda: plain_loop(right, groups, LOOPED)) * RESAMPLES / LOOPED
    print(f"{RESAMPLES:,} resamples, {CASES:,} cases, {GROUPS:,} groups")
    print(f"plain loop (scaled from {LOOPED})  {loop:9.1f} s")
    for name, values in (("right/wrong", right), ("graded", graded)):
        took = seconds(partial(resampled_means, values, groups))
        print(f"cluster_bootstrap, {name:<12} {took:9.2f} s   ratio {loop / took:8.0f}")
    other = (rng.random(CASES) < 0.79).astype(float)
    print(f"difference with interval and p   {seconds(lambda: difference(right, other, groups)):9.2f} s")
    took = seconds(lambda: paired_permutation(right - other, groups))
    print(f"exact paired permutation         {took:9.2f} s")


def resampled_means(
    values: npt.NDArray[np.float64], groups: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """The measured call."""
    column = values[:, None]
    return cluster_bootstrap(column, groups, lambda sums, sizes: sums[:, 0] / sizes, resamples=RESAMPLES)


if __name__ == "__main__":
    main()
