"""Findings over the severities of a run's shifts: mean corruption, relative and balanced error."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit import stats
from medaudit.finding import Control, Finding, Verdict
from medaudit.probes.sheet import Sheet, as_control, complete
from medaudit.stats.bootstrap import percentile_interval
from medaudit.stats.corruption_error import LEAST, balanced_estimate

if TYPE_CHECKING:
    from medaudit.case import Case
    from medaudit.probes.arms import Arm, Floats

NO_CLOSED = "no closed question has an answer at every severity"
NO_YARDSTICK = "seeing nothing would cost the model too little to be a yardstick"
#: The reference of a relative error: the model on clean pictures, the question alone on shifted ones.
BLIND = "question_only_once_shifted"


def corruption_findings(
    sheet: Sheet, clean: Floats, again: Floats, base: Floats, arms: Mapping[tuple[str, int], Arm]
) -> Iterator[Finding]:
    """One ``mean_corruption_error`` for the run; ``relative_error`` and ``balanced_error`` for each shift.

    Errors are means over severities, of the cases answered at each of them and predicted by the reference.
    ``clean``, ``again`` and ``base`` are scores (n,) of the unchanged cases: of the model, of the model asked
    the same again (NaN where it was not) and of the question-only predictor.
    """
    by_shift: dict[str, list[Floats]] = {}
    for (name, _), arm in arms.items():
        by_shift.setdefault(name, []).append(1 - arm.scores)
    errors = {name: np.mean(several, axis=0) for name, several in by_shift.items()}
    if errors:
        yield _mean_corruption_error(sheet, errors, base, {n: len(s) for n, s in by_shift.items()})
    control = as_control("self_relative_error", _relative(sheet, clean, 1 - again, base)) if errors else None
    for name, column in errors.items():
        yield replace(_relative_error(sheet, name, column, clean, base), control=control)
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


def _relative_error(sheet: Sheet, name: str, errors: Floats, clean: Floats, base: Floats) -> Finding:
    """What a shift costs, in units of what it costs a reader that sees nothing of a shifted picture.

    The question-only predictor loses nothing under a shift, so it is no yardstick here by itself: the
    reference is as good as the model on clean pictures. It loses what pictures are worth to the model.
    """
    where = {"shift": name}
    kept = complete((errors, clean, base))
    if not kept.any():
        why = "no case has a clean answer, one at every severity and one from the question alone"
        return sheet.absent("relative_error", why, where, verdict=Verdict.INCONCLUSIVE)
    own, blind, before = (float(column[kept].mean()) for column in (errors, 1 - base, 1 - clean))
    data = {"reference": BLIND, "loses": own - before, "reference_loses": blind - before}
    found = stats.relative_error({name: [own]}, before, {name: [blind]}, before)
    if found.mean is None:
        why = f"{NO_YARDSTICK}: {found.undefined[name]}"
        return sheet.absent("relative_error", why, where, n=int(kept.sum()), data=data)
    if why := _too_vague(sheet.difference(np.where(kept, clean, np.nan), base)):
        verdict = Verdict.INCONCLUSIVE
        return sheet.absent("relative_error", why, where, verdict=verdict, n=int(kept.sum()), data=data)
    return sheet.finding("relative_error", _relative(sheet, clean, errors, base), where, data=data)


def _too_vague(worth: stats.Estimate) -> str:
    """Why a denominator is no yardstick at this n: a quotient by what may be nothing has no useful end."""
    if worth.interval is None or worth.interval[0] >= LEAST:
        return ""
    low, high = worth.interval
    return (
        f"what pictures are worth to the model is known too vaguely at n = {worth.n} to be a yardstick: "
        f"{worth.estimate:.3f} [{low:.3f}, {high:.3f}], which must lie above {LEAST:g}"
    )


def _relative(sheet: Sheet, clean: Floats, errors: Floats, base: Floats) -> stats.Estimate:
    """Its interval is a corrected ratio's: the drop over the margin that the question alone leaves."""
    kept = complete((clean, errors, base))
    before, after, blind = clean[kept], 1 - errors[kept], base[kept]
    estimate = stats.corrected_ratio(before, after, before, blind, sheet.groups[kept], **sheet.settings)
    # Its p-value asks whether all is lost. Whether anything is lost, the accuracy drop asks.
    return replace(estimate, p_value=None)


def _balanced(sheet: Sheet, name: str, errors: Floats, clean: Floats) -> Finding:
    where = {"shift": name}
    closed = np.asarray([case.closed for case in sheet.cases])
    rows = closed & complete((errors, clean))
    if not rows.any():
        return sheet.absent("balanced_error", NO_CLOSED, where, verdict=Verdict.INCONCLUSIVE)
    answers, kinds = _classes([case for case, chosen in zip(sheet.cases, rows, strict=True) if chosen])
    estimate = balanced_estimate(1 - errors[rows], answers, kinds, sheet.groups[rows], **sheet.settings)
    before = stats.balanced_error(clean[rows], answers, kinds)
    data = {
        "plain_error": float(errors[rows].mean()),
        "kinds": len(set(kinds)),
        "classes": len(set(zip(kinds, answers, strict=True))),
    }
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
