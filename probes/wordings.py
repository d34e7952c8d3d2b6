"""The probe ``wording``: does the answer depend on how the question is put?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit.errors import UsageError
from medaudit.probes.arms import Arm, ask_arms, drawn
from medaudit.probes.noise_floor import REPLICATES, noise_findings, noise_floor, replicate_requests
from medaudit.probes.sheet import Sheet, as_control, complete
from medaudit.probes.shifted import flip_findings, lost_between
from medaudit.probes.wording_spread import spread_findings
from medaudit.registry import matching, probe
from medaudit.shifting import SEVERITIES, shifted_case

if TYPE_CHECKING:
    from medaudit.context import Context
    from medaudit.finding import Finding
    from medaudit.probes.noise_floor import NoiseFloor
    from medaudit.registry import Shift
    from medaudit.shifting import ShiftedCase

#: No shift can have this name.
PLAIN = "as is"
USUAL = ("negation", "option_order", "paraphrase", "typos")


@probe(
    "wording",
    default=False,
    needs=[["generate"], ["choose"]],
    reference=(
        "Sclar et al. 2024, ICLR, arXiv:2310.11324 (spread); MedVIGIL 2026, arXiv:2605.07919 (negation); "
        "same-input floor after Facet-Probe 2026, arXiv:2606.26079"
    ),
    metrics=(
        "accuracy",
        "flip_rate",
        "flip_excess",
        "self_flip",
        "inversion_failure",
        "spread",
        "worst_prompt",
    ),
)
def wording(
    ctx: Context,
    *,
    shifts: tuple[str, ...] = (),
    severities: tuple[int, ...] = (1, 3, 5),
    cases: int = 200,
    noise_cases: int = 150,
) -> Iterator[Finding]:
    """Does the answer depend on how the question is put, beyond how often it changes by itself?

    Up to ``cases`` cases are asked as they are, under each text shift at each severity where it applies, and
    (up to ``noise_cases`` of them) twice more unchanged. ``shifts`` are names or patterns of text shifts;
    without them paraphrase, option_order, negation and typos. Answers are compared in words of the original
    question: "no" to a negated question is "yes" to the plain one.

    Formulas::

        flip_rate          share of cases whose answer differs from the plain one
        flip_excess        flip_rate - self_flip, the same rate with nothing changed
        inversion_failure  of questions turned into their opposite, answered by an option both times:
                           share whose answer did not turn with them
        worst_prompt       lowest accuracy over the wordings of a shift, the plain one among them
        spread             highest - lowest accuracy over these wordings, on the same cases

    The control of ``spread`` is its mean when every group of cases deals its answers' scores anew among the
    wordings, and its p-value counts those permutations: what is not beyond it is chance.
    """
    asked = ctx.askable
    chosen = _chosen(ctx, shifts)
    _check(severities, cases, noise_cases)
    kept = {case.id for case in drawn(asked, cases, ctx.seed, "wording")}
    sheet = Sheet(ctx, "wording", tuple(case for case in asked if case.id in kept))
    if not sheet.cases or not chosen:
        yield sheet.absent("flip_excess", "no case" if chosen else "no text shift")
        return
    put = {
        (shift.name, str(severity)): [shifted_case(case, shift, severity, ctx.seed) for case in sheet.cases]
        for shift in chosen
        for severity in severities
    }
    requests: dict[tuple[str, str], list[Any]] = {(PLAIN, ""): [ctx.request(case) for case in sheet.cases]}
    for key, changed in put.items():
        requests[key] = [None if each is None else ctx.request(each.case) for each in changed]
    again = replicate_requests(ctx, sheet.cases, noise_cases)
    requests |= {(PLAIN, name): repeated for name, repeated in again.items()}
    yield from _findings(sheet, put, ask_arms(ctx, sheet.cases, requests, put))


def _findings(
    sheet: Sheet,
    put: Mapping[tuple[str, str], Sequence[ShiftedCase | None]],
    arms: Mapping[tuple[str, str], Arm],
) -> Iterator[Finding]:
    plain = arms[PLAIN, ""]
    repeated = {name: arms[PLAIN, name] for name in REPLICATES}
    floor = noise_floor(sheet, plain, repeated)
    data = {"outcomes": dict(plain.outcomes), "errors": plain.errors}
    wrong = sheet.ids(plain.scores < 0.5)
    yield sheet.finding("accuracy", sheet.mean(plain.scores), evidence=wrong, data=data)
    yield from noise_findings(sheet, plain, repeated, floor)
    laid = {key: changed for key, changed in put.items() if any(each is not None for each in changed)}
    for name, severity in (key for key in put if key not in laid):
        reason = f"{name} applies to none of the cases"
        yield sheet.absent("flip_excess", reason, {"shift": name, "severity": int(severity)})
    for key, changed in laid.items():
        yield from _one(sheet, plain, floor, arms[key], key, changed)
    for name in dict.fromkeys(name for name, _ in laid):
        scores = {f"{name} {key[1]}": arms[key].scores for key in laid if key[0] == name}
        yield from spread_findings(sheet, {PLAIN: plain.scores} | scores, {"shift": name})


def _one(
    sheet: Sheet,
    plain: Arm,
    floor: NoiseFloor,
    arm: Arm,
    key: tuple[str, str],
    changed: Sequence[ShiftedCase | None],
) -> Iterator[Finding]:
    where: dict[str, Any] = {"shift": key[0], "severity": int(key[1])}
    data = lost_between(plain, arm)
    both = complete((plain.scores, arm.scores))
    yield sheet.finding(
        "accuracy",
        sheet.mean(arm.scores, both),
        where,
        control=as_control("plain", sheet.mean(plain.scores, both)),
        evidence=sheet.ids((plain.scores > 0.5) & (arm.scores < 0.5)),
        data=data | {"outcomes": dict(arm.outcomes)},
    )
    yield from flip_findings(sheet, plain, floor, arm, where, data)
    if any(each is not None and _inverted(each) for each in changed):
        stuck = _stuck(sheet, plain, arm, changed)
        failed = sheet.ids(stuck > 0)
        yield sheet.finding(
            "inversion_failure", sheet.mean(stuck), where, control=floor.control, evidence=failed, data=data
        )


def _inverted(put: ShiftedCase) -> bool:
    """Whether the same words now mean the other option."""
    return bool(put.meaning) and all(
        put.meaning.get(other) == said and other != said for said, other in put.meaning.items()
    )


def _stuck(
    sheet: Sheet, plain: Arm, arm: Arm, changed: Sequence[ShiftedCase | None]
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """1 where the same option was chosen though it means the opposite now; NaN where no option was chosen."""
    found = np.full(len(sheet.cases), np.nan)
    rows = zip(sheet.cases, changed, plain.said, arm.said, strict=True)
    for at, (case, put, before, after) in enumerate(rows):
        if put is not None and _inverted(put) and before in case.options and after in case.options:
            found[at] = float(before != after)
    return found


def _chosen(ctx: Context, named: Sequence[str]) -> list[Shift]:
    names = matching("shift", named, ctx.shifts) if named else [name for name in USUAL if name in ctx.shifts]
    chosen = [ctx.shifts[name] for name in names]
    for shift in chosen:
        if shift.family != "text":
            legal = ", ".join(name for name, each in sorted(ctx.shifts.items()) if each.family == "text")
            raise UsageError(f"wording: shift {shift.name!r} changes no words; legal: {legal}.")
    return chosen


def _check(severities: Sequence[int], cases: int, noise_cases: int) -> None:
    for severity in severities:
        if type(severity) is not int or severity not in SEVERITIES:
            raise UsageError(f"wording: severity {severity!r} does not exist; give numbers from 1 to 5.")
    if not severities:
        raise UsageError("wording: severities is empty; give one or more numbers from 1 to 5.")
    for name, value in (("cases", cases), ("noise_cases", noise_cases)):
        if value < 1:
            raise UsageError(f"wording: {name} = {value!r}; give a whole number from 1.")
