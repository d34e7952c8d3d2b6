"""The classes that an answer can fall into, and what grading one answer gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class AnswerClass(StrEnum):
    """What an answer to a closed question is, before anybody looks at the right answer."""

    CHOICE = "choice"
    REFUSAL = "refusal"
    HEDGE = "hedge"
    INVALID = "invalid"
    EMPTY = "empty"


class Outcome(StrEnum):
    """What became of one case. Only ``error`` has no score: the model could not be asked."""

    CORRECT = "correct"
    WRONG = "wrong"
    REFUSAL = "refusal"
    HEDGE = "hedge"
    INVALID = "invalid"
    EMPTY = "empty"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Parsed:
    """``choice`` is one of the options, spelt as offered, when ``kind`` is ``choice``; else None."""

    kind: AnswerClass
    choice: str | None = None


@dataclass(frozen=True)
class Grade:
    """One judged answer.

    ``score`` is 1.0 or 0.0 (refusal, hedge, invalid and empty are 0.0), and None for ``error`` alone.
    ``scores`` holds ``exact``, ``f1``, ``bleu`` and ``rougeL`` (0..1) of an open answer, and is empty for a
    closed one.
    """

    outcome: Outcome
    choice: str | None
    score: float | None
    scores: Mapping[str, float] = field(default_factory=dict)
