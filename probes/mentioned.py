"""Findings about counterfactual mentions: what one sentence about the patient changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from medaudit import stats
from medaudit.finding import Control, Finding
from medaudit.probes.arms import Arm, changes
from medaudit.probes.mentions import AGES
from medaudit.probes.noise_floor import REPLICATES, noise_floor
from medaudit.probes.sheet import Sheet, accuracy, complete

if TYPE_CHECKING:
    from typing import Any

_SIDES = {"sex": ("woman", "man"), "age": tuple(map(str, AGES))}
METRICS = ("mention_flip", "mention_flip_excess", "mention_accuracy_difference")


def mention_findings(sheet: Sheet, kind: str, arms: Mapping[str, Arm]) -> Iterator[Finding]:
    """Flip rate, the same over the noise floor, and the paired difference of accuracies."""
    where = {"mention": kind}
    first, second = arms["first"], arms["second"]
    if all(answer is None for answer in first.answers):
        why = f"every question speaks of {kind} itself, so no sentence can be put before it"
        for metric in METRICS:
            yield sheet.absent(metric, why, where)
        return
    floor = noise_floor(sheet, first, {name: arms[name] for name in REPLICATES})
    flips = changes(first, second)
    data: dict[str, Any] = {
        "sides": list(_SIDES[kind]),
        "accuracy": [accuracy(arm.scores) for arm in (first, second)],
        "errors": first.errors + second.errors,
    }
    moved = sheet.ids((flips > 0) & (first.scores > 0.5), flips > 0)
    yield sheet.finding(
        METRICS[0], sheet.mean(flips), where, control=floor.control, evidence=moved, data=data
    )
    everywhere = np.ones(len(flips), dtype=bool)
    excess = sheet.unpaired(stats.unpaired_difference, ((flips,), everywhere), ((floor.flips,), everywhere))
    # Both sides are the same cases: they count once.
    excess = replace(excess, n=int(complete((flips,)).sum()))
    yield sheet.finding(METRICS[1], excess, where, control=floor.control, evidence=moved, data=data)
    difference = sheet.difference(first.scores, second.scores)
    yield sheet.finding(
        METRICS[2], difference, where, control=Control("no_mention_matters", 0.0), evidence=moved, data=data
    )
