"""One sample of data with a known truth, and what a public statistic says of it: makers of draws."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from medaudit import stats
from medaudit.stats import simulation as sim
from medaudit.stats.estimate import Codes, Floats
from medaudit.stats.simulation import Outcome

Rng = np.random.Generator
Draw = Callable[[Rng, int, float], Outcome]

# (hits + 1) / 200 meets each level of simulation.ALPHAS exactly.
_DEALS = 199


def _dealing(rng: Rng) -> dict[str, Any]:
    """Few deals, and other ones for each sample: over one fixed set of deals a level is off by chance."""
    return {"resamples": _DEALS, "seed": int(rng.integers(2**32))}


def _found(estimate: Any, truth: float | None, null: bool) -> Outcome:
    return Outcome(estimate.interval, truth, estimate.p_value if null else None)


def mean_draw(values: Callable[[Rng, Codes, float], Floats], truth: float) -> Draw:
    def draw(rng: Rng, n: int, icc: float) -> Outcome:
        groups = sim.grouped(rng, n)
        return _found(stats.mean(values(rng, groups, icc), groups), truth, null=False)

    return draw


def rate(p: float) -> Callable[[Rng, Codes, float], Floats]:
    return lambda rng, groups, icc: sim.right_wrong(rng, groups, p, icc)


def paired_draw(
    statistic: Callable[..., Any], truth: float, arms: Callable[[Rng, Codes, float], Any], null: bool
) -> Draw:
    """A statistic of (a, b, groups) with its p-value where both arms have the same law."""

    def draw(rng: Rng, n: int, icc: float) -> Outcome:
        groups = sim.grouped(rng, n)
        return _found(statistic(*arms(rng, groups, icc), groups, **_dealing(rng)), truth, null)

    return draw


def twins(p: float) -> Callable[[Rng, Codes, float], tuple[Floats, ...]]:
    return lambda rng, groups, icc: tuple(sim.right_wrong(rng, groups, p, icc) for _ in range(2))


def graded_twins(rng: Rng, groups: Codes, icc: float) -> tuple[Floats, ...]:
    return tuple(sim.graded(rng, groups, icc) for _ in range(2))


def unlike_twins(rng: Rng, groups: Codes, icc: float) -> tuple[Floats, ...]:
    return sim.right_wrong(rng, groups, 0.8, icc), sim.right_wrong(rng, groups, 0.8, 0.0)


def shifted_draw(p: float) -> Callable[[Rng, Codes, float], tuple[Floats, ...]]:
    def arms(rng: Rng, groups: Codes, icc: float) -> tuple[Floats, ...]:
        clean = sim.right_wrong(rng, groups, p, icc)
        return sim.shifted(rng, groups, clean, icc), clean

    return arms


def corrected_draw(first: float, second: float, truth: float, base: float = 0.3) -> Draw:
    """Two arms, each beside its own baseline."""

    def draw(rng: Rng, n: int, icc: float) -> Outcome:
        groups = sim.grouped(rng, n)
        a, base_a, b, base_b = (sim.right_wrong(rng, groups, p, icc) for p in (first, base, second, base))
        found = stats.corrected_ratio(a, base_a, b, base_b, groups, **_dealing(rng))
        return _found(found, truth, null=first == second)

    return draw


def sides_draw(
    statistic: Callable[..., Any], rates: tuple[float, float], by_group: bool, truth: float
) -> Draw:
    """Subgroups of 30 and 70 % of the cases, with answers of the given rates."""

    def draw(rng: Rng, n: int, icc: float) -> Outcome:
        groups = sim.grouped(rng, n)
        chosen = sim.labelled(rng, groups, 0.3, by_group)
        common = rng.random(len(groups))
        # One draw for both rates keeps the correlation within groups that have cases on both sides.
        a, b = ((common < r).astype(float) for r in _both_rates(rng, groups, rates, icc))
        found = statistic(a[chosen], groups[chosen], b[~chosen], groups[~chosen], **_dealing(rng))
        return _found(found, truth, null=rates[0] == rates[1])

    return draw


def _both_rates(rng: Rng, groups: Codes, rates: tuple[float, float], icc: float) -> tuple[Floats, Floats]:
    first = sim.group_rates(rng, groups, rates[0], icc)
    return first, first if rates[0] == rates[1] else sim.group_rates(rng, groups, rates[1], icc)


def graded_sides(rng: Rng, n: int, icc: float) -> Outcome:
    groups = sim.grouped(rng, n)
    chosen, values = sim.labelled(rng, groups, 0.3, by_group=True), sim.graded(rng, groups, icc)
    found = stats.unpaired_difference(
        values[chosen], groups[chosen], values[~chosen], groups[~chosen], **_dealing(rng)
    )
    return _found(found, 0.0, null=True)


def unpaired_margin(rates: tuple[float, float], truth: float) -> Draw:
    """Two sides of whole groups, each beside a baseline of 30 %."""

    def draw(rng: Rng, n: int, icc: float) -> Outcome:
        groups = sim.grouped(rng, n)
        a = sim.labelled(rng, groups, 0.5, by_group=True)
        first, base_a, second, base_b = (
            sim.right_wrong(rng, groups, p, icc) for p in (rates[0], 0.3, rates[1], 0.3)
        )
        found = stats.unpaired_corrected_ratio(
            first[a], base_a[a], groups[a], second[~a], base_b[~a], groups[~a], **_dealing(rng)
        )
        return _found(found, truth, rates[0] == rates[1])

    return draw


def gap_draw(labels: int, by_group: bool, lift: float = 0.0, apart: bool = False) -> Draw:
    """Subgroups of like size; the last is better by ``lift``. Its truth is the gap less the null mean.

    ``apart``: the last subgroup has group effects of its own, so that labels within a group may not be
    exchanged though all means are equal.
    """

    def draw(rng: Rng, n: int, icc: float) -> Outcome:
        groups = sim.grouped(rng, n)
        names = rng.integers(0, labels, n)[groups] if by_group else rng.integers(0, labels, n)
        values = sim.right_wrong(rng, groups, 0.6, icc)
        if lift or apart:
            values = np.where(names == labels - 1, sim.right_wrong(rng, groups, 0.6 + lift, icc), values)
        found = stats.gap(values, names.tolist(), groups, **_dealing(rng))
        truth = lift - (found.null_mean or 0.0) if lift else 0.0
        return _found(found, truth, null=not lift)

    return draw


def bootstrap_draw(rng: Rng, n: int, icc: float) -> Outcome:
    """The percentile interval that estimates draw from `cluster_bootstrap`."""
    from medaudit.stats.bootstrap import percentile_interval

    groups = sim.grouped(rng, n)
    values = sim.graded(rng, groups, icc)
    draws = stats.cluster_bootstrap(
        values[:, None],
        groups,
        lambda sums, sizes: sums[:, 0] / sizes,
        resamples=999,
        seed=int(rng.integers(2**32)),
    )
    count = int(groups.max()) + 1
    return Outcome(percentile_interval(draws, count, 0.95) if count > 1 else None, sim.GRADED_MEAN)


def proportion_draw(interval: Callable[[int, int], tuple[float, float]], p: float) -> Draw:
    def draw(rng: Rng, n: int, icc: float) -> Outcome:
        answers = sim.right_wrong(rng, sim.grouped(rng, n), p, icc)
        return Outcome(interval(int(answers.sum()), n), p)

    return draw


def mcnemar_draw(rng: Rng, n: int, icc: float) -> Outcome:
    a, b = twins(0.8)(rng, sim.grouped(rng, n), icc)
    return Outcome(p_value=stats.mcnemar(int((a > b).sum()), int((a < b).sum())))


def flips_draw(rng: Rng, n: int, icc: float) -> Outcome:
    groups = sim.grouped(rng, n)
    a, b = graded_twins(rng, groups, icc)
    return Outcome(p_value=stats.paired_permutation(a - b, groups, **_dealing(rng)))


def tost_draw(truth: float) -> Draw:
    """Equivalence within 0.1 while the difference is ``truth``; at 0.1 the null is true by a hair."""

    def draw(rng: Rng, n: int, icc: float) -> Outcome:
        groups = sim.grouped(rng, n)
        worse = rng.random(n) < sim.group_rates(rng, groups, 0.1 + truth, icc)
        better = rng.random(n) < sim.group_rates(rng, groups, 0.1, icc)
        found = stats.tost(better.astype(float) - worse, groups, 0.1)
        return Outcome(found.interval, -truth, found.p_value if truth else None)

    return draw


def family_draw(adjust: Callable[..., list[float | None]], shared: bool) -> Draw:
    """The smallest adjusted p of ten true nulls; ``shared``: ten arms against one and the same clean arm."""

    def draw(rng: Rng, n: int, icc: float) -> Outcome:
        p_values = [float(p) for p in rng.random(10)]
        if shared:
            groups = sim.grouped(rng, n)
            clean = sim.right_wrong(rng, groups, 0.8, icc)
            arms = [sim.right_wrong(rng, groups, 0.8, icc) for _ in range(10)]
            p_values = [stats.paired_permutation(arm - clean, groups) for arm in arms]
        return Outcome(p_value=min(p for p in adjust(p_values) if p is not None))

    return draw


def mean_without_groups(rng: Rng, n: int, icc: float) -> Outcome:
    values = sim.right_wrong(rng, sim.grouped(rng, n), 0.7, icc)
    return _found(stats.mean(values, range(n)), 0.7, null=False)


def sides_without_groups(rng: Rng, n: int, icc: float) -> Outcome:
    groups = sim.grouped(rng, n)
    chosen, values = sim.labelled(rng, groups, 0.5, by_group=True), sim.right_wrong(rng, groups, 0.7, icc)
    a, b = values[chosen], values[~chosen]
    found = stats.unpaired_difference(a, range(len(a)), b, range(len(a), n), **_dealing(rng))
    return _found(found, 0.0, null=True)
