"""Judging one answer: a pure function of the case and the answer."""

from __future__ import annotations

import math

from medaudit.case import Case
from medaudit.errors import ModelError
from medaudit.grading.open import judge_open
from medaudit.grading.outcome import AnswerClass, Grade, Outcome, Parsed
from medaudit.grading.parse import parse_choice
from medaudit.model import Answer


def grade(case: Case, answer: Answer) -> Grade:
    """Is this answer right, wrong, or no answer at all?

    Closed: log-likelihoods choose their maximum, text goes through
    :func:`~medaudit.grading.parse.parse_choice`. Open: see :func:`~medaudit.grading.open.judge_open`; the
    score is the exact match. An answer that is an error, or holds nothing, was never given: ``error``.

    Raises ModelError for log-likelihoods that do not match the case's options one to one.
    """
    if answer.error is not None or (answer.scores is None and answer.text is None):
        return Grade(Outcome.ERROR, None, None)
    if answer.scores is not None:
        return _closed(case, likeliest(case, answer.scores))
    text = answer.text or ""
    if case.closed:
        return _closed(case, parse_choice(text, case.options))
    outcome, scores = judge_open(text, case.answer)
    return Grade(outcome, None, scores["exact"], scores)


def likeliest(case: Case, scores: tuple[float, ...]) -> Parsed:
    """The option of highest log-likelihood; an exact tie or a NaN cannot be judged and is invalid."""
    if len(scores) != len(case.options):
        raise ModelError(
            f"case {case.id!r}: the model gave {len(scores)} log-likelihoods for {len(case.options)} "
            "options; it must give one per option, in order."
        )
    best = max(scores)
    if any(math.isnan(score) for score in scores) or scores.count(best) > 1:
        return Parsed(AnswerClass.INVALID)
    return Parsed(AnswerClass.CHOICE, case.options[scores.index(best)])


def _closed(case: Case, parsed: Parsed) -> Grade:
    if parsed.choice is None:
        return Grade(Outcome(parsed.kind.value), None, 0.0)
    right = parsed.choice.strip().casefold() == case.answer.strip().casefold()
    return Grade(Outcome.CORRECT if right else Outcome.WRONG, parsed.choice, float(right))
