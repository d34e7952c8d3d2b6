"""Mean corruption, relative and balanced error of a run: numbers on paper."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from medaudit.finding import Verdict
from medaudit.model import Answer
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

    return run_saying(kit, cases, say)


def run_saying(kit: Any, cases: Any, say: Any) -> Any:
    return kit.run(robustness, cases, say, shifts=SHIFTS, severities=(1, 3), noise_cases=20)


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
    # dim loses 20 of 100; a reader that is right when clean and sees nothing once shifted loses 40.
    relative = found.one("relative_error", shift="dim")
    assert (relative.estimate, relative.n, relative.verdict) == (pytest.approx(0.5), 100, Verdict.MEASURED)
    assert 0 < relative.interval[0] < 0.5 < relative.interval[1] < 1
    assert relative.data["reference_loses"] == pytest.approx(0.4)
    assert relative.data["reference"] == "question_only_once_shifted"
    assert (relative.control.metric, relative.control.estimate) == ("self_relative_error", 0)


def test_always_the_commoner_answer_is_a_coin_in_balanced_error(kit: Any) -> None:
    found = run(kit, kit.cases(["yes"] * 80 + ["no"] * 20), lambda number, recipe, said: said == "no")

    assert found.one("balanced_error", shift="dim").estimate == pytest.approx(0.5)
    assert found.one("balanced_error", shift="dim").data["plain_error"] == pytest.approx(0.2)
    # It errs as its reference does.
    assert found.one("mean_corruption_error").estimate == pytest.approx(1)
    # It sees nothing of a clean picture either: there is nothing to lose.
    relative = found.one("relative_error", shift="dim")
    assert (relative.estimate, relative.verdict, relative.n) == (None, Verdict.NOT_APPLICABLE, 100)
    assert relative.reason.startswith("seeing nothing would cost the model too little to be a yardstick")
    assert "loses 0.0000 on average, under the minimum of 0.01" in relative.reason


def test_a_reference_without_errors_gives_no_ratio(kit: Any) -> None:
    found = run(kit, kit.cases(["yes"] * 40), lambda number, recipe, said: number < 4)

    mce = found.one("mean_corruption_error")
    assert (mce.estimate, mce.verdict) == (None, Verdict.INCONCLUSIVE)
    assert "errs 0.0000 on average" in mce.reason
    assert set(mce.data["undefined"]) == {"dim", "flip"}


def test_a_shift_that_costs_nothing_has_a_relative_error_of_nothing(kit: Any) -> None:
    # The negative control: 10 of 100 wrong when clean, 10 others under dim.
    def wrong(number: int, recipe: str, said: str) -> bool:
        return number % 10 == ("dim" in recipe)

    found = run(kit, kit.cases(kit.half(100)), wrong)

    for shift in SHIFTS:
        relative = found.one("relative_error", shift=shift)
        assert relative.estimate == 0
        assert relative.interval[0] < 0 < relative.interval[1]
        assert relative.p_value is None
    three_of_five = kit.cases(["yes", "no", "yes", "no", "yes"] * 20)
    gained = run(kit, three_of_five, lambda n, recipe, said: n % 10 == 1 and "dim" not in recipe)
    # From 10 wrong to none, where blindness would cost 40 - 10.
    assert gained.one("relative_error", shift="dim").estimate == pytest.approx(-0.1 / 0.3)


def test_a_denominator_that_may_be_nothing_gives_no_number(kit: Any) -> None:
    # Of 20, the model has 8 wrong when clean and all under dim, the question alone has 10 wrong.
    def wrong(number: int, recipe: str, said: str) -> bool:
        return number < 8 or "dim" in recipe

    relative = run(kit, kit.cases(["yes", "yes", "no", "no"] * 5), wrong).one("relative_error", shift="dim")

    assert relative.data["reference_loses"] >= 0.1
    assert (relative.estimate, relative.interval, relative.verdict) == (None, None, Verdict.INCONCLUSIVE)
    assert "worth to the model is known too vaguely at n = 20 to be a yardstick" in relative.reason
    assert relative.n == 20


def test_it_is_what_corrected_robustness_leaves_of_one(kit: Any) -> None:
    def wrong(number: int, recipe: str, said: str) -> bool:
        return number % 20 == 3 or (len(recipe) + number) % 7 == 0

    found = run(kit, kit.cases(["yes", "no", "yes"] * 40), wrong)

    for shift in SHIFTS:
        kept = [
            found.one("relative_robustness_corrected", shift=shift, severity=severity).estimate
            for severity in (1, 3)
        ]
        assert found.one("relative_error", shift=shift).estimate == pytest.approx(1 - np.mean(kept))


def test_unanswered_cases_leave_every_side_of_the_ratio(kit: Any) -> None:
    # 100 cases; dim is not answered for the 20 that it would cost.
    cases = kit.cases(["yes", "no", "yes", "no", "yes"] * 20)

    def say(seen: Any) -> Any:
        if "dim" in seen.recipe and int(seen.picture[1:]) % 5 == 0:
            return Answer(error="out of memory")
        return cases[int(seen.picture[1:])].answer

    found = run_saying(kit, cases, say)

    relative = found.one("relative_error", shift="dim")
    # 40 of the 80 that are left are "no".
    assert (relative.estimate, relative.n) == (0, 80)
    assert relative.data["reference_loses"] == pytest.approx(0.5)
    assert found.one("relative_error", shift="flip").n == 100
