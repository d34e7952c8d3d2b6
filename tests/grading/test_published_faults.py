"""Negative control: faulty parsers of the kinds that were published get the corpus strings wrong.

Each is restated from its description in a few lines; none is anybody's code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from medaudit.grading import AnswerClass, parse_choice

CORPUS = [
    json.loads(line) for line in Path(__file__).with_name("corpus.jsonl").read_text("utf-8").splitlines()
]
YES_NO = ("yes", "no")
ABCD = ("A", "B", "C", "D")


def blank_split_letter(text: str) -> str | None:
    """Stand-alone "A" after splitting on blanks; several letters or none are invalid."""
    found = [word for word in text.split(" ") if word.strip(".:") in ABCD]
    return found[0].strip(".:") if len(found) == 1 else None


def first_character_letter(text: str) -> str | None:
    """The first character, upper-cased, if it is among A to D."""
    return text[:1].upper() if text[:1].upper() in ABCD else None


def uppercase_letter_search(text: str) -> str | None:
    """The first stand-alone A to D after upper-casing the whole text."""
    match = re.search(r"\b([A-D])\b", text.upper())
    return match[1] if match else None


def substring_gold(text: str) -> str | None:
    """ "no" anywhere is no; "yes" anywhere is yes."""
    return "no" if "no" in text.lower() else "yes" if "yes" in text.lower() else None


def yes_unless_no(text: str) -> str | None:
    """Everything without "no" or "not" as a word of its first sentence is yes."""
    first = text.split(".")[0].lower().split()
    return "no" if {"no", "not"} & set(first) else "yes"


@pytest.mark.parametrize(
    ("faulty", "text", "options", "says", "right"),
    [
        (blank_split_letter, "A chest CT shows option two", ABCD, "A", None),
        (blank_split_letter, "(A)", ABCD, None, "A"),
        (blank_split_letter, "A) it", ABCD, None, "A"),
        (first_character_letter, "Based on the image, the answer is C.", ABCD, "B", "C"),
        (first_character_letter, "Answer: C", ABCD, "A", "C"),
        (first_character_letter, "Cannot tell", ABCD, "C", None),
        (uppercase_letter_search, "A definitive answer cannot be given", ABCD, "A", None),
        (uppercase_letter_search, "Hepatitis C. The answer is B", ABCD, "C", "B"),
        (substring_gold, "abnormal", YES_NO, "no", None),
        (substring_gold, "yes, it is normal", YES_NO, "no", "yes"),
        (substring_gold, "You are right, it is abnormal", YES_NO, "no", None),
        (substring_gold, "A nodule is seen.", YES_NO, "no", None),
        (yes_unless_no, "", YES_NO, "yes", None),
        (yes_unless_no, "asdf qwer", YES_NO, "yes", None),
        (yes_unless_no, "not sure", YES_NO, "no", None),
        (yes_unless_no, "Yes, you are right, the answer is no", YES_NO, "no", "no"),
    ],
)
def test_published_faults_are_reproduced_and_avoided(
    faulty: Callable[[str], str | None],
    text: str,
    options: tuple[str, ...],
    says: str | None,
    right: str | None,
) -> None:
    assert faulty(text) == says
    assert parse_choice(text, options).choice == right


@pytest.mark.parametrize(
    ("faulty", "options"),
    [
        (blank_split_letter, ABCD),
        (first_character_letter, ABCD),
        (uppercase_letter_search, ABCD),
        (substring_gold, YES_NO),
        (yes_unless_no, YES_NO),
    ],
)
def test_corpus_fails_every_faulty_parser(
    faulty: Callable[[str], str | None], options: tuple[str, ...]
) -> None:
    rows = [row for row in CORPUS if tuple(row["options"]) == options]

    wrong = [row["text"] for row in rows if faulty(row["text"]) != row["gold"]]

    assert rows
    assert wrong


@pytest.mark.parametrize("word", ["measure", "pressure", "nuclear", "unremarkable", "public", "protected"])
def test_words_that_hold_a_cue_are_no_cue(word: str) -> None:
    assert parse_choice(f"The {word} is noted.", YES_NO).kind is AnswerClass.INVALID
