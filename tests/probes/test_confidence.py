"""Confidence: scripted log-likelihoods give the numbers on paper, shifts and temperatures theirs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from medaudit.errors import UsageError
from medaudit.finding import Verdict
from medaudit.model import Answer
from medaudit.probes.confidence import confidence
from medaudit.registry import available
from medaudit.testing import check_probe


def sure(say: Any) -> Any:
    """A model that states the probability ``say(number, recipe)`` for yes."""

    def answer(seen: Any) -> Answer:
        yes = say(int(seen.picture[1:]), seen.recipe)
        return Answer(scores=(math.log(yes), math.log(1 - yes)))

    return answer


def cases(kit: Any, n: int, wrong: Any, **columns: Any) -> Any:
    return kit.cases(["no" if wrong(i) else "yes" for i in range(n)], **columns)


def run(kit: Any, listed: Any, say: Any, **parameters: Any) -> Any:
    parameters = {"shifts": ()} | parameters
    shifts = parameters.pop("shifts")
    # The kit's own ``shifts`` are those that exist; the probe's are those that it is told to lay on.
    return kit.run(
        lambda ctx, **k: confidence(ctx, shifts=shifts, **k),
        listed,
        sure(say),
        capabilities=("choose",),
        mode="choose",
        **parameters,
    )


def test_numbers_on_paper(kit: Any) -> None:
    # 100 at .95 with 70 right, 100 at .6 with 60 right.
    listed = cases(kit, 200, lambda i: i % 100 >= (70 if i < 100 else 60))

    found = run(kit, listed, lambda i, _: 0.95 if i < 100 else 0.6)

    ece = found.one("ece")
    assert ece.data["plain"] == pytest.approx((0.25 + 0) / 2)
    assert ece.estimate == pytest.approx(0.12, abs=0.02)
    assert 0.04 < ece.interval[0] < 0.125 < ece.interval[1]
    assert ece.control.metric == "calibrated_before_debiasing"
    assert [(row["n"], row["accuracy"]) for row in ece.data["reliability"]] == [(100, 0.6), (100, 0.7)]
    brier = found.one("brier")
    low, high = 0.7 * 0.05**2 + 0.3 * 0.95**2, 0.6 * 0.4**2 + 0.4 * 0.6**2
    assert brier.estimate == pytest.approx((low + high) / 2)
    assert brier.control.estimate == pytest.approx(0.25)
    # 30 of 70 wrong answers were stated at .95; true confidences would give 5 of 5 + 40.
    over = found.one("overconfidence")
    assert over.estimate == pytest.approx(30 / 70)
    assert over.n == 70
    assert over.control.estimate == pytest.approx(5 / 45)
    aurc = found.one("aurc")
    assert aurc.control.estimate == pytest.approx(0.35)
    assert aurc.data["best"] < aurc.estimate < 0.35
    assert aurc.data["curve"][49] == [0.5, pytest.approx(0.3)]
    assert set(over.evidence) <= {f"c{i}" for i in range(70, 100)}


def test_a_calibrated_model_is_not_accused(kit: Any) -> None:
    rng = np.random.default_rng(4)
    stated = 0.5 + 0.49 * rng.random(300)
    missed = rng.random(300) > stated

    found = run(kit, cases(kit, 300, lambda i: missed[i]), lambda i, _: float(stated[i]))

    ece = found.one("ece")
    assert ece.data["plain"] > 0.02
    assert ece.interval[0] == 0
    assert ece.estimate < ece.data["plain"]
    assert ece.p_value > 0.05
    low, high = found.one("temperature").interval
    assert low < 1 < high


def test_a_temperature_from_other_groups_mends_what_it_can(kit: Any) -> None:
    # Stated 81 : 1 but right 9 times in 10: T = ln 81 / ln 9 = 2.
    found = run(kit, cases(kit, 400, lambda i: i % 10 == 3), lambda i, _: 81 / 82)

    assert found.one("temperature").estimate == pytest.approx(2.0)
    after = found.one("ece_after_temperature")
    assert found.one("ece").interval[0] > 0.03
    assert after.data["plain"] < 0.05 < 0.08 < found.one("ece").data["plain"]
    assert after.interval[0] == 0
    folds = after.data["temperature_by_fold"]
    assert len(folds) == 5
    assert list(folds.values()) == pytest.approx([2.0] * 5, rel=0.1)


def test_shifts_are_laid_on_only_when_named(kit: Any) -> None:
    listed = cases(kit, 100, lambda i: i % 5 == 0)

    def say(number: int, recipe: str) -> float:
        # Under the shift it says yes with .99 whatever is shown; unshifted it says .8.
        return 0.99 if recipe else 0.8

    assert run(kit, listed, say).slices("ece") == [{}]
    found = run(kit, listed, say, shifts=("dim",), severities=(1, 5))

    assert found.slices("ece") == [{}] + [{"shift": "dim", "severity": s} for s in (1, 5)]
    assert found.one("ece").data["plain"] == pytest.approx(0)
    assert found.one("ece", shift="dim", severity=5).data["plain"] == pytest.approx(0.19)
    assert found.one("overconfidence", shift="dim", severity=1).estimate == 1
    assert found.one("overconfidence").estimate == 0


def test_a_model_that_only_generates_is_not_applicable() -> None:
    probe = available("probe")["confidence"]
    assert "needs choose" in probe.missing(frozenset({"generate"}))
    assert probe.missing(frozenset({"choose"})) is None


def test_errors_all_right_and_no_closed_question(kit: Any) -> None:
    listed = cases(kit, 40, lambda i: False)
    found = run(kit, listed, lambda i, _: 0.9)
    assert (found.one("overconfidence").verdict, found.one("overconfidence").reason) == (
        Verdict.INCONCLUSIVE,
        "no wrong answer",
    )
    assert "no temperature fits" in found.one("temperature").reason
    silent = kit.run(
        confidence, listed, lambda seen: Answer(error="time-out"), capabilities=("choose",), mode="choose"
    )
    assert all(f.estimate is None and f.reason for f in silent.findings)
    with pytest.raises(UsageError, match="level"):
        run(kit, listed, lambda i, _: 0.9, level=2)


def test_the_contract() -> None:
    check_probe("confidence", shifts={})
