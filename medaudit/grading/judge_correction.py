"""What accuracy would humans find, given a judge on every answer and humans on a few?

Two estimates of the same number, which err in different ways. Rogan and Gladen (1978) undo the judge's error
rates, and need them to be the same on all answers. Prediction-powered inference (Angelopoulos et al. 2023,
Science 382; power-tuned, arXiv:2311.01453) needs no such thing, only that the labelled answers were drawn at
random from all.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from medaudit.grading.judge import RIGHT_FROM

if TYPE_CHECKING:
    from medaudit.stats import Estimate

#: Fewer human labels than this correct nothing.
MIN_LABELLED = 10
#: Fewer answers than this that humans call right (or wrong) say nothing of sensitivity (or specificity).
MIN_CLASS = 5
#: Sensitivity + specificity - 1 must be shown to exceed this: the correction divides by it.
MIN_YOUDEN = 0.1


@dataclass(frozen=True)
class Correction:
    """Accuracy as judged, as humans saw it on their few, and as corrected by either method.

    ``judged`` is over all answers with a verdict, ``human`` over the labelled ones. ``tuning`` is the weight
    that prediction-powered inference gives to the judge, 0 (none) to 1. ``drift`` is the share that the judge
    calls right among labelled answers minus that among the rest: away from 0 the labels are no random sample.
    """

    judged: Estimate
    human: Estimate
    sensitivity: Estimate
    specificity: Estimate
    youden: float | None
    rogan_gladen: Estimate
    ppi: Estimate
    tuning: float | None
    drift: Estimate
    labelled: int

    def to_dict(self) -> dict[str, Any]:
        """The correction as a finding's data holds it: intervals as lists."""
        table = asdict(self)
        for part in table.values():
            if isinstance(part, dict) and part["interval"] is not None:
                part["interval"] = list(part["interval"])
        return table


def corrected_accuracy(
    judged: Mapping[str, float | None],
    human: Mapping[str, float],
    groups: Mapping[str, str] | None = None,
    *,
    confidence: float = 0.95,
    seed: int = 0,
) -> Correction:
    """Correct a judged accuracy by a small human-labelled set.

    ``judged`` and ``human`` hold scores from 0 to 1 by case (1 or 0, or graded: right from ``RIGHT_FROM``);
    ``groups`` what intervals cluster by. Cases without a verdict (None) are left out. With p the share judged
    right of all N cases, Se and Sp the judge's sensitivity and specificity on the n labelled ones::

        rogan_gladen = (p + Sp - 1) / (Se + Sp - 1)              in [0, 1]
        ppi          = t mean_rest(J) + mean_labelled(H - t J)   t = cov(H, J) / (var(J) (1 + n / (N - n)))

    Intervals: Lang and Reiczigel's (2014) delta method with their added counts, every count divided by its
    design effect; for ``ppi`` the two means' own clustered intervals joined by MOVER. Neither gives a number
    from under ``MIN_LABELLED`` labels, nor ``rogan_gladen`` from a judge whose Se + Sp - 1 is not shown to
    exceed ``MIN_YOUDEN``: the reason says which.
    """
    cases = [case for case, score in judged.items() if score is not None]
    verdicts = {case: float((judged[case] or 0.0) >= RIGHT_FROM) for case in cases}
    labels = {case: float(human[case] >= RIGHT_FROM) for case in cases if case in human}
    table = _Table(verdicts, labels, dict(groups or {}), confidence, seed)
    raw, by_human = table.mean(cases), table.mean(table.labelled, labels)
    right = [case for case in table.labelled if labels[case] == 1.0]
    wrong = [case for case in table.labelled if labels[case] == 0.0]
    hits, passes = table.mean(right), table.mean(wrong, {case: 1.0 - verdicts[case] for case in wrong})
    youden = None
    if hits.estimate is not None and passes.estimate is not None:
        youden = hits.estimate + passes.estimate - 1
    ppi, tuning = _powered(table, by_human)
    return Correction(
        raw, by_human, hits, passes, youden, _undone(table, raw, right, wrong), ppi, tuning, _drift(table),
        len(labels),
    )  # fmt: skip


@dataclass(frozen=True)
class _Table:
    """Verdicts and labels by case, and how intervals over them are made."""

    verdicts: Mapping[str, float]
    labels: Mapping[str, float]
    groups: Mapping[str, str]
    confidence: float
    seed: int

    @property
    def labelled(self) -> list[str]:
        return [case for case in self.verdicts if case in self.labels]

    @property
    def rest(self) -> list[str]:
        return [case for case in self.verdicts if case not in self.labels]

    def of(self, cases: Sequence[str]) -> list[str]:
        return [self.groups.get(case) or case for case in cases]

    def mean(self, cases: Sequence[str], values: Mapping[str, float] | None = None) -> Estimate:
        from medaudit import stats

        held = self.verdicts if values is None else values
        return stats.mean(
            [held[case] for case in cases], self.of(cases), confidence=self.confidence, seed=self.seed
        )

    def size(self, cases: Sequence[str]) -> float:
        """Number of independent cases that these are worth."""
        from medaudit import stats

        effect = stats.design_effect([self.verdicts[case] for case in cases], self.of(cases))
        return len(cases) / max(1.0, effect)


def _absent(reason: str, n: int) -> Estimate:
    from medaudit.stats import Estimate

    return Estimate(None, None, n, 0, None, reason)


