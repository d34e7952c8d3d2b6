"""Two languages in one question, as bilingual clinicians speak."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

from medaudit.registry import shift
from medaudit.shifting import ShiftedCase
from medaudit.shifts.lexicon import answers, findings, organs
from medaudit.shifts.text_frames import bare
from medaudit.shifts.text_sentences import sentence, spoken

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from medaudit.case import Case

#: Aimed at, by severity: the share of Hindi words in percent.
SHARES = (10, 20, 30, 40, 50)
#: A question whose nearest mixture is further off, in percent of its words, is left out.
TOLERANCE = 20
#: What may follow a noun that is said in Hindi: "mass effect" is another thing than a mass.
_AFTER = (
    r"(?=\s*[?.,]|\s*\Z|\s(?:in|of|on|near|within|at|present|seen|located|visible|visualized|shown|found|and|or|is"
    r"|are|has|normal|abnormal|enlarged|left|right|small|large)\b)"
)
_DEVANAGARI = r"[\u0900-\u0963\u0966-\u097f]+"
_LATIN = r"[A-Za-z]+(?:['-][A-Za-z]+)*"
_HELPERS = {"image": "छवि", "picture": "छवि", "patient": "रोगी", "side": "ओर", "finding": "निष्कर्ष"}


@shift(
    "code_mix_hi",
    family="text",
    reference="Code-mixing index of Das and Gamback 2014, ICON; Hindi-English clinical text of MedSumm 2024, "
    "arXiv:2401.01596",
    stage="case",
    default=False,
)
def code_mix_hi(case: Case, severity: int, rng: np.random.Generator) -> ShiftedCase | None:
    """A question that mixes Hindi and English, as clinicians in India speak; the options stay English.

    ===========================  ====  ====  ====  ====  ====
    severity                        1     2     3     4     5
    share of Hindi words aimed at  10 %  20 %  30 %  40 %  50 %
    ===========================  ====  ====  ====  ====  ====

    Candidates are the English question with some terms of the lexicon in Hindi, and the Hindi question with
    some or all of its terms in English. The one whose share is nearest wins, a tie is drawn. A question
    that has no candidate within 20 points is left out; a short one may come out the same at two severities.
    :func:`code_mixing_index` measures what came out; up to half of the words it is the share itself.
    """
    best: list[str] = []
    least = float("inf")
    for text in mixtures(case.question):
        away = abs(hindi_share(text) - SHARES[severity - 1])
        if away < least - 1e-9:
            best, least = [text], away
        elif away < least + 1e-9:
            best.append(text)
    if least > TOLERANCE:
        return None
    return ShiftedCase(replace(case, question=best[int(rng.integers(len(best)))]))


def code_mixing_index(text: str) -> float:
    """CMI = 100 (1 - most words of one language / words), 0 to 50 for two languages; 0 without words.

    Words are runs of letters of one script, Devanagari or Latin; numbers and marks belong to no language.
    """
    hindi, english = _counts(text)
    words = hindi + english
    return 100.0 * (1 - max(hindi, english) / words) if words else 0.0


def hindi_share(text: str) -> float:
    """Hindi words in percent of all words; 0 without words."""
    hindi, english = _counts(text)
    return 100.0 * hindi / (hindi + english) if hindi + english else 0.0


def mixtures(question: str) -> list[str]:
    """Every mixture that can be made of a question, each with words of both languages, without repetition."""
    found = dict.fromkeys([*_english_frame(question), *_hindi_frame(question)])
    return [text for text in found if all(_counts(text))]


def _counts(text: str) -> tuple[int, int]:
    return len(re.findall(_DEVANAGARI, text)), len(re.findall(_LATIN, text))


def _english_frame(question: str) -> Iterator[str]:
    """Terms of the lexicon in Hindi within the English sentence. The longest of two that overlap is taken."""
    names = _hindi_names()
    pattern = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    text = bare(question)
    spots = list(re.finditer(rf"\b(?:{pattern})\b{_AFTER}", text, re.IGNORECASE))[:6]
    for size in range(1, len(spots) + 1):
        for chosen in combinations(spots, size):
            yield _replaced(text, chosen, names) + "?"


def _replaced(text: str, spots: tuple[re.Match[str], ...], names: dict[str, str]) -> str:
    for spot in reversed(spots):
        text = text[: spot.start()] + names[spot[0].casefold()] + text[spot.end() :]
    return text


def _hindi_names() -> dict[str, str]:
    """What stands for an English noun; adjectives are left, their Hindi form hangs on the noun's gender."""
    plain = ("normal", "abnormal")
    return (
        _HELPERS
        | {name: entry.hi for name, entry in findings().items()}
        | {name: entry.hi_oblique for name, entry in organs().items()}
        | {name: answers()[name].hi for name in plain}
    )


def _hindi_frame(question: str) -> Iterator[str]:
    pieces = sentence(question, "hi")
    if pieces is None:
        return
    own = [at for at, piece in enumerate(pieces) if piece.english]
    for size in range(1, len(own) + 1):
        for chosen in combinations(own, size):
            yield spoken(pieces, "hi", frozenset(chosen))
