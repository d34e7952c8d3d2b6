"""Text as the graders see it: cleaned of what no reader sees, cut into whole words, normalised."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

#: Of a longer answer only this many characters from either end are read: that is where answers stand.
HEAD = TAIL = 2000

_STRAIGHT = str.maketrans(
    dict.fromkeys("\u2018\u2019\u201a\u201b\u02bc\u2032", "'")
    | dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"')
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-")
)
_MACHINE = re.compile(r"<\|[^|<>\s]{1,40}\|>|</?s>|<(?:pad|bos|eos|unk|end_of_turn|start_of_turn)>")
_MARKDOWN = re.compile(r"[*`]+|__+")

# Scripts without blanks between words: every character is a word. Marks belong to the word they modify.
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_MARKS = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963\u0980-\u0dff\u0e31-\u0e4e"
_CHAR = rf"(?:[^\W_{_CJK}]|[{_MARKS}])"
_TOKEN = re.compile(
    rf"(?:(?<!\w)-(?=\d))?{_CHAR}+(?:(?<=\d)(?:\.(?=\d)|,(?=\d{{3}})){_CHAR}+|'{_CHAR}+)*"
    rf"|[{_CJK}]|[<>\u2264\u2265=%+\u00b1]"
)

_ARTICLES = frozenset({"a", "an", "the"})
# fmt: off
_NUMBER_WORDS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)
# fmt: on
_NUMBERS = {word: str(value) for value, word in enumerate(_NUMBER_WORDS)}
_CONTRACTIONS = {"can't": ["cannot"], "won't": ["will", "not"], "shan't": ["shall", "not"]}


@dataclass(frozen=True, slots=True)
class Token:
    """One case-folded word, number or comparison sign, and where it stands in the text."""

    word: str
    start: int
    end: int


def clean(text: str) -> str:
    """NFKC, straight quotes and hyphens; no invisible characters, special tokens or emphasis marks."""
    text = _ends_of(text)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_STRAIGHT)).translate(_STRAIGHT)
        text = _ends_of("".join(char for char in text if unicodedata.category(char) != "Cf"))
    return _MARKDOWN.sub("", _MACHINE.sub(" ", text)).strip()


def _ends_of(text: str) -> str:
    return text if len(text) <= HEAD + TAIL else f"{text[:HEAD]}\n{text[-TAIL:]}"


def tokens(text: str) -> list[Token]:
    """Whole words of a cleaned text; ``3.5`` is one word, ``left-sided`` two, ``isn't`` one."""
    return [Token(m[0].casefold(), m.start(), m.end()) for m in _TOKEN.finditer(text)]


def words(text: str) -> tuple[str, ...]:
    """The case-folded whole words of any text, without their positions."""
    return tuple(token.word for token in tokens(clean(text)))


def _expanded(word: str) -> list[str]:
    if word in _CONTRACTIONS:
        return _CONTRACTIONS[word]
    return [word[:-3], "not"] if word.endswith("n't") and len(word) > 3 else [word]


def normalise(text: str) -> str:
    """The words of a text, joined by blanks, for comparing open answers.

    Case, punctuation and articles go; number words up to twenty become digits; ``n't`` becomes ``not``.
    An article is dropped only before another word, and a capital ``A`` only in first place: "hepatitis A"
    is not "hepatitis".
    """
    text = clean(text)
    found = tokens(text)
    kept: list[str] = []
    for place, token in enumerate(found):
        spelt = text[token.start : token.end]
        article = token.word in _ARTICLES and (place == 0 or not spelt.isupper())
        if not (article and place + 1 < len(found)):
            kept += _expanded(_NUMBERS.get(token.word, token.word))
    return " ".join(kept)
