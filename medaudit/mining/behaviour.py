"""Vectors of pictures from what a model says about them, for models that show nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from medaudit.errors import DataError
from medaudit.grading.outcome import AnswerClass, Outcome
from medaudit.mining.pool import folded

if TYPE_CHECKING:
    from medaudit.mining.vectors import Units

#: What one question got: probabilities of its options, the option chosen, another class, None (not asked).
Said: TypeAlias = Sequence[float] | str | AnswerClass | Outcome | None
#: Classes of answers that are no choice, each a value of its own beside the options.
OTHERS = ("refusal", "hedge", "invalid", "empty", "error")


def behaviour_vectors(answers: Sequence[Sequence[Said]], options: Sequence[Sequence[str]]) -> Units:
    """One row per picture from its answers to a bank of questions, ``(n, sum(options + 5)) float32``.

    ``answers[i][q]`` is what picture i got for question q, whose options are ``options[q]``: probabilities in
    that order, the chosen option, or an ``Outcome`` or ``AnswerClass`` (refusal, hedge, invalid, empty,
    error). A question's block is the square root of the distribution over options and these five classes,
    over the root of the number of questions asked, so that the cosine of two pictures is the mean over
    questions of the Bhattacharyya coefficient sum sqrt(p_k q_k); 1 means the same behaviour. A question not
    asked leaves its block zero. DataError for rows that do not fit, unknown options and probabilities that
    are negative, not finite, or do not sum to 1.
    """
    widths = [len(given) + len(OTHERS) for given in options]
    starts = np.concatenate([[0], np.cumsum(widths)]).astype(np.int64)
    places = [{folded(option): k for k, option in enumerate(given)} for given in options]
    found = np.zeros((len(answers), int(starts[-1])), dtype=np.float32)
    for i, row in enumerate(answers):
        if len(row) != len(options):
            raise DataError(
                f"answers of picture {i}: {len(row)} for {len(options)} questions; give None if not asked."
            )
        for q, said in enumerate(row):
            if said is not None:
                found[i, starts[q] : starts[q + 1]] = np.sqrt(
                    _distribution(said, places[q], f"picture {i}, question {q}")
                )
        asked = sum(said is not None for said in row)
        found[i] /= np.sqrt(max(1, asked))
    return found


def _distribution(said: Sequence[float] | str, places: dict[str, int], where: str) -> Units:
    block = np.zeros(len(places) + len(OTHERS), dtype=np.float32)
    if isinstance(said, Enum):
        block[len(places) + _class(str(said.value), where)] = 1.0
    elif isinstance(said, str):
        if folded(said) not in places:
            raise DataError(f"answers, {where}: the choice is none of the options; give one, or an Outcome.")
        block[places[folded(said)]] = 1.0
    else:
        shares = np.asarray(said, dtype=np.float64)
        fits = shares.shape == (len(places),) and np.isfinite(shares).all() and (shares >= 0).all()
        if not fits or abs(float(shares.sum()) - 1.0) > 1e-3:
            raise DataError(f"answers, {where}: give {len(places)} probabilities that sum to 1.")
        block[: len(places)] = shares / shares.sum()
    return block


def _class(name: str, where: str) -> int:
    if name not in OTHERS:
        raise DataError(
            f"answers, {where}: {name!r} names no answer; give the option, or one of {', '.join(OTHERS)}."
        )
    return OTHERS.index(name)
