"""An arm without a single answer is said to be one; what needs it has a reason and no number."""

from __future__ import annotations

import math
from typing import Any

import pytest

from medaudit.finding import Verdict
from medaudit.model import Answer
from medaudit.probes.arms import Arm
from medaudit.probes.baselines import baselines
from medaudit.probes.noise_floor import largest_score_change
from medaudit.probes.robustness import robustness

LATE = Answer(error="time-out")


def silent(finding: Any) -> bool:
    return finding.estimate is None and bool(finding.reason) and finding.verdict is Verdict.INCONCLUSIVE


def test_a_baseline_arm_without_answers_is_inconclusive_and_no_yardstick(kit: Any) -> None:
    cases = kit.cases(kit.half(60))
    truth = {case.id: case.answer for case in cases}

    run = kit.run(baselines, cases, lambda seen: truth.get(seen.picture, "no") if seen.picture else LATE)

    none = run.one("accuracy", image="none")
    assert silent(none)
    assert none.data["errors"] == 60
    assert silent(run.one("prior_index"))
    assert run.one("accuracy", image="full").estimate == 1
    assert "none" not in run.one("visual_gain").data["gains"]


def test_without_answers_to_the_right_image_there_is_no_gain(kit: Any) -> None:
    cases = kit.cases(kit.half(60))
    ids = {case.id: LATE for case in cases}

    run = kit.run(baselines, cases, lambda seen: ids.get(seen.picture, "no"))

    assert silent(run.one("accuracy", image="full"))
    assert silent(run.one("visual_gain"))
    assert run.one("accuracy", image="none").estimate == 0.5


def test_a_shift_without_answers_is_inconclusive_in_every_metric(kit: Any) -> None:
    cases = kit.cases(kit.half(40))

    run = kit.run(robustness, cases, lambda seen: LATE if seen.recipe else "yes", severities=(3,))

    shifted = [finding for finding in run.findings if finding.slice.get("shift") == "dim"]
    assert len(shifted) == 10
    assert all(silent(finding) for finding in shifted)
    assert run.one("accuracy").estimate == 0.5


@pytest.mark.parametrize(
    ("again", "expected"),
    [
        ((-0.5, -math.inf), 0.5),
        ((-1.0, -2.0), None),
        ((math.nan, -math.inf), None),
    ],
)
def test_a_change_that_is_no_finite_number_is_none(
    again: tuple[float, float], expected: float | None
) -> None:
    arms = [_scored((-1.0, -math.inf)), _scored((-1.25, -math.inf)), _scored(again)]

    assert largest_score_change(arms[0], arms[1:]) == expected


def _scored(scores: tuple[float, ...]) -> Arm:
    import numpy as np

    return Arm(np.ones(1), ("yes",), (Answer(scores=scores),))
