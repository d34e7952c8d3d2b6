"""The same-input noise floor: how often an answer changes when nothing was changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from medaudit.finding import Control, Finding
from medaudit.probes.arms import Arm, changes, drawn
from medaudit.probes.sheet import Sheet, as_control

if TYPE_CHECKING:
    from medaudit import stats
    from medaudit.case import Case
    from medaudit.context import Context
    from medaudit.model import Request
    from medaudit.probes.arms import Floats

REPLICATES = {"alone": 1, "batch": 2}

#: A floor above this is worth a sentence of its own.
HIGH = 0.02


@dataclass(frozen=True, eq=False)
class NoiseFloor:
    """``flips`` is the share of the re-asks of a case that changed, NaN for cases not asked again."""

    flips: Floats
    self_flip: stats.Estimate
    drop: Control
    ratio: Control

    @property
    def control(self) -> Control:
        return as_control("self_flip", self.self_flip)


def replicate_requests(ctx: Context, cases: tuple[Case, ...], most: int) -> dict[str, list[Request | None]]:
    """Requests that ask up to ``most`` cases again: each alone, and each in a batch."""
    chosen = {case.id for case in drawn(cases, most, ctx.seed, "again")}
    return {
        name: [
            ctx.request(case, replicate=number, alone=name == "alone") if case.id in chosen else None
            for case in cases
        ]
        for name, number in REPLICATES.items()
    }


def noise_floor(sheet: Sheet, clean: Arm, again: Mapping[str, Arm]) -> NoiseFloor:
    """Changes, accuracy drop and accuracy ratio between a first answer and its repetitions."""
    flips = _mean([changes(clean, arm) for arm in again.values()])
    repeated = _mean([arm.scores for arm in again.values()])
    return NoiseFloor(
        flips,
        sheet.mean(flips),
        as_control("self_drop", sheet.difference(clean.scores, repeated)),
        as_control("self_ratio", sheet.ratio(repeated, clean.scores)),
    )


def noise_findings(
    sheet: Sheet, clean: Arm, again: Mapping[str, Arm], floor: NoiseFloor
) -> Iterator[Finding]:
    """``self_flip`` over both kinds of repetition, and for each."""
    rows = {"": (floor.flips, list(again.values()))}
    rows |= {name: (changes(clean, arm), [arm]) for name, arm in again.items()}
    for name, (flips, arms) in rows.items():
        estimate = sheet.mean(flips)
        high = estimate.estimate is not None and estimate.estimate > HIGH
        yield sheet.finding(
            "self_flip",
            estimate,
            {"replicate": name} if name else {},
            control=Control("deterministic_decoding", 0.0),
            reason="the same question gets different answers; read flip rates only above this floor"
            if high
            else "",
            evidence=sheet.ids(flips > 0),
            data={
                "errors": sum(arm.errors for arm in arms),
                "largest_log_probability_change": largest_score_change(clean, arms),
            },
        )


def largest_score_change(clean: Arm, arms: list[Arm]) -> float | None:
    """Largest |change| of any option's log-likelihood.

    None where the model gave texts, or where a change is no finite number (an option became impossible).
    """
    differences = [
        _largest(first.scores, second.scores)
        for arm in arms
        for first, second in zip(clean.answers, arm.answers, strict=True)
        if first is not None and second is not None and first.scores and second.scores
    ]
    return max(differences, default=None) if np.isfinite(differences).all() else None


def _largest(first: Sequence[float], second: Sequence[float]) -> float:
    before, after = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    # Two equal infinities are no change, but their difference is NaN.
    moved = before != after
    return float(np.abs(before[moved] - after[moved]).max(initial=0.0))


def _mean(columns: list[Floats]) -> Floats:
    """Mean per case over complete columns, NaN elsewhere."""
    return np.asarray(np.mean(columns, axis=0), dtype=np.float64)
