"""``baselines`` on answerers whose numbers are known on paper."""

from __future__ import annotations

from typing import Any

import pytest
from scipy.stats import binom

from medaudit.case import Case
from medaudit.finding import Verdict
from medaudit.model import Answer
from medaudit.probes.baselines import baselines

IMAGES = ("full", "none", "blank", "noise", "swapped")


def test_a_perfect_reader_gains_what_the_prior_leaves(kit: Any) -> None:
    cases = kit.cases(kit.half(200))
    truth = {case.id: case.answer for case in cases}

    run = kit.run(baselines, cases, lambda seen: truth.get(seen.picture, "no"))

    assert run.one("accuracy", image="full").estimate == 1
    for image in ("none", "blank", "noise"):
        assert run.one("accuracy", image=image).estimate == 0.5
    gain = run.one("visual_gain")
    best = max(
        run.one("accuracy", **where).estimate
        for where in run.slices("accuracy")
        if where != {"image": "full"}
    )
    assert gain.estimate == pytest.approx(1 - best)
    assert gain.interval[0] > 0.3
    assert gain.data["explained_by_baseline"] is False
    assert gain.reason == ""
    assert gain.verdict is Verdict.MEASURED
    assert run.one("prior_index").estimate == 0.5


def test_always_yes_stands_under_the_majority_of_no(kit: Any) -> None:
    cases = kit.cases((["yes"] * 3 + ["no"] * 7) * 20)

    run = kit.run(baselines, cases, lambda seen: "yes")

    for image in IMAGES:
        assert run.one("accuracy", image=image).estimate == pytest.approx(0.3)
    for predictor in ("majority", "question_only"):
        assert run.one("accuracy", predictor=predictor).estimate == pytest.approx(0.7)
    gain = run.one("visual_gain")
    assert gain.estimate == pytest.approx(-0.4)
    assert gain.control.estimate == pytest.approx(0.7)
    assert gain.data["explained_by_baseline"] is True
    assert "does not beat its baselines here" in gain.reason
    assert run.one("prior_index").estimate == pytest.approx(1)


def test_a_coin_stays_within_exact_binomial_limits_and_gains_nothing(kit: Any) -> None:
    cases = kit.cases(kit.half(300))

    run = kit.run(baselines, cases, lambda seen: "yes" if seen.draw() < 0.5 else "no")

    low, high = (binom.ppf(tail, 300, 0.5) / 300 for tail in (0.0005, 0.9995))
    for image in ("full", "noise", "swapped"):
        assert low <= run.one("accuracy", image=image).estimate <= high
    gain = run.one("visual_gain")
    assert gain.interval[0] <= 0
    assert gain.data["explained_by_baseline"] is True


