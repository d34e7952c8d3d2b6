"""Findings over all shifts of a run: mean corruption error and balanced error."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit import stats
from medaudit.finding import Control, Finding, Verdict
from medaudit.probes.sheet import Sheet, complete
from medaudit.stats.bootstrap import percentile_interval

if TYPE_CHECKING:
    from medaudit.case import Case
    from medaudit.probes.arms import Arm, Floats

NO_CLOSED = "no closed question has an answer at every severity"


def corruption_findings(
    sheet: Sheet, clean: Floats, base: Floats, arms: Mapping[tuple[str, int], Arm]
) -> Iterator[Finding]:
    """One ``mean_corruption_error`` for the run, one ``balanced_error`` for each shift.

    Errors are means over severities, of the cases answered at each of them and predicted by the reference.
    """
    by_shift: dict[str, list[Floats]] = {}
    for (name, _), arm in arms.items():
        by_shift.setdefault(name, []).append(1 - arm.scores)
    errors = {name: np.mean(several, axis=0) for name, several in by_shift.items()}
    if errors:
        yield _mean_corruption_error(sheet, errors, base, {n: len(s) for n, s in by_shift.items()})
    for name, column in errors.items():
        yield _balanced(sheet, name, column, clean)


def _mean_corruption_error(
    sheet: Sheet, errors: Mapping[str, Floats], base: Floats, severities: Mapping[str, int]
) -> Finding:
    """Errors in units of those of the question-only predictor, which sees no image, shifted or not."""
    kept = {name: complete((column, base)) for name, column in errors.items()}
    plain = {name: [float(column[kept[name]].mean())] for name, column in errors.items() if kept[name].any()}
    reference = {name: [float(1 - base[kept[name]].mean())] for name in plain}
    found = stats.mean_corruption_error(plain, reference)
    data: dict[str, Any] = {
        "reference": "question_only",
        "by_shift": dict(found.ratios),
        "undefined": dict(found.undefined),
        "median": found.median,
        "severities": dict(severities),
    }
    names = list(found.ratios)
    if found.mean is None:
        why = next(iter(found.undefined.values()), "no case has an answer at every severity of a shift")
        return sheet.absent("mean_corruption_error", why, verdict=Verdict.INCONCLUSIVE, data=data)
    columns = np.column_stack(
        [np.where(kept[name], part, 0.0) for name in names for part in (errors[name], 1 - base)]
    )
    rows = np.logical_or.reduce([kept[name] for name in names])

    def statistic(sums: Floats, sizes: Floats) -> Floats:
        # A resample without any error of the reference has no ratio: it counts as the least that has one.
        return np.asarray((sums[:, ::2] / np.maximum(sums[:, 1::2], 1.0)).mean(axis=1), dtype=np.float64)

    estimate = _resampled(sheet, columns[rows], rows, found.mean, statistic)
    control = Control("question_only", 1.0)
    return sheet.finding("mean_corruption_error", estimate, control=control, data=data)


def _balanced(sheet: Sheet, name: str, errors: Floats, clean: Floats) -> Finding:
    where = {"shift": name}
    closed = np.asarray([case.closed for case in sheet.cases])
    rows = closed & complete((errors, clean))
    if not rows.any():
        return sheet.absent("balanced_error", NO_CLOSED, where, verdict=Verdict.INCONCLUSIVE)
    answers, kinds = _classes([case for case, chosen in zip(sheet.cases, rows, strict=True) if chosen])
    pairs = sorted(set(zip(kinds, answers, strict=True)))
    index = {pair: code for code, pair in enumerate(pairs)}
    member = np.eye(len(pairs))[[index[pair] for pair in zip(kinds, answers, strict=True)]]
    # Weight of each class: kinds count alike, and within a kind its right answers.
    share = np.asarray([1 / sum(kind == other for other, _ in pairs) for kind, _ in pairs]) / len(set(kinds))

    def statistic(sums: Floats, sizes: Floats) -> Floats:
        wrong, count = sums[:, : len(pairs)], sums[:, len(pairs) :]
        present = np.where(count > 0, share, 0.0)
        means = wrong / np.maximum(count, 1.0)
        return np.asarray((present * means).sum(axis=1) / present.sum(axis=1), dtype=np.float64)

    columns = np.column_stack([member * errors[rows][:, None], member])
    value = stats.balanced_error(1 - errors[rows], answers, kinds)
    estimate = _resampled(sheet, columns, rows, value or 0.0, statistic)
    before = stats.balanced_error(clean[rows], answers, kinds)
    data = {"plain_error": float(errors[rows].mean()), "kinds": len(set(kinds)), "classes": len(pairs)}
    control = Control("balanced_error_clean", before)
    return sheet.finding("balanced_error", estimate, where, control=control, data=data)


def _classes(cases: Sequence[Case]) -> tuple[list[str], list[str]]:
    answers = [case.answer.strip().casefold() for case in cases]
    return answers, [
        " | ".join(sorted(option.strip().casefold() for option in case.options)) for case in cases
    ]


def _resampled(
    sheet: Sheet,
    columns: Floats,
    rows: Any,
    value: float,
    statistic: Callable[[Floats, Floats], Floats],
) -> stats.Estimate:
    """Interval by the cluster bootstrap; none for a single group, or where all resamples give one number."""
    groups = sheet.groups[rows]
    count = len(set(groups.tolist()))
    n = len(groups)
    if count == 1:
        return stats.Estimate(value, None, n, 1, reason="one group: no interval can be computed")
    settings = sheet.settings
    draws = stats.cluster_bootstrap(
        columns, groups, statistic, resamples=settings["resamples"], seed=settings["seed"]
    )
    if np.ptp(draws) == 0:
        why = "every resample gives the same number: its spread cannot be estimated"
        return stats.Estimate(value, None, n, count, reason=why)
    low, high = percentile_interval(draws, count, settings["confidence"])
    return stats.Estimate(value, (min(low, value), max(high, value)), n, count)
