"""``wording`` on answerers whose flips, failures and spreads are known on paper."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from medaudit import registry
from medaudit.errors import UsageError
from medaudit.models.scripted import offered
from medaudit.registry import available
from medaudit.testing import check_probe

SHIFTS = {name: shift for name, shift in available("shift").items() if shift.family == "text"}
QUESTIONS = ["Is there an effusion?", "Are there any fractures?", "Does the image show a mass?"]
ABSENT = re.compile(r"\b(?:absent|free of|no)\b")
OTHER = {"yes": "no", "no": "yes"}


@pytest.fixture(scope="session")
def probe() -> Any:
    item = available("probe")["wording"]
    assert not item.default
    return item


def asks(kit: Any, n: int = 60, **columns: Any) -> tuple[Any, ...]:
    questions = [QUESTIONS[index // 2 % 3] for index in range(n)]
    cases: tuple[Any, ...] = kit.cases(kit.half(n), question=questions, **columns)
    return cases


def run(
    kit: Any,
    probe: Any,
    given: tuple[Any, ...],
    say: Callable[[Any], Any],
    *,
    seed: int = 0,
    **parameters: Any,
) -> Any:
    def put(ctx: Any) -> Any:
        return probe.run(ctx, **parameters)

    return kit.run(put, given, say, shifts=SHIFTS, seed=seed)


def knowing(cases: Any) -> Callable[[Any], str]:
    """Knows what is in each picture and understands every negation, so it is right under any wording."""
    truth = {case.id: case.answer for case in cases}

    def say(seen: Any) -> str:
        present = truth[seen.picture] == "yes"
        holds = (not present) if ABSENT.search(seen.question) else present
        return "yes" if holds ^ seen.question.startswith("Is it false") else "no"

    return say


def test_who_understands_every_wording_shows_nothing_at_all(kit: Any, probe: Any) -> None:
    cases = asks(kit)

    found = run(kit, probe, cases, knowing(cases), severities=(1, 2, 3, 4, 5))

    for metric in ("flip_rate", "flip_excess", "inversion_failure", "spread"):
        rows = [finding for finding in found.findings if finding.metric == metric]
        assert rows
        assert all(finding.estimate == 0 for finding in rows)
    assert {finding.estimate for finding in found.findings if finding.metric == "accuracy"} == {1}
    assert {finding.estimate for finding in found.findings if finding.metric == "worst_prompt"} == {1}
    assert all(f.p_value == 1 for f in found.findings if f.metric == "spread")
    shown = {where["shift"] for where in found.slices("flip_excess")}
    assert shown == {"negation", "option_order", "paraphrase", "typos"}


def test_who_takes_the_first_option_flips_with_every_order(kit: Any, probe: Any) -> None:
    cases = asks(kit)

    found = run(kit, probe, cases, lambda seen: offered(seen.request.prompt)[0], shifts=("option_order",))

    for severity in (1, 3, 5):
        where = {"shift": "option_order", "severity": severity}
        assert found.one("flip_rate", **where).estimate == 1
        assert found.one("flip_excess", **where).estimate == 1
        assert found.one("accuracy", **where).estimate == 0.5
    # Half of the cases are right in either order: the answers move, the accuracy does not.
    assert found.one("spread", shift="option_order").estimate == 0


def test_of_many_options_the_first_moves_as_often_as_it_is_drawn(kit: Any, probe: Any) -> None:
    from dataclasses import replace

    letters = ("red", "green", "blue", "black")
    cases = tuple(replace(case, options=letters, answer="blue") for case in asks(kit, 400))

    found = run(
        kit,
        probe,
        cases,
        lambda seen: offered(seen.request.prompt)[0],
        shifts=("option_order",),
        severities=(1, 2, 5),
        cases=400,
    )

    # 2, 3 and 4 of 4 options leave their places; 4 standard deviations of 400 draws are 0.1.
    for severity, share in ((1, 0.5), (2, 0.75), (5, 1.0)):
        rate = found.one("flip_rate", shift="option_order", severity=severity).estimate
        assert rate == pytest.approx(share, abs=0.1)


def test_who_is_blind_to_negation_never_inverts(kit: Any, probe: Any) -> None:
    cases = asks(kit)
    truth = {case.id: case.answer for case in cases}

    found = run(kit, probe, cases, lambda seen: truth[seen.picture], shifts=("negation", "paraphrase"))

    for severity in (1, 3):
        where = {"shift": "negation", "severity": severity}
        failure = found.one("inversion_failure", **where)
        assert (failure.estimate, failure.n) == (1, 60)
        assert found.one("accuracy", **where).estimate == 0
        assert found.one("accuracy", **where).control.estimate == 1
    # Two negations leave the answer as it was: nothing to invert.
    assert found.one("accuracy", shift="negation", severity=5).estimate == 1
    assert {"shift": "negation", "severity": 5} not in found.slices("inversion_failure")
    spread = found.one("spread", shift="negation")
    assert spread.estimate == 1
    assert spread.p_value < 0.01
    assert found.one("worst_prompt", shift="negation").data["worst"] in ("negation 1", "negation 3")
    assert found.one("spread", shift="paraphrase").estimate == 0
    assert found.slices("inversion_failure") == [{"shift": "negation", "severity": s} for s in (1, 3)]


def test_who_reads_exact_words_only_loses_with_typos(kit: Any, probe: Any) -> None:
    cases = asks(kit, 80)
    truth = {case.id: case.answer for case in cases}

    def literal(seen: Any) -> str:
        right = truth[seen.picture]
        return right if seen.question in QUESTIONS else OTHER[right]

    found = run(kit, probe, cases, literal, shifts=("typos", "option_order"))

    for severity in (1, 3, 5):
        assert found.one("flip_rate", shift="typos", severity=severity).estimate == 1
        assert found.one("flip_rate", shift="option_order", severity=severity).estimate == 0
    assert found.one("spread", shift="typos").estimate == 1
    assert found.one("worst_prompt", shift="typos").estimate == 0
    assert found.one("worst_prompt", shift="option_order").estimate == 1


def test_half_of_the_cases_fragile_is_half_of_the_rate(kit: Any, probe: Any) -> None:
    cases = asks(kit, 80)
    truth = {case.id: case.answer for case in cases}

    def fragile(seen: Any) -> str:
        right = truth[seen.picture]
        weak = int(seen.picture[1:]) < 40
        return OTHER[right] if weak and seen.question not in QUESTIONS else right

    found = run(kit, probe, cases, fragile, shifts=("typos",), severities=(3,))

    assert found.one("flip_rate", shift="typos", severity=3).estimate == 0.5
    spread = found.one("spread", shift="typos")
    assert spread.estimate == 0.5
    # Under the null each of 40 differing cases falls on either side: E|40 - 2 B(40, 1/2)| / 80.
    assert spread.control.estimate == pytest.approx(0.0627, abs=0.005)
    low, high = spread.interval
    assert 0.25 < low < 0.5 < high


def test_who_answers_in_english_alone_is_told_so(kit: Any, probe: Any) -> None:
    cases = asks(kit)
    truth = {case.id: case.answer for case in cases}

    found = run(
        kit, probe, cases, lambda seen: truth[seen.picture], shifts=("translate_*",), severities=(3, 4)
    )

    for name in ("translate_zh", "translate_hi"):
        assert found.one("accuracy", shift=name, severity=3).estimate == 1
        lost = found.one("accuracy", shift=name, severity=4)
        assert lost.estimate == 0
        assert lost.data["outcomes"] == {"invalid": lost.n}
        assert found.one("flip_rate", shift=name, severity=4).estimate == 1


@pytest.mark.parametrize(("name", "words"), [("translate_zh", "是 否"), ("translate_hi", "हाँ नहीं")])
def test_who_answers_in_the_language_asked_keeps_everything(
    kit: Any, probe: Any, name: str, words: str
) -> None:
    cases = asks(kit)
    truth = {case.id: case.answer for case in cases}
    yes, no = words.split()

    def say(seen: Any) -> str:
        foreign = yes in offered(seen.request.prompt)
        return {"yes": yes, "no": no}[truth[seen.picture]] if foreign else truth[seen.picture]

    found = run(kit, probe, cases, say, shifts=(name,), severities=(1, 2, 3, 4, 5))

    for severity in (1, 2, 3, 4, 5):
        assert found.one("accuracy", shift=name, severity=severity).estimate == 1
        assert found.one("flip_rate", shift=name, severity=severity).estimate == 0


def test_noise_alone_is_neither_excess_nor_spread(kit: Any, probe: Any) -> None:
    cases = asks(kit, 400)
    truth = {case.id: case.answer for case in cases}

    def restless(seen: Any) -> str:
        right = truth[seen.picture]
        return OTHER[right] if seen.draw() < 0.3 else right

    found = run(
        kit,
        probe,
        cases,
        restless,
        shifts=("paraphrase", "typos"),
        cases=400,
        noise_cases=400,
        severities=(3,),
    )

    assert found.one("flip_rate", shift="typos", severity=3).estimate > 0.3
    for name in ("paraphrase", "typos"):
        low, high = found.one("flip_excess", shift=name, severity=3).interval
        assert low <= 0 <= high
        spread = found.one("spread", shift=name)
        assert spread.p_value > 0.05
        assert spread.interval[0] == 0


def test_the_null_of_the_spread_is_not_fooled(kit: Any, probe: Any) -> None:
    cases = asks(kit, 60)
    truth = {case.id: case.answer for case in cases}
    hits = 0
    for seed in range(40):

        def restless(seen: Any, seed: int = seed) -> str:
            right = truth[seen.picture]
            return OTHER[right] if seen.draw(seed) < 0.3 else right

        found = run(kit, probe, cases, restless, shifts=("paraphrase",), severities=(2, 4), seed=seed)
        hits += found.one("spread", shift="paraphrase").p_value <= 0.05

    # Binomial(40, 0.05): 7 or more has probability 0.003.
    assert hits < 7


def test_cases_of_one_patient_move_together(kit: Any, probe: Any) -> None:
    alone, together = asks(kit, 80), asks(kit, 80, group=[f"g{index // 20}" for index in range(80)])
    truth = {case.id: case.answer for case in alone}

    def fragile(seen: Any) -> str:
        right = truth[seen.picture]
        return OTHER[right] if int(seen.picture[1:]) < 40 and seen.question not in QUESTIONS else right

    spreads = [
        run(kit, probe, cases, fragile, shifts=("typos",), severities=(3,)).one("spread", shift="typos")
        for cases in (alone, together)
    ]

    assert spreads[0].p_value < 0.01
    # Two of four patients differ: each of 4 assignments is equally likely, half of them show this much.
    assert spreads[1].p_value == pytest.approx(0.5, abs=0.05)
    assert spreads[1].control.estimate > 3 * spreads[0].control.estimate


def test_at_most_so_many_cases_are_asked_and_the_same_ones_in_any_order(kit: Any, probe: Any) -> None:
    cases = asks(kit, 100)

    first = run(kit, probe, cases, lambda seen: "yes", cases=20, shifts=("typos",), severities=(3,))
    other = run(kit, probe, cases[::-1], lambda seen: "yes", cases=20, shifts=("typos",), severities=(3,))

    asked = [{request.images[0].digest for request in found.script.requests} for found in (first, other)]
    assert len(asked[0]) == 20
    assert asked[0] == asked[1]
    # Plain, again alone, again in a batch, and one wording.
    assert len(first.script.requests) == 80
    assert first.script.calls == 1


def test_a_shift_that_fits_no_case_says_so(kit: Any, probe: Any) -> None:
    cases = kit.cases(kit.half(20), question=["How would you describe this?"] * 20)

    found = run(kit, probe, cases, lambda seen: "yes", shifts=("paraphrase",), severities=(3,))

    absent = found.one("flip_excess", shift="paraphrase", severity=3)
    assert absent.estimate is None
    assert "applies to none" in absent.reason


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"shifts": ("typoss",)}, "Did you mean 'typos'"),
        ({"shifts": ("dim",)}, "changes no words; legal: code_mix_hi"),
        ({"severities": (6,)}, "from 1 to 5"),
        ({"severities": ()}, "severities is empty"),
        ({"cases": 0}, "cases = 0; give a whole number from 1"),
        ({"noise_cases": 0}, "noise_cases = 0"),
    ],
)
def test_a_wrong_parameter_is_refused_before_anything_is_asked(
    kit: Any, probe: Any, parameters: dict[str, Any], message: str
) -> None:
    dim = registry.Shift("dim", "1", "test", "none", lambda pixels, severity, rng: pixels)

    def put(ctx: Any) -> Any:
        return probe.run(ctx, **parameters)

    with pytest.raises(UsageError, match=message):
        kit.run(put, asks(kit), lambda seen: 1 / 0, shifts=SHIFTS | {"dim": dim})


def test_the_contract_of_probes_is_kept(probe: Any) -> None:
    check_probe(probe, shifts=SHIFTS)
    check_probe(
        probe, shifts=SHIFTS, parameters={"shifts": ("option_*", "prompt_length"), "severities": (2,)}
    )
