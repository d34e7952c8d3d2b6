"""Slips of the keyboard."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from medaudit.registry import shift
from medaudit.shifting import ShiftedCase

if TYPE_CHECKING:
    import numpy as np

    from medaudit.case import Case

#: Slips by severity, as a share of the letters of the question; at least one.
RATES = (0.02, 0.04, 0.07, 0.10, 0.15)
SHORTEST = 4
NEGATIONS = frozenset(
    ("no", "not", "non", "none", "nor", "never", "neither", "without", "cannot", "absent", "absence", "free")
)
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_WORD = re.compile(r"[A-Za-z]+")
_TRIES = 40


def _neighbours() -> dict[str, str]:
    """Keys beside each key of a QWERTY keyboard; each row begins half a key to the right of the one above."""
    near: dict[str, str] = {}
    for row, keys in enumerate(_ROWS):
        for at, key in enumerate(keys):
            beside = [keys[i] for i in (at - 1, at + 1) if 0 <= i < len(keys)]
            for other, columns in ((row - 1, (at, at + 1)), (row + 1, (at - 1, at))):
                if 0 <= other < len(_ROWS):
                    beside += [_ROWS[other][i] for i in columns if 0 <= i < len(_ROWS[other])]
            near[key] = "".join(beside)
    return near


NEIGHBOURS = _neighbours()


@shift(
    "typos",
    family="text",
    reference="Belinkov and Bisk 2018, ICLR, arXiv:1711.02173 (keyboard and swap noise)",
    stage="case",
    default=False,
)
def typos(case: Case, severity: int, rng: np.random.Generator) -> ShiftedCase | None:
    """A question typed in a hurry: neighbouring keys, dropped, doubled and exchanged letters.

    ========  ====  ====  ====  ====  ====
    severity     1     2     3     4     5
    slips       2 %   4 %   7 %  10 %  15 %  of the question's letters, at least one
    ========  ====  ====  ====  ====  ====

    Words of four letters and more slip, the longer the likelier; the first letter stays. Words of the options
    and negations never slip, no slip makes an option's word or a negation, options stay as they are. A
    question in which nothing may slip is left out.

    Declared moments: the number of slips, each one edit (an exchange counts as one), is the rounded share of
    letters, fewer only where the words give no room.
    """
    kept = {word.casefold() for option in case.options for word in _WORD.findall(option)} | NEGATIONS
    words = list(_WORD.finditer(case.question))
    open_to = [i for i, m in enumerate(words) if len(m[0]) >= SHORTEST and m[0].casefold() not in kept]
    if not open_to:
        return None
    spelt = [match[0] for match in words]
    slips = slips_of(case.question, severity)
    weights = [len(spelt[i]) for i in open_to]
    for at in rng.choice(open_to, size=slips, p=[w / sum(weights) for w in weights]):
        spelt[at] = _slip(spelt[at], words[at][0], kept, rng)
    question = _rebuilt(case.question, words, spelt)
    return None if question == case.question else ShiftedCase(replace(case, question=question))


def slips_of(question: str, severity: int) -> int:
    """How many slips a question suffers."""
    return max(1, round(RATES[severity - 1] * sum(len(word) for word in _WORD.findall(question))))


def _slip(word: str, original: str, kept: Collection[str], rng: np.random.Generator) -> str:
    """The word with one more slip; as it was where no try gives a word that may be."""
    for _ in range(_TRIES):
        way, at = int(rng.integers(4)), int(rng.integers(1, len(word)))
        new = _edited(word, way, at, rng)
        if new not in (word, original) and len(new) >= SHORTEST - 1 and new.casefold() not in kept:
            return new
    return word


def _edited(word: str, way: int, at: int, rng: np.random.Generator) -> str:
    letter = word[at]
    if way == 0:
        near = NEIGHBOURS[letter.lower()]
        key = near[int(rng.integers(len(near)))]
        return word[:at] + (key.upper() if letter.isupper() else key) + word[at + 1 :]
    if way == 1:
        return word[:at] + word[at + 1 :]
    if way == 2:
        return word[:at] + letter + word[at:]
    return word[:at] + word[at + 1 : at + 2] + letter + word[at + 2 :]


def _rebuilt(text: str, words: list[re.Match[str]], spelt: list[str]) -> str:
    pieces, end = [], 0
    for match, word in zip(words, spelt, strict=True):
        pieces += [text[end : match.start()], word]
        end = match.end()
    return "".join([*pieces, text[end:]])
