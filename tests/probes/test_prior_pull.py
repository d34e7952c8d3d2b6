"""``prior_pull`` on answerers whose numbers are known on paper."""

from __future__ import annotations

from typing import Any

import pytest

from medaudit.finding import Verdict
from medaudit.probes.baselines import baselines


def test_a_blind_model_is_pulled_all_the_way(kit: Any) -> None:
    cases = kit.cases(kit.half(80))

    pull = kit.run(baselines, cases, lambda seen: "yes").one("prior_pull")

    # Right in all of the 40 cases where "yes" is right, in none of the others; one question, so no control.
    assert (pull.estimate, pull.n) == (1.0, 80)
    assert pull.control.estimate == 0.0
    assert pull.data["excess"] == 1.0
    assert pull.p_value < 0.001
    assert pull.data["unseen"] == "none"
    assert "stand_in" not in pull.data


def test_a_reader_that_errs_both_ways_alike_is_not_pulled(kit: Any) -> None:
    cases = kit.cases(kit.half(200))
    # Every tenth pair of cases (one yes, one no) is misread.
    truth = {c.id: ("no" if c.answer == "yes" else "yes") if i // 2 % 10 == 0 else c.answer
             for i, c in enumerate(cases)}  # fmt: skip

    pull = kit.run(baselines, cases, lambda seen: truth.get(seen.picture, "no")).one("prior_pull")

    assert pull.estimate == pytest.approx(0.0)
    assert pull.data["accuracy_right"] == pull.data["accuracy_wrong"] == pytest.approx(0.9)
    assert pull.data["excess"] == pytest.approx(0.0)
    assert pull.data["excess_interval"][0] < 0 < pull.data["excess_interval"][1]


def test_a_quarter_of_the_unclear_cases_falls_to_the_prior(kit: Any) -> None:
    cases = kit.cases(kit.half(200))
    # It says "no" without looking, and where it cannot tell: in every fourth case, here a yes or a no.
    said = {c.id: "no" if i // 2 % 4 == 0 else c.answer for i, c in enumerate(cases)}

    pull = kit.run(baselines, cases, lambda seen: said.get(seen.picture, "no")).one("prior_pull")

    # No is right in 100 cases, all answered right; of the 100 others 75 are.
    assert pull.estimate == pytest.approx(0.25)
    assert pull.interval[0] > 0.1
    assert set(pull.evidence) <= {f"c{i}" for i in range(0, 200, 8)}


def test_easy_and_hard_questions_alone_make_a_difference_and_the_control_is_it(kit: Any) -> None:
    # "Easy?": 80 of 100 are no, all read rightly. "Hard?": 20 of 100 are no, half of each answer misread.
    questions = ["Easy?"] * 100 + ["Hard?"] * 100
    answers = ["no"] * 80 + ["yes"] * 20 + ["no"] * 20 + ["yes"] * 80
    cases = kit.cases(answers, question=questions)
    other = {"yes": "no", "no": "yes"}
    said = {c.id: other[c.answer] if i >= 100 and i % 2 else c.answer for i, c in enumerate(cases)}

    pull = kit.run(baselines, cases, lambda seen: said.get(seen.picture, "no")).one("prior_pull")

    # Right without looking: 80 easy, 20 hard: (80 + 10) / 100. Wrong: 20 easy, 80 hard: (20 + 40) / 100.
    assert pull.estimate == pytest.approx(0.3)
    assert pull.control.estimate == pytest.approx(0.3)
    assert pull.data["excess"] == pytest.approx(0.0)


def test_answers_that_choose_nothing_do_not_count(kit: Any) -> None:
    cases = kit.cases(kit.half(80))
    said = {
        c.id: "I'm sorry, but I can't help with that." if i < 20 else c.answer for i, c in enumerate(cases)
    }

    pull = kit.run(baselines, cases, lambda seen: said.get(seen.picture, "no")).one("prior_pull")

    assert (pull.n, pull.data["n_right"], pull.data["n_wrong"]) == (60, 30, 30)
    assert pull.estimate == pytest.approx(0.0)


def test_a_side_under_the_minimum_is_inconclusive(kit: Any) -> None:
    cases = kit.cases(["no"] * 50 + ["yes"] * 9)

    pull = kit.run(baselines, cases, lambda seen: "no").one("prior_pull")

    assert (pull.estimate, pull.verdict) == (None, Verdict.INCONCLUSIVE)
    assert "wrong in 9 of the 59 closed cases" in pull.reason
    assert "minimum on each side is 10" in pull.reason


def test_a_blank_image_stands_in_where_none_cannot_be_asked(kit: Any) -> None:
    cases = kit.cases(kit.half(80))

    run = kit.run(baselines, cases, lambda seen: "yes", capabilities=("choose",), mode="choose")

    pull = run.one("prior_pull")
    assert pull.estimate == 1.0
    assert pull.data["unseen"] == "blank"
    assert "blank" in pull.data["stand_in"]


def test_a_model_that_says_nothing_without_an_image_has_no_prior(kit: Any) -> None:
    cases = kit.cases(kit.half(80))
    truth = {case.id: case.answer for case in cases}

    pull = kit.run(baselines, cases, lambda seen: truth.get(seen.picture, "")).one("prior_pull")

    assert (pull.estimate, pull.verdict) == (None, Verdict.INCONCLUSIVE)
