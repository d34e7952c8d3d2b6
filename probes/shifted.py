"""Findings about synthetic shifts: what is lost, relative to what, and how much of it is noise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit import stats
from medaudit.finding import Control, Finding
from medaudit.probes.arms import Arm, changes, drawn
from medaudit.probes.corruption import corruption_findings
from medaudit.probes.noise_floor import NoiseFloor
from medaudit.probes.sheet import Sheet, as_control, complete
from medaudit.probes.visibility import PICTURES, visibility

if TYPE_CHECKING:
    from medaudit.probes.arms import Floats


@dataclass(frozen=True, eq=False)
class Reference:
    """What shifted answers are held against: clean ones, an image-free predictor, the noise floor.

    ``again``: mean scores (n,) of the unchanged cases asked once more, NaN where they were not.
    """

    clean: Arm
    base: Floats
    again: Floats
    floor: NoiseFloor


def shift_findings(
    sheet: Sheet, reference: Reference, arms: Mapping[tuple[str, int], Arm]
) -> Iterator[Finding]:
    """Rows per shift and severity, then over all severities of each shift, then over all shifts."""
    ctx = sheet.ctx
    for (name, severity), arm in arms.items():
        put = [case for case, answer in zip(sheet.cases, arm.answers, strict=True) if answer is not None]
        measured = drawn(put, PICTURES, ctx.seed, "visibility")
        seen = visibility(measured, ctx.shifts[name], severity, ctx.seed)
        yield from _one(sheet, reference, arm, {"shift": name, "severity": severity}, seen)
    for name in dict.fromkeys(name for name, _ in arms):
        chosen = {severity: arm for (shift, severity), arm in arms.items() if shift == name}
        yield from _over_severities(sheet, reference, name, chosen)
    clean, again, base = reference.clean.scores, reference.again, reference.base
    yield from corruption_findings(sheet, clean, again, base, arms)


def _one(
    sheet: Sheet, reference: Reference, arm: Arm, where: dict[str, Any], seen: dict[str, Any]
) -> Iterator[Finding]:
    clean, base, floor = reference.clean.scores, reference.base, reference.floor
    lost = sheet.ids((clean > 0.5) & (arm.scores < 0.5))
    data = lost_between(reference.clean, arm)
    # Both sides of every comparison below stand on the cases that have both answers.
    shifted = np.where(complete((clean, arm.scores)), arm.scores, np.nan)
    yield sheet.finding(
        "accuracy",
        sheet.mean(shifted),
        where,
        control=as_control("question_only", sheet.mean(base, complete((shifted,)))),
        evidence=lost,
        data=data | {"outcomes": dict(arm.outcomes), "visibility": seen},
    )
    yield from _relative(sheet, reference, shifted, where, data, lost)
    yield from flip_findings(sheet, reference.clean, floor, arm, where, data)


def flip_findings(
    sheet: Sheet, clean: Arm, floor: NoiseFloor, arm: Arm, where: dict[str, Any], data: dict[str, Any]
) -> Iterator[Finding]:
    """``flip_rate`` between two arms, and ``flip_excess`` over the same-input noise floor."""
    flips = changes(clean, arm)
    moved = sheet.ids((flips > 0) & (clean.scores > 0.5), flips > 0)
    yield sheet.finding(
        "flip_rate", sheet.mean(flips), where, control=floor.control, evidence=moved, data=data
    )
    everywhere = np.ones(len(flips), dtype=bool)
    excess = sheet.unpaired(stats.unpaired_difference, ((flips,), everywhere), ((floor.flips,), everywhere))
    # Both sides are the same cases, asked again: they count once.
    excess = replace(excess, n=int(complete((flips,)).sum()))
    yield sheet.finding("flip_excess", excess, where, control=floor.control, evidence=moved, data=data)


def _relative(
    sheet: Sheet,
    reference: Reference,
    shifted: Floats,
    where: dict[str, Any],
    data: dict[str, Any],
    evidence: tuple[str, ...],
) -> Iterator[Finding]:
    clean, base, floor = reference.clean.scores, reference.base, reference.floor
    yield sheet.finding(
        "relative_robustness",
        sheet.ratio(shifted, clean),
        where,
        control=floor.ratio,
        evidence=evidence,
        data=data,
    )
    yield sheet.finding(
        "relative_robustness_corrected",
        sheet.corrected_ratio(shifted, clean, base),
        where,
        control=Control("question_only", sheet.mean(base, complete((shifted,))).estimate),
        evidence=evidence,
        data=data,
    )
    yield sheet.finding(
        "accuracy_drop",
        sheet.difference(clean, shifted),
        where,
        control=floor.drop,
        evidence=evidence,
        data=data,
    )


def _over_severities(
    sheet: Sheet, reference: Reference, name: str, arms: Mapping[int, Arm]
) -> Iterator[Finding]:
    """Means over severities, on the cases that have an answer at each of them."""
    clean = reference.clean.scores
    shifted = np.mean([arm.scores for arm in arms.values()], axis=0)
    both = complete((clean, shifted))
    lost = np.where(both & (clean > 0.5), clean - shifted, 0)
    order = np.argsort(-lost, kind="stable")
    worst = tuple(sheet.cases[index].id for index in order if lost[index] > 0)
    left_out = min(_left_out(arm) for arm in arms.values())
    data = {
        "severities": sorted(arms),
        "errors": len(sheet.cases) - int(both.sum()) - left_out,
        **({"left_out": left_out} if left_out else {}),
        "accuracy": {str(severity): _mean_or_none(arm.scores[both]) for severity, arm in arms.items()},
    }
    where = {"shift": name}
    yield sheet.finding(
        "accuracy_drop",
        sheet.difference(clean, shifted),
        where,
        control=reference.floor.drop,
        evidence=worst,
        data=data,
    )
    yield sheet.finding(
        "relative_robustness",
        sheet.ratio(shifted, clean),
        where,
        control=reference.floor.ratio,
        evidence=worst,
        data=data,
    )


def lost_between(clean: Arm, arm: Arm) -> dict[str, Any]:
    """Cases that were asked and have no answer there or none when clean; those on which it is not laid."""
    lost = len(clean.scores) - int(complete((clean.scores, arm.scores)).sum())
    left_out = _left_out(arm)
    return {"errors": lost - left_out} | ({"left_out": left_out} if left_out else {})


def _left_out(arm: Arm) -> int:
    return sum(answer is None for answer in arm.answers)


def _mean_or_none(values: Floats) -> float | None:
    return float(values.mean()) if values.size else None
