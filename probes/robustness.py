"""The probe ``robustness``: what is left when image quality, scanner or patients change?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from medaudit.alarms import AlarmRule
from medaudit.errors import UsageError
from medaudit.finding import Finding
from medaudit.probes import predictors
from medaudit.probes.arms import Arm, ask_arms
from medaudit.probes.attributes import Attribute, usable
from medaudit.probes.contrasts import Contrast, by_split
from medaudit.probes.laying_on import chosen_shifts, laid_on
from medaudit.probes.noise_floor import REPLICATES, noise_findings, noise_floor, replicate_requests
from medaudit.probes.sheet import Sheet, as_control
from medaudit.probes.shift_size import measured, shift_size_findings
from medaudit.probes.shifted import Reference, shift_findings
from medaudit.probes.splits import split_findings
from medaudit.registry import probe
from medaudit.shifting import SEVERITIES

if TYPE_CHECKING:
    from medaudit.case import Case
    from medaudit.context import Context
    from medaudit.model import Request
    from medaudit.shifting import ShiftedCase

#: No shift can have this name: names of plugins are lower-case words.
CLEAN = "as is"


@probe(
    "robustness",
    needs=[["generate"], ["choose"]],
    reference=(
        "Kahl et al. 2024, SURE-VQA, arXiv:2411.19688; Hendrycks & Dietterich 2019, ICLR, arXiv:1903.12261; "
        "same-input floor after Facet-Probe 2026, arXiv:2606.26079"
    ),
    metrics=(
        "accuracy",
        "relative_robustness",
        "relative_robustness_corrected",
        "accuracy_drop",
        "accuracy_drop_standardised",
        "flip_rate",
        "flip_excess",
        "self_flip",
        "subgroup_gap",
        "mean_corruption_error",
        "relative_error",
        "balanced_error",
        "shift_size",
    ),
    alarms=(
        AlarmRule(
            "shift_sensitive",
            "accuracy_drop",
            ("shift",),
            above=0.075,
            says="accuracy falls by {points:.1f} points under {shift}",
        ),
        AlarmRule(
            "subgroup_gap",
            "subgroup_gap",
            ("attribute",),
            above=0.02,
            measure="excess",
            says="accuracy differs by {points:.1f} points beyond chance between the values of {attribute}, "
            "lowest at {worst}",
        ),
    ),
)
def robustness(
    ctx: Context,
    *,
    shifts: tuple[str, ...] = (),
    severities: tuple[int, ...] = SEVERITIES,
    attributes: tuple[str, ...] = (),
    splits: tuple[str, ...] = (),
    noise_cases: int = 150,
) -> Iterator[Finding]:
    """How much of the model's accuracy is left when image quality, scanner or patients change?

    Every case is asked as it is, under each synthetic shift at each severity, and (up to ``noise_cases``
    of them) twice more unchanged, alone and in another batch. Accuracy is also compared between the
    values of every metadata column with 2 to 8 values; ages are split at 40 and 60, other numbers in
    thirds. ``shifts`` are names or patterns (``breast_*``); without them those are used that an audit uses by
    default, that keep the right answer, and that suit the modality of the cases (column ``modality``).
    Without ``attributes`` all usable columns are. ``splits`` are declared ones (``age < 40 | age >= 60``,
    ``view == AP``, ``sex == F vs sex == M``; the grammar is that of :mod:`medaudit.predicates`).

    Formulas, with acc over the cases answered on both sides, and b the accuracy of the question-only
    predictor there::

        relative_robustness            acc(shifted) / acc(clean)            undefined when acc(clean) = 0
        relative_robustness_corrected  (acc(shifted) - b) / (acc(clean) - b)
        accuracy_drop                  acc(clean) - acc(shifted)            paired, per case
        flip_rate                      share of cases whose answer changed, right or wrong
        self_flip                      the same, the input unchanged
        flip_excess                    flip_rate - self_flip
        subgroup_gap                   largest - smallest accuracy of an attribute's values
        accuracy_drop_standardised     sum_s p_s (acc(clean, s) - acc(shifted, s))   over strata s of what is
                                       asked and what is right, p_s their shares among the shifted
        mean_corruption_error          mean over shifts of (errors over its severities / those of b)
        relative_error                 (acc(clean) - mean over severities of acc(shifted)) / (acc(clean) - b)
        balanced_error                 1 - mean over question types and right answers of acc(shifted)
        shift_size                     AUC of a rule that tells the two sides apart by picture or by question

    A relative error is 0 where a shift costs nothing and 1 where it costs all that pictures are worth to the
    model; it has a number only where that worth is shown to be above 0.01. With fewer than 200 cases the
    intervals of the two errors in units of b are too narrow, as b is fitted to the same cases.

    For a split, *shifted* are the cases with the value and *clean* are all cases with another known value.
    The largest gap is above 0 by chance alone: its control is the mean gap under permuted labels, its
    p-value counts permutations, and its interval starts where the gap less that mean does (not below 0)
    and ends where the raw gap does, so a gate is not failed by chance. Cases
    whose value is missing or unknown stand on neither side.
    """
    cases = tuple(case for case in ctx.askable if case.images)
    chosen = chosen_shifts(ctx, cases, shifts)
    _check(severities, noise_cases)
    sheet = Sheet(ctx, "robustness", cases)
    if not cases:
        yield sheet.absent("accuracy", "no case with an image")
        return
    columns = usable(cases, attributes, ctx.min_n)
    declared = by_split(cases, splits)
    put = {
        (shift.name, str(severity)): [laid_on(case, shift, severity, ctx.seed, shifts) for case in cases]
        for shift in chosen
        for severity in severities
    }
    requests = _requests(ctx, cases, put)
    requests |= {(CLEAN, name): again for name, again in replicate_requests(ctx, cases, noise_cases).items()}
    arms = ask_arms(ctx, cases, requests, put)
    yield from _findings(sheet, columns, declared, arms)
    sized = measured(columns, declared, bool(attributes))
    yield from shift_size_findings(sheet, sized, arms[CLEAN, ""].scores)


def _findings(
    sheet: Sheet,
    columns: Sequence[Attribute],
    declared: Sequence[Contrast],
    arms: Mapping[tuple[str, str], Arm],
) -> Iterator[Finding]:
    ctx = sheet.ctx
    clean = arms[CLEAN, ""]
    repeated = {name: arms[CLEAN, name] for name in REPLICATES}
    base = predictors.score(ctx, sheet.cases, predictors.question_only(sheet.cases, ctx.seed))
    again = np.mean([arm.scores for arm in repeated.values()], axis=0)
    reference = Reference(clean, base, again, noise_floor(sheet, clean, repeated))
    yield sheet.finding(
        "accuracy",
        sheet.mean(clean.scores),
        control=as_control("question_only", sheet.mean(base)),
        evidence=sheet.ids(clean.scores < 0.5),
        data={"outcomes": dict(clean.outcomes), "errors": clean.errors},
    )
    yield from noise_findings(sheet, clean, repeated, reference.floor)
    shifted = {(name, int(severity)): arm for (name, severity), arm in arms.items() if name != CLEAN}
    yield from shift_findings(sheet, reference, shifted)
    yield from split_findings(sheet, columns, clean.scores, base, declared)


def _check(severities: Sequence[int], noise_cases: int) -> None:
    for severity in severities:
        if type(severity) is not int or severity not in SEVERITIES:
            raise UsageError(f"robustness: severity {severity!r} does not exist; give numbers from 1 to 5.")
    if not severities:
        raise UsageError("robustness: severities is empty; give one or more numbers from 1 to 5.")
    if noise_cases < 1:
        raise UsageError(f"robustness: noise_cases = {noise_cases!r}; give a whole number from 1.")


def _requests(
    ctx: Context, cases: Sequence[Case], put: Mapping[tuple[str, str], Sequence[ShiftedCase | None]]
) -> dict[tuple[str, str], list[Request | None]]:
    requests: dict[tuple[str, str], list[Request | None]] = {
        (CLEAN, ""): [ctx.request(case) for case in cases]
    }
    for key, changed in put.items():
        requests[key] = [None if each is None else ctx.request(each.case) for each in changed]
    return requests
