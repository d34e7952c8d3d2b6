"""Mean corruption error and balanced error of a run: numbers on paper."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from medaudit.finding import Verdict
from medaudit.probes.robustness import robustness
from medaudit.registry import Shift


def dim(pixels: Any, severity: int, rng: np.random.Generator) -> Any:
    return np.asarray(pixels) // (severity + 1)


def flip(pixels: Any, severity: int, rng: np.random.Generator) -> Any:
    return np.asarray(pixels)[::-1].copy()


SHIFTS = {name: Shift(name, "1", "test", "none", change) for name, change in (("dim", dim), ("flip", flip))}


def run(kit: Any, cases: Any, wrong: Any) -> Any:
    truth = {case.id: case.answer for case in cases}
    turned = {"yes": "no", "no": "yes"}

    def say(seen: Any) -> str:
        number, said = int(seen.picture[1:]), truth[seen.picture]
        return turned[said] if wrong(number, seen.recipe, said) else said

    return kit.run(robustness, cases, say, shifts=SHIFTS, severities=(1, 3), noise_cases=1)


def test_errors_in_units_of_what_the_question_alone_is_worth(kit: Any) -> None:
    # 100 cases, 60 yes: the question-only predictor says yes and errs on 40.
    cases = kit.cases(["yes", "no", "yes", "no", "yes"] * 20)

    def wrong(number: int, recipe: str, said: str) -> bool:
        return "dim" in recipe and number % 5 == 0

    found = run(kit, cases, wrong)

    # dim: 20 of 100 wrong at both severities; flip: none.
    mce = found.one("mean_corruption_error")
    assert mce.data["by_shift"] == {"dim": pytest.approx(0.2 / 0.4), "flip": 0}
    assert (mce.estimate, mce.data["median"]) == (pytest.approx(0.25), pytest.approx(0.25))
    assert mce.interval[0] < 0.25 < mce.interval[1]
    assert mce.control.estimate == 1
    # dim: 20 of 60 yes wrong, no 'no' wrong: 1/2 (1/3 + 0).
    balanced = found.one("balanced_error", shift="dim")
    assert balanced.estimate == pytest.approx(1 / 6)
    assert balanced.data["plain_error"] == pytest.approx(0.2)
    assert balanced.interval[0] < 1 / 6 < balanced.interval[1]
    assert (balanced.control.estimate, balanced.data["classes"]) == (0, 2)
    assert found.one("balanced_error", shift="flip").estimate == 0


def test_always_the_commoner_answer_is_a_coin_in_balanced_error(kit: Any) -> None:
    found = run(kit, kit.cases(["yes"] * 80 + ["no"] * 20), lambda number, recipe, said: said == "no")

    assert found.one("balanced_error", shift="dim").estimate == pytest.approx(0.5)
    assert found.one("balanced_error", shift="dim").data["plain_error"] == pytest.approx(0.2)
    # It errs as its reference does.
    assert found.one("mean_corruption_error").estimate == pytest.approx(1)


def test_a_reference_without_errors_gives_no_ratio(kit: Any) -> None:
    found = run(kit, kit.cases(["yes"] * 40), lambda number, recipe, said: number < 4)

    mce = found.one("mean_corruption_error")
    assert (mce.estimate, mce.verdict) == (None, Verdict.INCONCLUSIVE)
    assert "errs 0.0000 on average" in mce.reason
    assert set(mce.data["undefined"]) == {"dim", "flip"}
