"""The probe ``robustness``: what is left when image quality, scanner or patients change?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from medaudit.alarms import AlarmRule
from medaudit.errors import UsageError
from medaudit.finding import Finding
from medaudit.probes import predictors
from medaudit.probes.arms import Arm, ask_arms
from medaudit.probes.attributes import Attribute, usable
from medaudit.probes.noise_floor import REPLICATES, noise_findings, noise_floor, replicate_requests
from medaudit.probes.sheet import Sheet, as_control
from medaudit.probes.shifted import Reference, shift_findings
from medaudit.probes.splits import split_findings
from medaudit.registry import probe
from medaudit.shifting import SEVERITIES, shifted_images

if TYPE_CHECKING:
    from medaudit.case import Case
    from medaudit.context import Context
    from medaudit.model import Request
    from medaudit.registry import Shift

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
        "flip_rate",
        "flip_excess",
        "self_flip",
        "subgroup_gap",
    ),
    alarms=(
        AlarmRule(
            "shift_sensitive",
            "accuracy_drop",
            ("shift",),
            above=0.10,
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
    noise_cases: int = 150,
) -> Iterator[Finding]:
    """How much of the model's accuracy is left when image quality, scanner or patients change?

    Every case is asked as it is, under each synthetic shift at each severity, and (up to ``noise_cases``
    of them) twice more unchanged, alone and in another batch. Accuracy is also compared between the
    values of every metadata column with 2 to 8 values; ages are split at 40 and 60, other numbers in
    thirds. Without ``shifts`` all registered ones that keep the right answer are used, without
    ``attributes`` all usable columns.

    Formulas, with acc over the cases answered on both sides, and b the accuracy of the question-only
    predictor there::

        relative_robustness            acc(shifted) / acc(clean)            undefined when acc(clean) = 0
        relative_robustness_corrected  (acc(shifted) - b) / (acc(clean) - b)
        accuracy_drop                  acc(clean) - acc(shifted)            paired, per case
        flip_rate                      share of cases whose answer changed, right or wrong
        self_flip                      the same, the input unchanged
        flip_excess                    flip_rate - self_flip
        subgroup_gap                   largest - smallest accuracy of an attribute's values

    For a split, *shifted* are the cases with the value and *clean* are all cases with another known value.
    The largest gap is above 0 by chance alone: its control is the mean gap under permuted labels, its
    p-value counts permutations, and its interval starts where the gap less that mean does (not below 0)
    and ends where the raw gap does, so a gate is not failed by chance. Cases
    whose value is missing or unknown stand on neither side.
    """
    chosen = _shifts(ctx, shifts, severities, noise_cases)
    cases = tuple(case for case in ctx.askable if case.images)
    sheet = Sheet(ctx, "robustness", cases)
    if not cases:
        yield sheet.absent("accuracy", "no case with an image")
        return
    columns = usable(cases, attributes, ctx.min_n)
    requests = _requests(ctx, cases, chosen, severities)
    requests |= {(CLEAN, name): again for name, again in replicate_requests(ctx, cases, noise_cases).items()}
    yield from _findings(sheet, columns, ask_arms(ctx, cases, requests))


def _findings(
    sheet: Sheet, columns: Sequence[Attribute], arms: Mapping[tuple[str, str], Arm]
) -> Iterator[Finding]:
    ctx = sheet.ctx
    clean = arms[CLEAN, ""]
    repeated = {name: arms[CLEAN, name] for name in REPLICATES}
    base = predictors.score(ctx, sheet.cases, predictors.question_only(sheet.cases, ctx.seed))
    reference = Reference(clean, base, noise_floor(sheet, clean, repeated))
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
    yield from split_findings(sheet, columns, clean.scores, base)


def _shifts(ctx: Context, names: Sequence[str], severities: Sequence[int], noise_cases: int) -> list[Shift]:
    for severity in severities:
        if type(severity) is not int or severity not in SEVERITIES:
            raise UsageError(f"robustness: severity {severity!r} does not exist; give numbers from 1 to 5.")
    if not severities:
        raise UsageError("robustness: severities is empty; give one or more numbers from 1 to 5.")
    if noise_cases < 1:
        raise UsageError(f"robustness: noise_cases = {noise_cases!r}; give a whole number from 1.")
    if not names:
        return [shift for _, shift in sorted(ctx.shifts.items()) if shift.preserves_label]
    for name in names:
        if name not in ctx.shifts:
            raise UsageError.unknown("shift", name, ctx.shifts)
        if not ctx.shifts[name].preserves_label:
            raise UsageError(
                f"robustness: shift {name!r} may change the right answer; leave it out of shifts."
            )
    return [ctx.shifts[name] for name in dict.fromkeys(names)]


def _requests(
    ctx: Context, cases: Sequence[Case], shifts: Sequence[Shift], severities: Sequence[int]
) -> dict[tuple[str, str], list[Request | None]]:
    requests: dict[tuple[str, str], list[Request | None]] = {
        (CLEAN, ""): [ctx.request(case) for case in cases]
    }
    for shift in shifts:
        for severity in severities:
            requests[shift.name, str(severity)] = [
                ctx.request(case, shifted_images(case, shift, severity, ctx.seed)) for case in cases
            ]
    return requests
