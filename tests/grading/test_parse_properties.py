"""What must hold for any text and any options, and how long it may take."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medaudit.grading import AnswerClass, parse_choice
from medaudit.grading.letters import letters_for
from medaudit.grading.text import normalise, words

LETTERED = ("A small nodule in the left lobe", "A large mass in the right lobe")
OPTION = st.text(st.characters(categories=("L", "Nd"), include_characters=" -'%<>"), min_size=1, max_size=30)
CUES = (
    "yes|no|left|right|A|B|(A)|not|or|and|the answer is|Answer:|because|<think>|</think>|<answer>"
    '|{"answer":|\\boxed{|\n|.|,|?|I cannot determine|-|wait'
)
CHATTER = st.lists(st.sampled_from(CUES.split("|")), max_size=25).map(" ".join)
REPEATED = (
    'left |no left right |answer is left |(A),|<think>|</think>|<answer>|"answer":"|a|((| |A\n|1,'
    "|you are right |\u0301\u0327|\u5de6|\ufdfa|n't |answer, "
)


def distinct(options: list[str]) -> bool:
    return len({normalise(o) for o in options}) == len(options) and all(words(o) for o in options)


@settings(deadline=None, max_examples=50)
@given(st.text() | CHATTER, st.lists(st.text(), max_size=5))
def test_any_text_is_parsed_without_raising(text: str, options: Sequence[str]) -> None:
    parsed = parse_choice(text, options)

    assert (parsed.choice is not None) == (parsed.kind is AnswerClass.CHOICE)
    assert parsed.choice is None or parsed.choice in options


@settings(deadline=None, max_examples=50)
@given(CHATTER, st.sampled_from([("yes", "no"), ("left", "right"), ("A", "B"), LETTERED]))
def test_chatter_full_of_cues_is_parsed_without_raising(text: str, options: Sequence[str]) -> None:
    parsed = parse_choice(text, options)

    assert parsed.choice is None or parsed.choice in options


@settings(deadline=None, max_examples=50)
@given(st.lists(OPTION, min_size=2, max_size=5).filter(distinct), st.data())
def test_an_option_is_parsed_as_itself_in_any_dress(options: Sequence[str], data: st.DataObject) -> None:
    option = data.draw(st.sampled_from(options))
    dress = data.draw(
        st.sampled_from(["{}", " {}\n", "{}.", "**{}**", "({})", '"{}"!', "\u200b{}\ufeff", "{}</s>"])
    )

    assert parse_choice(option, options).choice == option
    assert parse_choice(dress.format(option), options).choice == option


@settings(deadline=None, max_examples=50)
@given(CHATTER, st.sampled_from([("yes", "no"), ("left", "right"), LETTERED]))
def test_order_of_word_options_changes_nothing(text: str, options: Sequence[str]) -> None:
    if letters_for(options):
        return

    assert parse_choice(text, options) == parse_choice(text, options[::-1])


def test_options_that_only_spelling_tells_apart_are_told_apart_by_spelling() -> None:
    assert parse_choice("T2*", ("T2", "T2*")).choice == "T2*"
    assert parse_choice("the scan is T2", ("T2", "T2*")).kind is AnswerClass.INVALID


def test_letters_are_read_only_where_they_were_offered() -> None:
    assert parse_choice("B", LETTERED).choice == LETTERED[1]
    assert parse_choice("B", ("left", "right")).kind is AnswerClass.INVALID


@pytest.mark.parametrize("unit", REPEATED.split("|"))
@pytest.mark.parametrize("options", [("yes", "no"), ("left", "right"), LETTERED])
def test_a_hundred_thousand_characters_take_well_under_a_second(unit: str, options: Sequence[str]) -> None:
    text = (unit * (100_000 // len(unit) + 1))[:100_000]

    started = time.process_time()
    parse_choice(text, options)

    assert time.process_time() - started < 1.0


def test_both_ends_of_a_long_answer_are_read() -> None:
    filler = "word " * 30_000

    assert parse_choice(f"{filler} The answer is left.", ("left", "right")).choice == "left"
    assert parse_choice(f"Left. {filler}", ("left", "right")).choice == "left"
    assert parse_choice(f"Answer: left. {filler} Answer: right.", ("left", "right")).choice is None
