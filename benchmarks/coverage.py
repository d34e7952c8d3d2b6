"""Coverage of nominal 95 % intervals on clustered right/wrong answers, as a table.

Run ``python benchmarks/coverage.py [REPEATS]`` (default 1000; Monte-Carlo standard error .007). Groups hold
one to five cases; two cases of a group correlate by ICC. The shifted arm keeps 80 % of the right answers and
turns 10 % of the wrong ones right; the baseline is right on 30 % of the clean accuracy.
"""

from __future__ import annotations

import sys

import numpy as np
import numpy.typing as npt

from medaudit import stats

Column = npt.NDArray[np.float64]
Groups = npt.NDArray[np.int64]
METRICS = ("mean", "difference", "ratio", "corrected", "unpaired", "unpaired ratio")


def grouped(rng: np.random.Generator, n: int) -> Groups:
    """Group of each case."""
    return np.repeat(np.arange(n), rng.integers(1, 6, n))[:n]


def answers(rng: np.random.Generator, groups: Groups, p: float, icc: float) -> Column:
    """Right/wrong with mean p; a case takes its group's common answer with probability sqrt(icc)."""
    common, own = rng.random(groups.max() + 1) < p, rng.random(len(groups)) < p
    return np.where(rng.random(len(groups)) < icc**0.5, common[groups], own).astype(np.float64)


def sample(rng: np.random.Generator, n: int, p: float, icc: float) -> dict[str, tuple[stats.Estimate, float]]:
    """One sample: every metric with its true value."""
    groups, others = grouped(rng, n), grouped(rng, n)
    clean, apart, base = (answers(rng, g, q, icc) for g, q in ((groups, p), (others, p), (groups, 0.3 * p)))
    kept, gained = answers(rng, groups, 0.8, icc), answers(rng, groups, 0.1, icc)
    shifted, truth = np.where(clean == 1, kept, gained), 0.1 + 0.7 * p
    sides = (clean, groups, apart, others + n)
    found = (
        (stats.mean(clean, groups), p),
        (stats.difference(shifted, clean, groups), truth - p),
        (stats.ratio(shifted, clean, groups), truth / p),
        (stats.corrected_ratio(shifted, base, clean, base, groups), (truth - 0.3 * p) / (0.7 * p)),
        (stats.unpaired_difference(*sides, resamples=1), 0.0),
        (stats.unpaired_ratio(*sides, resamples=1), 1.0),
    )
    return dict(zip(METRICS, found, strict=True))


def covered(n: int, icc: float, p: float, repeats: int) -> list[str]:
    """Share of defined intervals that hold the truth, and in brackets the share that is defined."""
    rng = np.random.default_rng(17)
    held: dict[str, list[bool]] = {metric: [] for metric in METRICS}
    for _ in range(repeats):
        for metric, (found, truth) in sample(rng, n, p, icc).items():
            if found.interval is not None:
                held[metric].append(found.interval[0] - 1e-9 <= truth <= found.interval[1] + 1e-9)
    return [_cell(held[metric], repeats) for metric in METRICS]


def _cell(held: list[bool], repeats: int) -> str:
    if len(held) < repeats / 10:
        return "-"
    defined = "" if len(held) == repeats else f" ({len(held) / repeats:.0%})"
    return f"{np.mean(held):.3f}{defined}"


def main() -> None:
    """Print the table."""
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print("| n | ICC | p | " + " | ".join(METRICS) + " |")
    print("|---" * (3 + len(METRICS)) + "|")
    for n in (20, 100, 1000):
        for icc in (0.0, 0.5):
            for p in (0.1, 0.5, 0.9):
                print(f"| {n} | {icc} | {p} | " + " | ".join(covered(n, icc, p, repeats)) + " |", flush=True)


if __name__ == "__main__":
    main()
