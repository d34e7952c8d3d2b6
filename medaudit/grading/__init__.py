"""Grading: from what a model said to what it chose."""

from medaudit.grading.grade import grade
from medaudit.grading.join import join
from medaudit.grading.judge import Judge
from medaudit.grading.judge_audit import audit_judge
from medaudit.grading.open import open_scores
from medaudit.grading.outcome import AnswerClass, Grade, Outcome, Parsed
from medaudit.grading.parse import parse_choice
from medaudit.grading.text import normalise

__all__ = [
    "AnswerClass",
    "Grade",
    "Judge",
    "Outcome",
    "Parsed",
    "audit_judge",
    "grade",
    "join",
    "normalise",
    "open_scores",
    "parse_choice",
]
