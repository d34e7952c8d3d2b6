# ruff: noqa: RUF001 - Chinese has marks of its own.
"""The question in the language of another hospital."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from medaudit.registry import shift
from medaudit.shifting import ShiftedCase
from medaudit.shifts.lexicon import terms
from medaudit.shifts.text_sentences import sentence, spoken

if TYPE_CHECKING:
    import numpy as np

    from medaudit.case import Case

REFERENCE = "The same item in two languages, after UMIT 2025, arXiv:2503.15892; lexicon of this project"
_INSTRUCTIONS = {"zh": "请只回答以下选项之一：{options}。", "hi": "केवल इन विकल्पों में से एक में उत्तर दें: {options}।"}
_BETWEEN = {"zh": "、", "hi": ", "}


@shift("translate_zh", family="text", reference=REFERENCE, stage="case", default=False)
def translate_zh(case: Case, severity: int, rng: np.random.Generator) -> ShiftedCase | None:
    """The question in Chinese, as a hospital in China would ask it.

    ========  ==============================================
    severity  what is in Chinese
    1         the question, with the English one behind it
    2         the question, its medical terms in English
    3         the question
    4         the question and the options
    5         the question, the options and an instruction
    ========  ==============================================

    Template questions whose every word is in the lexicon; others, and open questions, are left out. From
    severity 4 the options are Chinese words, ``meaning`` maps them back, and an English reply is no
    option. The prompt's own last line stays English. Nothing is drawn at random.
    """
    return _translated(case, severity, "zh")


@shift("translate_hi", family="text", reference=REFERENCE, stage="case", default=False)
def translate_hi(case: Case, severity: int, rng: np.random.Generator) -> ShiftedCase | None:
    """The question in Hindi, as a hospital in India would ask it.

    The severities are those of ``translate_zh``, and so are the questions that are left out. Nothing is drawn
    at random.
    """
    return _translated(case, severity, "hi")


def _translated(case: Case, severity: int, language: str) -> ShiftedCase | None:
    pieces = sentence(case.question, language) if case.closed else None
    meaning = terms(case.options, language)
    if pieces is None or meaning is None:
        return None
    technical = frozenset(at for at, piece in enumerate(pieces) if piece.english)
    question = spoken(pieces, language, technical if severity == 2 else frozenset())
    if severity == 1:
        question = f"{question} ({case.question})"
    if severity <= 3:
        return ShiftedCase(replace(case, question=question))
    if severity == 5:
        question += "\n" + _INSTRUCTIONS[language].format(options=_BETWEEN[language].join(meaning))
    own = case.answer.strip().casefold()
    right = next(foreign for foreign, option in meaning.items() if option.strip().casefold() == own)
    return ShiftedCase(replace(case, question=question, options=tuple(meaning), answer=right), meaning)
