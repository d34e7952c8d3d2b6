"""Questions made from columns must not answer themselves."""

from __future__ import annotations

from typing import Any

import pytest

from medaudit.errors import UsageError
from medaudit.mining import Rules, Template, mine
from medaudit.mining.templates import problems, template_for


@pytest.mark.parametrize(
    ("question", "options", "said"),
    [
        ("Which side is shown?", ("left", "right"), None),
        ("Is the nodule small or large?", ("small", "large"), None),
        ("Is there a tube?", ("yes", "no"), None),
        ("Is it on the left side?", ("left", "right"), "one of its options"),
        ("Is a leftover seen?", ("left", "right"), None),
        ("Which?", ("left",), "two or more different options"),
        ("Which?", ("left", " LEFT"), "two or more different options"),
        ("Which?", ("left", "in the posterior part of the right upper lobe"), "much longer"),
        ("Which?", ("Left", "right"), "differ in style"),
        ("Which?", ("2 cm", "small"), "differ in style"),
        ("What does the first image show?", ("ct", "mr"), "points at one"),
        ("Is scan 2 abnormal?", ("yes", "no"), "points at one"),
        ("Is a.png abnormal?", ("yes", "no"), "points at one"),
    ],
)
def test_what_gives_the_answer_away_is_named(
    question: str, options: tuple[str, ...], said: str | None
) -> None:
    found = problems(question, options, ["a.png"])

    assert any(said in each for each in found) if said else found == []


@pytest.mark.parametrize(
    ("column", "values", "question"),
    [
        ("laterality", ("left", "right"), "On which side is the finding?"),
        ("size", ("small", "large"), "What size is the finding?"),
        ("device_type", ("tube", "lead"), "Which device type is shown?"),
        ("effusion", ("no", "yes"), "Is there an effusion?"),
    ],
)
def test_plain_questions(column: str, values: tuple[str, ...], question: str) -> None:
    assert template_for(column, values).question == question


def test_a_question_that_will_not_do_asks_for_another() -> None:
    with pytest.raises(UsageError, match="Give a Template for this column"):
        template_for("side", ("left", "somewhere in the right lower zone"))


def test_a_given_template_words_question_and_options(pool: Any) -> None:
    given = Template("Where does the shape lie?", {"Left": "west", "RIGHT": "east"})
    rules = Rules(audited=("side", "size", "form"), quantile=0.99, templates={"side": given})

    found = mine(pool.cases, pool.folded, pool.plain, rules=rules, hashes=pool.hashes)

    for pair in (*found.pairs, *found.controls):
        assert pair.first.question == "Where does the shape lie?"
        assert pair.first.options == ("west", "east")
        assert {pair.first.answer, pair.second.answer} == {"west", "east"}
        assert pair.first.answer == {"left": "west", "right": "east"}[str(pair.first.meta["side"])]
