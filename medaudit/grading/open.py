"""Open answers: exact match, token F1, BLEU and ROUGE-L over normalised words, all from 0 to 1."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from typing import Any

from medaudit.grading.outcome import Outcome
from medaudit.grading.reasoning import without_reasoning
from medaudit.grading.refusal import refuses, unsure
from medaudit.grading.statement import bare
from medaudit.grading.text import clean, normalise

_FIRST_SENTENCE = re.compile(r".*?(?:[.!?;](?=\s|\Z)|\n|\Z)", re.DOTALL)
NOTHING = {"exact": 0.0, "f1": 0.0, "bleu": 0.0, "rougeL": 0.0}


def open_scores(prediction: str, reference: str) -> dict[str, float]:
    """How near is an open answer to the reference, in words?

    ``exact`` is equality after :func:`~medaudit.grading.text.normalise`. ``f1`` = 2c / (p + r) with c the
    multiset overlap of p predicted and r reference words. ``bleu`` is sacrebleu's sentence BLEU-4 with
    effective order (Post, 2018), the prediction as hypothesis; ``rougeL`` is rouge_score's F (Lin, 2004).
    All four see the same words. Without any words on one side they are 0.
    """
    predicted, wanted = normalise(prediction), normalise(reference)
    return {
        "exact": float(predicted == wanted != ""),
        "f1": token_f1(predicted.split(), wanted.split()),
        "bleu": _bleu(predicted, wanted),
        "rougeL": _rouge(predicted, wanted),
    }


def token_f1(predicted: list[str], wanted: list[str]) -> float:
    """2c / (p + r): a repeated word counts as often as both sides hold it."""
    common = sum((Counter(predicted) & Counter(wanted)).values())
    return 2.0 * common / max(1, len(predicted) + len(wanted))


def _bleu(predicted: str, wanted: str) -> float:
    from sacrebleu.metrics.bleu import BLEU

    if not predicted or not wanted:
        return 0.0
    # "none": the words are already cut, in the same way for all four scores.
    metric = BLEU(tokenize="none", effective_order=True)
    return min(1.0, float(metric.sentence_score(predicted, [wanted]).score) / 100.0)


class _Blanks:
    """rouge_score's own tokenizer drops every letter outside a-z."""

    def tokenize(self, text: str) -> list[str]:
        return text.split()


@cache
def _rouge_scorer() -> Any:
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rougeL"], tokenizer=_Blanks())


def _rouge(predicted: str, wanted: str) -> float:
    scores = _rouge_scorer().score(target=wanted, prediction=predicted)
    return float(scores["rougeL"].fmeasure)


def judge_open(text: str, reference: str) -> tuple[Outcome, dict[str, float]]:
    """Outcome and scores of an open answer; correct only on exact match after normalisation.

    A first sentence that refuses or says that its author does not know gives that class and scores of 0.
    Guarded words alone ("probably pneumonia") do not: the answer is read as it stands.
    """
    answer = without_reasoning(text)
    if answer is None:
        return Outcome.INVALID, dict(NOTHING)
    prediction = bare(clean(answer))
    if not any(char.isalnum() for char in prediction):
        return Outcome.EMPTY, dict(NOTHING)
    scores = open_scores(prediction, reference)
    if scores["exact"] == 1.0:
        return Outcome.CORRECT, scores
    first = _FIRST_SENTENCE.match(prediction)
    opening = first[0] if first else prediction
    if refuses(opening):
        return Outcome.REFUSAL, dict(NOTHING)
    if unsure(opening):
        return Outcome.HEDGE, dict(NOTHING)
    return Outcome.WRONG, scores
