"""``robustness`` under synthetic shifts, on answerers whose numbers are known on paper."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from medaudit.errors import UsageError
from medaudit.finding import Verdict
from medaudit.model import Answer
from medaudit.probes.robustness import robustness
from medaudit.registry import Shift

OTHER = {"yes": "no", "no": "yes"}
AT_3: dict[str, Any] = {"shift": "dim", "severity": 3}


def planted(kit: Any, n: int, clean: float, shifted: float) -> tuple[tuple[Any, ...], Any]:
    """Cases, and a lookup right on exactly these shares of them; whoever is lost was right before."""
    cases = kit.cases(kit.half(n))
    truth = {case.id: case.answer for case in cases}

    def say(seen: Any) -> str:
        share = shifted if "shift:" in seen.recipe else clean
        right = truth[seen.picture]
        return right if int(seen.picture[1:]) < round(share * n) else OTHER[right]

    return cases, say


def test_80_of_100_clean_and_60_shifted_is_exactly_three_quarters(kit: Any) -> None:
    cases, say = planted(kit, 100, 0.8, 0.6)

    run = kit.run(robustness, cases, say, severities=(3,))

    assert run.one("accuracy").estimate == pytest.approx(0.8)
    assert run.one("accuracy", **AT_3).estimate == pytest.approx(0.6)
    ratio = run.one("relative_robustness", **AT_3)
    assert ratio.estimate == pytest.approx(0.75, abs=1e-12)
    assert ratio.interval[0] < 0.75 < ratio.interval[1] < 1
    drop = run.one("accuracy_drop", **AT_3)
    assert drop.estimate == pytest.approx(0.2)
    # McNemar on 20 lost and none won: 2 / 2**20.
    assert drop.p_value == pytest.approx(2 / 2**20, rel=1e-6)
    assert drop.evidence == tuple(f"c{index}" for index in range(60, 72))
    flips = run.one("flip_rate", **AT_3)
    assert flips.estimate == pytest.approx(0.2)
    assert run.one("flip_excess", **AT_3).estimate == pytest.approx(0.2)
    assert flips.control.metric == "self_flip"
    assert run.one("accuracy_drop", shift="dim").estimate == pytest.approx(0.2)
    assert run.one("relative_robustness", shift="dim").estimate == pytest.approx(0.75)


def test_correction_takes_the_question_only_baseline_off_both_sides(kit: Any) -> None:
    cases, say = planted(kit, 200, 0.9, 0.7)

    run = kit.run(robustness, cases, say, severities=(3,))

    base = run.one("accuracy").control.estimate
    corrected = run.one("relative_robustness_corrected", **AT_3)
    assert corrected.estimate == pytest.approx((0.7 - base) / (0.9 - base))
    assert corrected.estimate < run.one("relative_robustness", **AT_3).estimate


def test_never_right_when_clean_is_undefined_and_not_infinite(kit: Any) -> None:
    cases, say = planted(kit, 60, 0.0, 0.5)

    run = kit.run(robustness, cases, say, severities=(3,))

    for metric in ("relative_robustness", "relative_robustness_corrected"):
        finding = run.one(metric, **AT_3)
        assert finding.estimate is None
        assert finding.verdict is Verdict.INCONCLUSIVE
        assert finding.reason
    assert run.one("accuracy_drop", **AT_3).estimate == pytest.approx(-0.5)


def test_a_model_at_its_baseline_has_no_corrected_robustness(kit: Any) -> None:
    cases = kit.cases((["yes"] * 3 + ["no"] * 7) * 10)

    run = kit.run(robustness, cases, lambda seen: "no", severities=(3,))

    assert run.one("relative_robustness", **AT_3).estimate == pytest.approx(1)
    assert run.one("relative_robustness_corrected", **AT_3).estimate is None


def test_a_model_that_sees_no_shift_keeps_everything(kit: Any) -> None:
    cases, say = planted(kit, 100, 0.8, 0.8)

    run = kit.run(robustness, cases, say)

    for severity in range(1, 6):
        where = {"shift": "dim", "severity": severity}
        low, high = run.one("relative_robustness", **where).interval
        assert low <= 1 <= high
        assert run.one("accuracy_drop", **where).p_value == 1
        assert run.one("flip_rate", **where).estimate == 0
        assert run.one("flip_rate", **where).evidence == ()


def test_severities_are_told_apart_and_averaged(kit: Any) -> None:
    cases = kit.cases(["yes"] * 100)

    def say(seen: Any) -> str:
        lost = 20 * (int(seen.recipe.split(":")[3]) - 1) if seen.recipe else 0
        return "no" if int(seen.picture[1:]) < lost else "yes"

    run = kit.run(robustness, cases, say)

    for severity in range(1, 6):
        drop = run.one("accuracy_drop", shift="dim", severity=severity)
        assert drop.estimate == pytest.approx(0.2 * (severity - 1))
    over = run.one("accuracy_drop", shift="dim")
    assert over.estimate == pytest.approx(0.4)
    assert over.data["severities"] == [1, 2, 3, 4, 5]
    # The first twenty cases are lost at four severities of five: the worst.
    assert over.evidence == tuple(f"c{index}" for index in range(12))


def test_a_deterministic_model_has_a_noise_floor_of_exactly_0(kit: Any) -> None:
    cases, say = planted(kit, 400, 0.8, 0.6)

    run = kit.run(robustness, cases, say, severities=(3,))

    for where in ({}, {"replicate": "alone"}, {"replicate": "batch"}):
        floor = run.one("self_flip", **where)
        assert (floor.estimate, floor.n, floor.reason) == (0, 150, "")
        # 150 repetitions without a change bound the floor near 2 to 3 %.
        assert 0.01 < floor.interval[1] < 0.03
    assert run.one("flip_excess", **AT_3).interval[0] > 0.1


def test_a_flipper_is_found_and_has_no_excess(kit: Any) -> None:
    cases = kit.cases(["yes"] * 600)

    def say(seen: Any) -> str:
        first_time = not seen.recipe and seen.request.replicate == 0
        return "yes" if first_time or seen.draw() >= 0.2 else "no"

    run = kit.run(robustness, cases, say, severities=(3,), noise_cases=400)

    low, high = (binom.ppf(tail, 400, 0.2) / 400 for tail in (0.0005, 0.9995))
    for replicate in ("alone", "batch"):
        floor = run.one("self_flip", replicate=replicate)
        assert low <= floor.estimate <= high
        assert "read flip rates only above" in floor.reason
    assert run.one("self_flip").n == 400
    low, high = (binom.ppf(tail, 600, 0.2) / 600 for tail in (0.0005, 0.9995))
    assert low <= run.one("flip_rate", **AT_3).estimate <= high
    excess = run.one("flip_excess", **AT_3)
    assert excess.interval[0] <= 0 <= excess.interval[1]
    difference = run.one("flip_rate", **AT_3).estimate - run.one("self_flip").estimate
    assert excess.estimate == pytest.approx(difference)


def test_repetitions_are_asked_alone_and_in_a_batch_of_the_same_cases(kit: Any) -> None:
    cases, say = planted(kit, 100, 0.8, 0.6)

    run = kit.run(robustness, cases, say, severities=(3,), noise_cases=30)

    alone = [r for r in run.script.requests if r.replicate == 1]
    batch = [r for r in run.script.requests if r.replicate == 2]
    assert [r.alone for r in alone] == [True] * 30
    assert [r.alone for r in batch] == [False] * 30
    assert {r.images[0].name for r in alone} == {r.images[0].name for r in batch}
    assert run.script.calls == 1


def test_a_change_from_one_class_of_no_answer_to_another_is_a_flip(kit: Any) -> None:
    cases = kit.cases(["yes"] * 40)
    said = {"": "", "shift": "I'm sorry, but I can't help with that."}

    run = kit.run(robustness, cases, lambda seen: said[seen.recipe[:5]], severities=(3,))

    assert run.one("flip_rate", **AT_3).estimate == 1
    assert run.one("accuracy_drop", **AT_3).estimate == 0


def test_errors_leave_both_sides_and_are_counted(kit: Any) -> None:
    cases, say = planted(kit, 100, 0.8, 0.6)

    def failing(seen: Any) -> str | Answer:
        broken = "shift:" in seen.recipe and int(seen.picture[1:]) < 10
        return Answer(error="time-out") if broken else str(say(seen))

    run = kit.run(robustness, cases, failing, severities=(3,))

    assert run.one("accuracy").n == 100
    for metric in ("accuracy", "relative_robustness", "accuracy_drop", "flip_rate", "flip_excess"):
        finding = run.one(metric, **AT_3)
        assert (finding.n, finding.data["errors"]) == (90, 10)
    # 70 of 90 clean, 50 of 90 shifted: the ten lost cases are missing on both sides.
    assert run.one("relative_robustness", **AT_3).estimate == pytest.approx(5 / 7)


def test_choosing_models_are_asked_and_their_log_probabilities_compared(kit: Any) -> None:
    cases, say = planted(kit, 60, 0.8, 0.6)

    def wavering(seen: Any) -> Answer:
        score = -1.0 if seen.request.replicate == 0 else -1.25
        right = str(say(seen)) == seen.request.options[0]
        return Answer(scores=(score, -3.0) if right else (-3.0, score))

    run = kit.run(robustness, cases, wavering, severities=(3,), mode="choose", capabilities=("choose",))

    assert run.one("relative_robustness", **AT_3).estimate == pytest.approx(0.75)
    assert run.one("self_flip").estimate == 0
    assert run.one("self_flip").data["largest_log_probability_change"] == pytest.approx(0.25)


def flip(pixels: Any, severity: int, rng: np.random.Generator) -> Any:
    return np.asarray(pixels)[:, ::-1]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"named": ("dimm",)}, "Did you mean 'dim'"),
        ({"named": ("mirror",)}, "may change the right answer"),
        ({"severities": (6,)}, "from 1 to 5"),
        ({"severities": (3.0,)}, "from 1 to 5"),
        ({"severities": ()}, "severities is empty"),
        ({"noise_cases": 0}, "from 1"),
        ({"attributes": ("sexx",)}, "Did you mean 'sex'"),
    ],
)
def test_a_wrong_parameter_is_refused_before_anything_is_asked(
    kit: Any, parameters: dict[str, Any], message: str
) -> None:
    cases = kit.cases(kit.half(40), sex=["F", "M"] * 20)
    shifts = {
        "dim": Shift("dim", "1", "test", "none", lambda pixels, severity, rng: pixels),
        "mirror": Shift("mirror", "1", "test", "none", flip, preserves_label=False),
    }

    def probe(ctx: Any, *, named: tuple[str, ...] = (), **others: Any) -> Any:
        return robustness(ctx, shifts=named, **others)

    with pytest.raises(UsageError, match=message):
        kit.run(probe, cases, lambda seen: 1 / 0, shifts=shifts, **parameters)


def test_shifts_that_change_the_answer_are_left_out_by_default(kit: Any) -> None:
    cases = kit.cases(kit.half(20))
    shifts = {"mirror": Shift("mirror", "1", "test", "none", flip, preserves_label=False)}

    run = kit.run(robustness, cases, lambda seen: "yes", shifts=shifts)

    assert not any("shift" in where for where in run.slices("accuracy"))


def test_our_six_shifts_run_through_the_probe_on_real_pixels(kit: Any) -> None:
    from medaudit.registry import available

    cases = kit.cases(["yes", "no"] * 6)

    def bright(seen: Any) -> str:
        return "yes" if int(seen.request.images[0].pixels().mean()) % 2 else "no"

    run = kit.run(robustness, cases, bright, shifts=available("shift"), severities=(1, 5))

    shown = {where["shift"] for where in run.slices("accuracy_drop") if "shift" in where}
    assert shown >= {"jpeg", "gaussian_noise", "motion_blur", "contrast", "rotation", "pixelate"}
    # 12 clean, 2 x 12 again, and 12 per shift and severity.
    assert len(run.script.requests) == 12 * (3 + 2 * len(shown))