def test_a_lookup_of_the_question_gains_nothing_from_the_image(kit: Any) -> None:
    questions = [f"Question {index % 4}?" for index in range(240)]
    # Nine of ten answers to even questions are yes, to odd ones no.
    answers = ["yes" if (index % 4 % 2 == 0) == (index // 4 % 10 > 0) else "no" for index in range(240)]
    cases = kit.cases(answers, question=questions)

    run = kit.run(baselines, cases, lambda seen: "yes" if int(seen.question[9]) % 2 == 0 else "no")

    assert run.one("accuracy", image="full").estimate == pytest.approx(0.9)
    assert run.one("accuracy", predictor="question_only").estimate == pytest.approx(0.9)
    assert run.one("accuracy", predictor="majority").estimate < 0.65
    gain = run.one("visual_gain")
    assert gain.interval[0] <= 0 <= gain.interval[1]
    assert gain.data["explained_by_baseline"] is True
    assert run.one("prior_index").estimate == 1


def test_a_marker_reader_beats_the_baselines(kit: Any) -> None:
    # The marker agrees with the answer in exactly nine of ten pictures.
    cases = kit.cases(kit.half(200))
    marker = {c.id: c.answer if int(c.id[1:]) % 10 else {"yes": "no", "no": "yes"}[c.answer] for c in cases}

    run = kit.run(baselines, cases, lambda seen: marker.get(seen.picture, "no"))

    assert run.one("accuracy", image="full").estimate == pytest.approx(0.9)
    gain = run.one("visual_gain")
    assert gain.interval[0] > 0
    assert set(run.one("accuracy", image="full").evidence) <= {f"c{index}" for index in range(0, 200, 10)}
    assert len(gain.evidence) == 12


def test_a_contrastive_model_has_no_answer_without_an_image(kit: Any) -> None:
    cases = kit.cases(kit.half(40))
    open_case = Case("open", cases[0].images, "Which organ?", "lung", (), "g0")
    truth = {case.id: case.answer for case in cases}

    run = kit.run(
        baselines,
        (*cases, open_case),
        lambda seen: truth.get(seen.picture, "no"),
        capabilities=("choose",),
        mode="choose",
    )

    for finding in (run.one("accuracy", image="none"), run.one("prior_index")):
        assert finding.verdict is Verdict.NOT_APPLICABLE
        assert "cannot be asked without an image" in finding.reason
    assert run.one("accuracy", image="full").n == 40
    assert run.one("visual_gain").estimate == pytest.approx(0.5, abs=0.2)


@pytest.mark.parametrize("alone", [True, False])
def test_a_model_that_needs_an_image_is_not_asked_without_one(kit: Any, alone: bool) -> None:
    cases = kit.cases(kit.half(40))
    truth = {case.id: case.answer for case in cases}

    run = kit.run(baselines, cases, lambda seen: truth.get(seen.picture, "no"), takes_text_alone=alone)

    none = run.one("accuracy", image="none")
    assert (none.estimate is not None) == alone
    assert ("cannot be asked without an image" in none.reason) == (not alone)
    assert run.one("visual_gain").estimate == pytest.approx(0.5, abs=0.2)


def test_a_model_that_is_never_right_has_no_prior_index(kit: Any) -> None:
    cases = kit.cases(["yes"] * 30 + ["no"] * 30)
    wrong = {case.id: "no" if case.answer == "yes" else "yes" for case in cases}

    finding = kit.run(baselines, cases, lambda seen: wrong.get(seen.picture, "yes")).one("prior_index")

    assert finding.estimate is None
    assert finding.reason


def test_outcomes_are_counted_and_errors_leave_the_denominator(kit: Any) -> None:
    cases = kit.cases(["yes"] * 60)
    special: dict[str, str | Answer] = {
        "c0": Answer(error="time-out"),
        "c1": "",
        "c2": "I'm sorry, but I can't help with that.",
    }

    full = kit.run(baselines, cases, lambda seen: special.get(seen.picture, "yes")).one(
        "accuracy", image="full"
    )

    assert full.n == 59
    assert full.estimate == pytest.approx(57 / 59)
    assert full.data["errors"] == 1
    assert full.data["outcomes"] == {"correct": 57, "empty": 1, "error": 1, "refusal": 1}


def test_closed_and_open_questions_are_told_apart_only_where_both_exist(kit: Any) -> None:
    closed = kit.cases(kit.half(20))
    opened = tuple(
        Case(f"o{i}", case.images, "Which organ?", "lung", (), case.group) for i, case in enumerate(closed)
    )

    both = kit.run(baselines, closed + opened, lambda seen: "lung").one("accuracy", image="full")
    alone = kit.run(baselines, closed, lambda seen: "yes").one("accuracy", image="full")

    assert both.data["kinds"] == {"closed": {"n": 20, "accuracy": 0.0}, "open": {"n": 20, "accuracy": 1.0}}
    assert "kinds" not in alone.data


def test_everything_is_asked_in_one_call_and_the_order_of_cases_changes_nothing(kit: Any) -> None:
    cases = kit.cases(kit.half(60))

    def say(seen: Any) -> str:
        return "yes" if seen.draw() < 0.6 else "no"

    run, turned = kit.run(baselines, cases, say), kit.run(baselines, cases[::-1], say)

    assert run.script.calls == 1
    for image in ("full", "none", "blank", "noise"):
        assert run.one("accuracy", image=image).interval == turned.one("accuracy", image=image).interval
    assert (
        run.one("accuracy", predictor="majority").estimate
        == turned.one("accuracy", predictor="majority").estimate
    )


def test_equal_seeds_give_equal_findings_and_other_seeds_other_swaps(kit: Any) -> None:
    cases = kit.cases(kit.half(60))

    def swaps(seed: int) -> list[str]:
        run = kit.run(baselines, cases, lambda seen: "yes", seed=seed)
        return [request.images[0].name for request in run.script.requests[-60:]]

    assert swaps(1) == swaps(1)
    assert swaps(1) != swaps(2)


def test_no_images_is_said_and_not_crashed_on(kit: Any) -> None:
    case = Case("c", (), "Is a lung an organ?", "yes", ("yes", "no"), "g")

    (finding,) = kit.run(baselines, (case,), lambda seen: "yes").findings

    assert finding.verdict is Verdict.NOT_APPLICABLE
