"""Scripted models against numbers known on paper, and contract checks that catch each broken clause."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from medaudit.case import Case, CaseSet
from medaudit.errors import DataError
from medaudit.image import ArrayImage
from medaudit.model import Answer, Capability, Model
from medaudit.models.scripted import offered
from medaudit.prompting import prompt_for
from medaudit.testing import (
    ScriptedModel,
    coin,
    constant,
    context_for,
    flipper,
    oracle,
    prior,
    sighted,
    synthetic_cases,
)

CASES = synthetic_cases(400, seed=11)
MODES = [Capability.GENERATE, Capability.CHOOSE]


def accuracy(cases: CaseSet | Sequence[Case], model: Model, mode: Capability = Capability.GENERATE) -> float:
    context = context_for(cases, model, mode=mode)
    answers = context.ask([context.request(case) for case in context.cases])
    scores = [context.grade(case, answer).score for case, answer in zip(context.cases, answers, strict=True)]
    return float(np.mean([score for score in scores if score is not None]))


def blanked(cases: CaseSet) -> list[Case]:
    blank = ArrayImage(np.zeros((32, 32, 3), np.uint8))
    return [replace(case, images=(blank,), group=case.group) for case in cases.cases]


def limits(n: int, p: float) -> tuple[float, float]:
    """Exact binomial limits that a count leaves once in 100,000 times."""
    return float(binom.ppf(5e-6, n, p)), float(binom.ppf(1 - 5e-6, n, p))


def yes_no(cases: CaseSet) -> list[Case]:
    return [case for case in cases.cases if case.options == ("yes", "no")]


@pytest.mark.parametrize("mode", MODES)
def test_a_perfect_answerer_scores_one(mode: Capability) -> None:
    assert accuracy(CASES, oracle(CASES), mode) == 1.0


@pytest.mark.parametrize("mode", MODES)
def test_an_oracle_with_closed_eyes_falls_back_to_what_it_is_told(mode: Capability) -> None:
    dark = [case for case in blanked(CASES) if case.options == ("yes", "no")]
    share = sum(case.answer == "yes" for case in dark) / len(dark)

    assert accuracy(dark, oracle(CASES, otherwise="yes"), mode) == pytest.approx(share)
    assert 0 < share < 1


@pytest.mark.parametrize("mode", MODES)
def test_always_yes_scores_the_share_of_yes(mode: Capability) -> None:
    cases = yes_no(CASES)
    share = sum(case.answer == "yes" for case in cases) / len(cases)

    assert accuracy(cases, constant("yes"), mode) == pytest.approx(share)
    assert accuracy(cases, constant("no"), mode) == pytest.approx(1 - share)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", range(5))
def test_a_coin_stays_within_exact_binomial_limits(mode: Capability, seed: int) -> None:
    cases = [case for case in synthetic_cases(1200, seed=3).cases if len(case.options) == 2]

    hits = accuracy(cases, coin(seed), mode) * len(cases)

    # Ten looks at 1 in 100,000 each: a true coin fails this test once in 10,000 runs.
    low, high = limits(len(cases), 0.5)
    assert low <= hits <= high


def test_a_coin_has_as_many_sides_as_options() -> None:
    four = [case for case in synthetic_cases(1600, seed=2).cases if len(case.options) == 4]

    hits = accuracy(four, coin(1)) * len(four)

    low, high = limits(len(four), 0.25)
    assert low <= hits <= high


def test_a_coin_depends_on_what_is_asked_not_on_when() -> None:
    context = context_for(CASES, coin(1))
    requests = [context.request(case) for case in CASES.cases]

    forward, backward = context.ask(requests), context.ask(requests[::-1])

    assert forward == backward[::-1]
    assert forward != context_for(CASES, coin(2)).ask(requests)


def test_a_coin_draws_open_answers_from_the_cases_given() -> None:
    cases = [case for case in CASES.cases if not case.closed]
    answers = {case.answer for case in cases}

    context = context_for(cases, coin(1, cases))
    drawn = {answer.text for answer in context.ask([context.request(case) for case in cases])}
    ignorant = context_for(cases, coin(1))

    assert drawn == answers
    assert ignorant.ask([ignorant.request(cases[0])]) == [Answer(text="I do not know.")]


@pytest.mark.parametrize("mode", MODES)
def test_the_prior_scores_the_share_of_the_commonest_answers(mode: Capability) -> None:
    counts: dict[str, Counter[str]] = {}
    for case in CASES.cases:
        counts.setdefault(case.question, Counter())[case.answer] += 1
    expected = sum(seen.most_common(1)[0][1] for seen in counts.values()) / len(CASES)

    assert accuracy(CASES, prior(CASES), mode) == pytest.approx(expected)
    assert accuracy(blanked(CASES), prior(CASES), mode) == pytest.approx(expected)


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_a_flipper_flips_when_asked_again_and_only_then(p: float) -> None:
    model = flipper(oracle(CASES), p, seed=4)
    context = context_for(CASES, model)

    first = context.ask([context.request(case) for case in CASES.cases])
    again = context.ask([context.request(case, replicate=1) for case in CASES.cases])
    flips = sum(a != b for a, b in zip(first, again, strict=True))

    assert accuracy(CASES, model) == 1.0
    low, high = limits(len(CASES), p) if 0 < p < 1 else (p * 400, p * 400)
    assert low <= flips <= high


def test_a_sighted_model_reads_pixels() -> None:
    def red(images: Sequence[Any], prompt: str) -> str:
        excess = images[0][..., 0].astype(int) - images[0][..., 1:].max(axis=2)
        return "yes" if excess.max() > 100 else "no"

    cases = yes_no(CASES)

    assert accuracy(cases, sighted(red, id="red-reader")) == 1.0
    dark = [case for case in blanked(CASES) if case.options == ("yes", "no")]
    assert accuracy(dark, sighted(red, id="red-reader")) < 0.7


def test_a_scripted_choice_is_a_distribution() -> None:
    model = oracle(CASES)
    context = context_for(CASES, model, mode=Capability.CHOOSE)
    four = next(case for case in CASES.cases if len(case.options) == 4)

    scores = context.ask([context.request(four)])[0].scores

    assert scores is not None
    assert sum(map(math.exp, scores)) == pytest.approx(1.0)
    assert sorted(map(math.exp, scores))[-1] == pytest.approx(0.98)


def test_a_model_refuses_what_it_does_not_offer() -> None:
    model = ScriptedModel(lambda request: "yes", capabilities=["choose"])
    context = context_for(yes_no(CASES), model)
    request = replace(context.request(context.cases[0]), task=Capability.GENERATE)

    assert context.mode is Capability.CHOOSE
    assert context.ask([request])[0].error == "scripted cannot generate"


def test_there_is_no_oracle_where_truths_differ() -> None:
    first = CASES.cases[0]
    other = next(option for option in first.options if option != first.answer)
    twin = replace(first, id="twin", answer=other)

    with pytest.raises(DataError, match=r"'s0000' and 'twin' ask the same"):
        oracle([first, twin])


def test_equal_requests_reach_the_model_once_and_answers_keep_their_order() -> None:
    model = oracle(CASES)
    context = context_for(CASES, model)
    one, two = (context.request(case) for case in CASES.cases[:2])

    answers = context.ask([two, one, two])

    assert answers == [*context.ask([two]), *context.ask([one]), *context.ask([two])]
    assert len(model.asked) == 2 + 3


@pytest.mark.parametrize("options", [("yes", "no"), ("left lung", "right lung", "both")])
def test_options_are_read_off_the_prompt(options: tuple[str, ...]) -> None:
    case = replace(CASES.cases[0], options=options, answer=options[0])

    assert offered(prompt_for(case)) == options
    assert offered("Where is it?\nAnswer briefly.") == ()


def test_long_options_are_offered_by_letter() -> None:
    options = ("there is no fluid at all", "there is fluid on both sides")
    case = replace(CASES.cases[0], options=options, answer=options[1])

    assert offered(prompt_for(case)) == ("A", "B")


@settings(deadline=None, max_examples=30)
@given(n=st.integers(1, 120), seed=st.integers(0, 2**31), closed=st.booleans())
def test_synthetic_cases_hold_what_they_promise(n: int, seed: int, closed: bool) -> None:
    cases = synthetic_cases(n, seed, closed=closed)

    assert len(cases) == n
    assert cases.digest() == synthetic_cases(n, seed, closed=closed).digest()
    assert not closed or all(case.closed for case in cases.cases)
    for case in cases.cases:
        x0, y0, x1, y1 = case.regions[0].box
        pixels = case.images[0].pixels()
        assert x1 <= pixels.shape[1]
        assert y1 <= pixels.shape[0]
        assert len(np.unique(pixels[y0:y1, x0:x1].reshape(-1, 3), axis=0)) == 1
        if case.options == ("left", "right"):
            assert (case.answer == "left") == (x1 <= pixels.shape[1] // 2)


def test_synthetic_answers_are_balanced() -> None:
    cases = synthetic_cases(160, seed=1)
    counts = Counter((case.question, case.answer) for case in cases.cases)

    assert counts["Is the square red?", "yes"] == counts["Is the square red?", "no"] == 20
    side = "On which side is the square?"
    assert counts[side, "left"] == counts[side, "right"] == 20
    assert cases.groups == 40
    assert synthetic_cases(8, seed=1).digest() != synthetic_cases(8, seed=2).digest()
