"""The probe ``confidence``: is the model right as often as it is sure?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit import stats
from medaudit.errors import UsageError
from medaudit.finding import Control, Finding, Verdict
from medaudit.model import Capability
from medaudit.probes.arms import Arm, ask_arms
from medaudit.probes.laying_on import chosen_shifts, laid_on
from medaudit.probes.predictors import folds
from medaudit.probes.sheet import Sheet
from medaudit.registry import probe
from medaudit.shifting import SEVERITIES
from medaudit.stats.temperature import cross_fitted, probabilities

if TYPE_CHECKING:
    from medaudit.case import Case
    from medaudit.context import Context
    from medaudit.model import Request
    from medaudit.probes.arms import Floats
    from medaudit.shifting import ShiftedCase
    from medaudit.stats.reliability import CalibrationError

CLEAN = ("", 0)
#: Points of the risk-coverage curve that a finding keeps.
_POINTS = 100
METRICS = ("ece", "brier", "aurc", "overconfidence")
NORMALISED = (
    "confidence is the largest softmax probability over the case's own options, from log-likelihoods summed "
    "over each option's tokens, not divided by length: words that are no option do not count"
)


@dataclass(frozen=True, eq=False)
class Stated:
    """Option probabilities of the cases answered in one arm; ``kept`` are their numbers among all cases."""

    kept: tuple[int, ...]
    scores: tuple[tuple[float, ...], ...]
    truth: tuple[int, ...]
    groups: tuple[str, ...]
    right: Floats

    def confidence(self, rows: Sequence[Floats]) -> Floats:
        return np.asarray([row.max() for row in rows], dtype=np.float64)


@probe(
    "confidence",
    default=False,
    needs=[["choose"]],
    reference=(
        "Guo et al. 2017, arXiv:1706.04599; Kumar et al. 2019, arXiv:1909.10155; Roelofs et al. 2022, "
        "arXiv:2012.08668; Geifman & El-Yaniv 2017, arXiv:1705.08500"
    ),
    metrics=(*METRICS, "temperature", "ece_after_temperature"),
)
def confidence(
    ctx: Context,
    *,
    shifts: tuple[str, ...] = (),
    severities: tuple[int, ...] = SEVERITIES,
    bins: int = 10,
    level: float = 0.9,
) -> Iterator[Finding]:
    """Is the model right as often as it is sure, and are its errors the answers it is least sure of?

    Closed questions are asked by the log-likelihood of each option. Shifts are laid on where they are named,
    at each severity. Formulas, with p = softmax of the options' summed log-likelihoods, conf = max p, K
    options ::

        ece                    debiased sum_b n_b/n |mean conf_b - accuracy_b|, bins of equal mass
        brier                  mean of 1/2 sum_k (p_k - [k is right])^2; two options: (p - right)^2
        aurc                   mean over k of the error rate of the k most confident
        overconfidence         P(conf >= level | wrong)
        temperature            T that makes softmax(log-likelihood / T) likeliest; 1 honest, above 1 too sure
        ece_after_temperature  ece with each group's T fitted on other groups only

    The control of ``ece`` is what a perfectly calibrated model with these confidences shows at this n before
    debiasing; that of ``brier`` an even guess, of ``aurc`` confidences without order, of ``overconfidence``
    what a model whose confidences are true would have. A model that only generates states no confidence.
    """
    if not 0 < level <= 1:
        raise UsageError(f"confidence: level = {level!r}; give a number above 0, at most 1.")
    if bins < 1 or any(severity not in SEVERITIES for severity in severities):
        raise UsageError("confidence: give bins from 1 and severities from 1 to 5.")
    cases = tuple(case for case in ctx.askable if case.images and case.closed)
    sheet = Sheet(ctx, "confidence", cases)
    if not cases:
        yield sheet.absent("ece", "no closed question with an image: confidence is read from options")
        return
    put = {
        (shift.name, severity): [laid_on(case, shift, severity, ctx.seed, shifts) for case in cases]
        for shift in (chosen_shifts(ctx, cases, shifts) if shifts else ())
        for severity in severities
    }
    for key, arm in ask_arms(ctx, cases, _requests(ctx, cases, put), put).items():
        where = {} if key == CLEAN else {"shift": key[0], "severity": key[1]}
        changed = put.get(key) or [None] * len(cases)
        asked = [case if each is None else each.case for case, each in zip(cases, changed, strict=True)]
        stated = _stated(asked, sheet, arm)
        yield from _measured(sheet, arm, stated, where, bins, level)
        if key == CLEAN:
            yield from _tempered(sheet, stated, bins)


def _requests(
    ctx: Context,
    cases: Sequence[Case],
    put: Mapping[tuple[str, int], Sequence[ShiftedCase | None]],
) -> dict[tuple[str, int], list[Request | None]]:
    choosing = replace(ctx, mode=Capability.CHOOSE)
    requests: dict[tuple[str, int], list[Request | None]] = {CLEAN: [choosing.request(c) for c in cases]}
    for key, changed in put.items():
        requests[key] = [None if each is None else choosing.request(each.case) for each in changed]
    return requests


def _stated(cases: Sequence[Case], sheet: Sheet, arm: Arm) -> Stated:
    """Cases whose every option got a number; NaN states no confidence."""
    kept, scores, truth = [], [], []
    for index, (case, answer) in enumerate(zip(cases, arm.answers, strict=True)):
        given = None if answer is None or answer.error is not None else answer.scores
        if given is None or np.isnan(given).any() or not np.isfinite(max(given)):
            continue
        kept.append(index)
        scores.append(tuple(given))
        folded = [option.strip().casefold() for option in case.options]
        truth.append(folded.index(case.answer.strip().casefold()))
    groups = tuple(str(sheet.groups[index]) for index in kept)
    return Stated(tuple(kept), tuple(scores), tuple(truth), groups, arm.scores[kept])


def _measured(
    sheet: Sheet, arm: Arm, stated: Stated, where: dict[str, Any], bins: int, level: float
) -> Iterator[Finding]:
    rows = probabilities(stated.scores)
    conf = stated.confidence(rows)
    errors = sum(answer is not None for answer in arm.answers) - len(stated.kept)
    data = {"errors": errors, "confidence": NORMALISED}
    found = stats.calibration_error(conf, stated.right, stated.groups, bins=bins, **sheet.settings)
    worst = [stated.kept[i] for i in np.argsort(-(conf - 2 * stated.right), kind="stable")]
    sure = tuple(sheet.cases[i].id for i in worst if arm.scores[i] < 0.5)
    yield _ece(sheet, "ece", found, where, data, sure)
    yield _brier(sheet, stated, rows, where, data, sure)
    yield _aurc(sheet, stated, conf, where, data)
    yield _overconfidence(sheet, stated, conf, where, data | {"level": level}, sure)


def _ece(
    sheet: Sheet,
    metric: str,
    found: CalibrationError,
    where: dict[str, Any],
    data: Mapping[str, Any],
    evidence: tuple[str, ...] = (),
) -> Finding:
    rows = [
        {
            "n": row.n,
            "range": [row.low, row.high],
            "confidence": row.confidence,
            "accuracy": row.accuracy,
            "interval": row.interval and list(row.interval),
        }
        for row in found.bins
    ]
    return sheet.finding(
        metric,
        found.error,
        where,
        control=Control("calibrated_before_debiasing", found.null_mean, found.null_interval),
        evidence=evidence,
        data={**data, "plain": found.plain, "reliability": rows},
    )


def _brier(
    sheet: Sheet,
    stated: Stated,
    rows: Sequence[Floats],
    where: dict[str, Any],
    data: Mapping[str, Any],
    evidence: tuple[str, ...],
) -> Finding:
    def half(row: Floats, right: int) -> float:
        return float(((row - np.eye(len(row))[right]) ** 2).sum() / 2)

    values = [half(row, right) for row, right in zip(rows, stated.truth, strict=True)]
    even = [(1 - 1 / len(row)) / 2 for row in rows]
    control = Control("even_guess", float(np.mean(even)) if even else None)
    estimate = stats.mean(values, stated.groups, **sheet.settings)
    return sheet.finding("brier", estimate, where, control=control, evidence=evidence, data=data)


def _aurc(
    sheet: Sheet, stated: Stated, conf: Floats, where: dict[str, Any], data: Mapping[str, Any]
) -> Finding:
    found = stats.risk_coverage(conf, stated.right, stated.groups, **sheet.settings)
    n = len(found.risk)
    places = sorted({max(1, round(n * step / _POINTS)) for step in range(1, _POINTS + 1)}) if n else []
    curve = [[place / n, float(found.risk[place - 1])] for place in places]
    control = Control("confidence_without_order", float(1 - stated.right.mean()) if n else None)
    data = {**data, "best": found.best, "curve": curve}
    return sheet.finding("aurc", found.area, where, control=control, data=data)


def _overconfidence(
    sheet: Sheet,
    stated: Stated,
    conf: Floats,
    where: dict[str, Any],
    data: Mapping[str, Any],
    evidence: tuple[str, ...],
) -> Finding:
    wrong = stated.right < 0.5
    if not wrong.any():
        why = "no wrong answer" if len(wrong) else "no answer came"
        n, verdict = len(wrong), Verdict.INCONCLUSIVE
        return sheet.absent("overconfidence", why, where, verdict=verdict, n=n, data=data)
    groups = [group for group, missed in zip(stated.groups, wrong, strict=True) if missed]
    doubt = 1 - conf
    honest = float((doubt * (conf >= data["level"])).sum() / doubt.sum()) if doubt.sum() > 0 else None
    estimate = stats.mean(np.asarray(conf[wrong] >= data["level"]), groups, **sheet.settings)
    return sheet.finding(
        "overconfidence",
        estimate,
        where,
        control=Control("true_confidences", honest),
        evidence=evidence,
        data=data,
    )


def _tempered(sheet: Sheet, stated: Stated, bins: int) -> Iterator[Finding]:
    fitted = stats.fit_temperature(
        stated.scores, stated.truth, stated.groups, confidence=sheet.ctx.confidence
    )
    yield sheet.finding("temperature", fitted, control=Control("honest", 1.0))
    number = folds([sheet.cases[index] for index in stated.kept], sheet.ctx.seed) if stated.kept else []
    if len(set(number)) < 2:
        yield sheet.absent(
            "ece_after_temperature", "one group: no other groups to fit a temperature on", n=len(stated.kept)
        )
        return
    found, rows = cross_fitted(stated.scores, stated.truth, number)
    conf = stated.confidence(rows)
    after = stats.calibration_error(conf, stated.right, stated.groups, bins=bins, **sheet.settings)
    by_fold = {
        str(fold): float(t) if np.isfinite(t) else None
        for fold, t in sorted(dict(zip(number, found, strict=True)).items())
    }
    data = {"temperature_by_fold": by_fold, "unfitted": int(np.isnan(found).sum())}
    yield _ece(sheet, "ece_after_temperature", after, {}, data)