def _undone(table: _Table, raw: Estimate, right: Sequence[str], wrong: Sequence[str]) -> Estimate:
    """Rogan-Gladen with Lang and Reiczigel's interval, or why there is none."""
    from medaudit.stats import Estimate

    n = len(table.labelled)
    if n < MIN_LABELLED:
        return _absent(f"{n} labelled answers are too few (at least {MIN_LABELLED})", n)
    few = min(len(right), len(wrong))
    if few < MIN_CLASS:
        which = "right" if len(right) < len(wrong) else "wrong"
        return _absent(f"humans call {few} labelled answers {which}; {MIN_CLASS} are needed", n)
    assert raw.estimate is not None
    se = sum(table.verdicts[case] for case in right) / len(right)
    sp = 1 - sum(table.verdicts[case] for case in wrong) / len(wrong)
    z = NormalDist().inv_cdf(0.5 + table.confidence / 2)
    sizes = (table.size(list(table.verdicts)), table.size(right), table.size(wrong))
    reason = _useless(se, sp, sizes[1:], z)
    if reason:
        return _absent(reason, n)
    value = (raw.estimate + sp - 1) / (se + sp - 1)
    low, high = lang_reiczigel(raw.estimate, se, sp, sizes, z)
    kept = min(1.0, max(0.0, value))
    note = "" if kept == value else f"{value:.3f} before it was brought into [0, 1]"
    return Estimate(kept, (min(low, kept), max(high, kept)), raw.n, raw.groups, None, note)


def _useless(se: float, sp: float, sizes: Sequence[float], z: float) -> str:
    """Why this judge cannot be corrected, by the lower end of Se + Sp - 1 (added counts as below)."""
    youden, variance = se + sp - 1, 0.0
    for share, size in zip((se, sp), sizes, strict=True):
        smoothed = (size * share + 1) / (size + 2)
        variance += smoothed * (1 - smoothed) / (size + 2)
    low = youden - z * math.sqrt(variance)
    if low > MIN_YOUDEN:
        return ""
    return (
        f"the judge is not shown to tell right from wrong: sensitivity + specificity - 1 is {youden:.2f}, "
        f"its lower end {low:.2f}; above {MIN_YOUDEN:g} is needed. A better judge or more labels help"
    )


def lang_reiczigel(
    p: float, se: float, sp: float, sizes: tuple[float, float, float], z: float
) -> tuple[float, float]:
    """Interval of a share found by a test that errs (Lang and Reiczigel 2014, Prev Vet Med 113).

    ``p`` is the share that the test finds, ``se`` and ``sp`` are its estimated rates; ``sizes`` are the
    numbers of cases behind the three, and ``z`` is the normal quantile.
    """
    n, n_se, n_sp = sizes
    n, p = n + z**2, (n * p + z**2 / 2) / (n + z**2)
    se, sp = (n_se * se + 1) / (n_se + 2), (n_sp * sp + 1) / (n_sp + 2)
    n_se, n_sp = n_se + 2, n_sp + 2
    youden = se + sp - 1
    if youden <= 0:
        return 0.0, 1.0
    truth = min(1.0, max(0.0, (p + sp - 1) / youden))
    of_se, of_sp = se * (1 - se) / n_se, sp * (1 - sp) / n_sp
    shift = 2 * z**2 * (truth * of_se - (1 - truth) * of_sp)
    half = z * math.sqrt(p * (1 - p) / n + truth**2 * of_se + (1 - truth) ** 2 * of_sp) / youden
    return max(0.0, min(1.0, truth + shift - half)), min(1.0, max(0.0, truth + shift + half))


def _powered(table: _Table, human: Estimate) -> tuple[Estimate, float | None]:
    """Prediction-powered mean with its weight, or why there is none."""
    from medaudit import stats
    from medaudit.stats.mover import Limits, mover_difference

    cases, rest = table.labelled, table.rest
    if len(cases) < MIN_LABELLED:
        why = f"{len(cases)} labelled answers are too few (at least {MIN_LABELLED})"
        return _absent(why, len(cases)), None
    if not rest:
        return human, 0.0
    tuning = _tuning(table)
    others = table.mean(rest)
    if tuning == 0:
        return human, tuning
    left = stats.difference(
        [table.labels[case] for case in cases],
        [tuning * table.verdicts[case] for case in cases],
        table.of(cases),
        confidence=table.confidence,
        seed=table.seed,
    )
    assert others.estimate is not None
    assert left.estimate is not None
    value = tuning * others.estimate + left.estimate
    kept = min(1.0, max(0.0, value))
    n, groups = len(table.verdicts), len(set(table.of(list(table.verdicts))))
    if others.interval is None or left.interval is None:
        return stats.Estimate(kept, None, n, groups, None, others.reason or left.reason), tuning
    first = Limits(left.estimate, *left.interval)
    second = Limits(-tuning * others.estimate, *(-tuning * end for end in reversed(others.interval)))
    low, high = mover_difference(first, second, 0.0)
    return stats.Estimate(kept, (max(0.0, min(low, kept)), min(1.0, max(high, kept))), n, groups), tuning


def _tuning(table: _Table) -> float:
    """The weight of least variance, in [0, 1]; 0 for a judge that says the same of every labelled answer."""
    import numpy as np

    judge = np.asarray([table.verdicts[case] for case in table.labelled])
    human = np.asarray([table.labels[case] for case in table.labelled])
    spread = float(judge.var())
    if spread == 0:
        return 0.0
    shared = float(((judge - judge.mean()) * (human - human.mean())).mean())
    return min(1.0, max(0.0, shared / (spread * (1 + len(table.labelled) / len(table.rest)))))


def _drift(table: _Table) -> Estimate:
    from medaudit import stats

    if not table.labelled or not table.rest:
        return _absent("no answer is left without a label" if table.labelled else "no labelled answer", 0)
    sides = [(cases, [table.verdicts[case] for case in cases]) for cases in (table.labelled, table.rest)]
    (first, a), (second, b) = sides
    return stats.unpaired_difference(
        a, table.of(first), b, table.of(second), confidence=table.confidence, seed=table.seed
    )
