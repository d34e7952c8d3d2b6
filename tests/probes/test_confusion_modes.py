"""``confusion``: each way to get an option out of a model is a number of its own."""

from __future__ import annotations

import json
from typing import Any

from medaudit.finding import Verdict
from medaudit.model import Answer

SIDES = ("left", "right")


def test_modes_are_never_mixed(kit: Any, asked: Any) -> None:
    cases = kit.pairs(30)
    know = kit.knowing(cases)

    def say(seen: Any) -> Any:
        if seen.request.task == "generate":
            return "left"
        # The likeliest sum is right, the likeliest mean per token always the second word offered.
        right = know(seen)
        sums = [-2.0 if option == right else -3.0 for option in seen.request.options]
        lengths = tuple(40 if option == "right" else 1 for option in seen.request.options)
        return Answer(scores=tuple(sums), lengths=lengths)

    run = kit.run(asked, cases, say)

    assert kit.estimates(run, "text")[:2] == (0, 1)
    assert kit.estimates(run, "choose")[:2] == (1, 0)
    assert kit.estimates(run, "prefix")[:2] == (0, 1)
    assert not [f for f in run.findings if "mode" not in f.slice]


def test_prefix_is_the_mean_per_token_and_ties_go_where_the_switch_says(kit: Any, asked: Any) -> None:
    cases = kit.pairs(20)

    def tied(seen: Any) -> Answer:
        return (
            Answer(text="left")
            if seen.request.task == "generate"
            else Answer(scores=(-6.0, -2.0), lengths=(3, 1))
        )

    default = kit.run(asked, cases, tied, modes=("prefix",))
    last = kit.run(asked, cases, tied, modes=("prefix",), ties="last")

    assert kit.estimates(default, "prefix") == (0, None, 0, 1)
    assert kit.estimates(last, "prefix") == (0, 1, 0.5, 0)
    assert last.one("position_bias", mode="prefix").estimate == 1


def test_without_numbers_of_tokens_there_is_no_mean_per_token(kit: Any, asked: Any) -> None:
    run = kit.run(asked, kit.pairs(20), lambda seen: "left", capabilities=("choose",), mode="choose")

    found = run.one("set_accuracy", mode="prefix")
    assert found.verdict is Verdict.NOT_APPLICABLE
    assert "tokens" in found.reason
    assert run.one("confusion", mode="choose").estimate == 1
    assert "needs generate" in run.one("confusion", mode="text").reason
    assert "writes no text" in run.one("confusion", mode="free").reason


def test_letters_on_demand_as_published(kit: Any, asked: Any) -> None:
    cases = kit.pairs(20)
    know = kit.knowing(cases)

    def by_letter(seen: Any) -> str:
        lines = seen.request.prompt.split("\n")
        assert lines[1].startswith("A. ")
        assert lines[2].startswith("B. ")
        right = next((line for line in lines[1:3] if line[3:] == know(seen)), "none")
        return right[0]

    run = kit.run(asked, cases, by_letter, letters="always", modes=("text", "choose"))

    assert kit.estimates(run, "text") == kit.estimates(run, "choose") == (1, 0, 1, 0)
    offered_letters = {r.options for r in run.script.requests if r.task == "choose"}
    assert offered_letters == {("A", "B")}


def closeness(prompt: str) -> str:
    """A judge that finds an option close where the answer holds its word."""
    given = json.loads(prompt.splitlines()[-1])
    return f"score: {5 if given['reference'] in given['prediction'] else 1}"


def test_free_answers_are_judged_against_each_option(kit: Any, asked: Any) -> None:
    cases = kit.pairs(30, attribute=["side"] * 30)
    know = kit.knowing(cases)

    def say(seen: Any) -> str:
        assert "left" not in seen.request.prompt
        return f"It is on the {know(seen)} side, I think."

    run = kit.run(asked, cases, say, modes=("free",), judge=closeness)

    assert kit.estimates(run, "free") == (1, 0, 1, 0)
    found = run.one("set_accuracy", mode="free")
    assert found.data["judge"]
    assert not found.data["audit"]["collapsed"]
    assert run.one("blind_set_accuracy", mode="free", image="blank").estimate == 0
    # Without options there is no order of options, and a judge's closeness is no likelihood.
    assert not [f for f in run.findings if f.metric in ("position_bias", "margin")]


def test_a_free_answer_close_to_no_option_or_to_both_is_invalid(kit: Any, asked: Any) -> None:
    cases = kit.pairs(20)

    def say(seen: Any) -> str:
        return "left or right" if seen.picture in {"c0", "c1"} else "somewhere"

    run = kit.run(asked, cases, say, modes=("free",), judge=closeness)

    assert kit.estimates(run, "free") == (0, None, 0, 1)


def test_a_judge_that_likes_everything_gives_no_number(kit: Any, asked: Any) -> None:
    cases = kit.pairs(30)

    run = kit.run(asked, cases, kit.knowing(cases), modes=("free",), judge=lambda prompt: "score: 5")

    found = run.one("set_accuracy", mode="free")
    assert (found.estimate, found.verdict) == (None, Verdict.INCONCLUSIVE)
    assert "near misses" in found.reason


def test_free_answers_need_a_judge(kit: Any, asked: Any) -> None:
    run = kit.run(asked, kit.pairs(12), lambda seen: "left")

    assert "no judge is named" in run.one("set_accuracy", mode="free").reason
    assert run.one("set_accuracy", mode="free").verdict is Verdict.NOT_APPLICABLE
