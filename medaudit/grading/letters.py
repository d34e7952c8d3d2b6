"""Where a text names the options by letter: only in places where a letter can be nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from string import ascii_uppercase

from medaudit.grading.mention import Mention
from medaudit.prompting import lettered

_LETTER = r"([A-Za-z])(?![\w'])"
_OPENING = re.compile(
    rf"^[^\w\n(\[]*(?:(?:not|either|both)\s+)?[(\[\"']*{_LETTER}",
    re.IGNORECASE | re.MULTILINE,
)
_BRACKETED = re.compile(r"[(\[]\s?([A-Z])\s?[)\]]")
_NAMED = re.compile(
    rf"\b(option|choice|letter|answer|ans|it's|it\s+is)(?:\s+|\s*[:(\[\"']\s*)[(\[\"']*{_LETTER}",
    re.IGNORECASE,
)
_DECLARED = re.compile(r"[.!?\n]\s*([A-Z])\s+is\s+(?:the\s+)?(?:correct|right|best|answer)\b")
_NEXT = re.compile(
    r"[)\]\"']*(?:\s*(?:[,/&]|\b(?:and|or|but|nor|not)\b))+\s*(?:option\s+)?[(\[\"']*([A-Z])(?![\w'])",
    re.IGNORECASE,
)
# What may follow a letter that stands for an option; after an article or a pronoun comes a word.
_CLOSED = re.compile(r"[ \t]*(?:\Z|[)\].:\"'}\n])")
_FOLLOWED = re.compile(
    r"[ \t]*(?:\Z|[)\].:;,!?/&\"'}\n])|\s+-|\s+(?:because|since|as|due|based|given|and|or|but|not"
    r"|is\s+(?:the\s+)?(?:correct|right|best|answer|wrong|incorrect|not))\b",
    re.IGNORECASE,
)


def letters_for(options: Sequence[str]) -> Mapping[str, str]:
    """Capital letter -> option: by position where options are offered by letter, by name for "A", "B"."""
    if lettered(tuple(options)):
        return dict(zip(ascii_uppercase, options, strict=False))
    named = {option.strip().upper(): option for option in options}
    return {
        letter: option for letter, option in named.items() if len(letter) == 1 and letter in ascii_uppercase
    }


def letter_mentions(text: str, letters: Mapping[str, str]) -> list[Mention]:
    """Every letter that can only be an answer; one that is not on offer gives a mention of None."""
    if not letters:
        return []
    found: set[int] = set()
    for start in sorted(set(_starts(text))):
        if start not in found and _counts(text, start, letters):
            found.update((start, *_joined(text, start, letters)))
    return [
        Mention(start, start + 1, letters.get(text[start].upper()), letter=True) for start in sorted(found)
    ]


def _starts(text: str) -> Iterator[int]:
    for pattern in (_OPENING, _BRACKETED, _DECLARED):
        yield from (match.start(1) for match in pattern.finditer(text))
    yield from (match.start(2) for match in _NAMED.finditer(text))


def _joined(text: str, start: int, letters: Mapping[str, str]) -> Iterator[int]:
    """The letters strung to the one at ``start``: "A or B", "not A but B"."""
    following = _NEXT.match(text, start + 1)
    while following:
        letter = following[1]
        if (letter.isupper() and letter not in "AI") or _counts(text, following.start(1), letters):
            yield following.start(1)
        following = _NEXT.match(text, following.end(1))


def _counts(text: str, start: int, letters: Mapping[str, str]) -> bool:
    letter = text[start]
    if letter.upper() == "I" and "I" not in letters:
        return False
    named = re.search(r"\b(?:option|choice|letter)\W{1,3}\Z", text[max(0, start - 12) : start], re.IGNORECASE)
    if letter.isupper() and named:
        return True
    strict = letter.islower() or letter == "I"
    return (_CLOSED if strict else _FOLLOWED).match(text, start + 1) is not None
