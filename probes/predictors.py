"""Predictors that see no image: what the answers' frequencies alone are worth.

Both are cross-fitted over groups: a case is predicted from the answers of other folds, and a group is
never split between folds, so no patient's answer predicts itself.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from medaudit.image import keyed_rng
from medaudit.model import Answer

if TYPE_CHECKING:
    from medaudit.case import Case
    from medaudit.context import Context
    from medaudit.probes.arms import Floats

FOLDS = 5
Levels = Callable[["Case"], tuple[Hashable, ...]]


def majority(cases: Sequence[Case], seed: int) -> list[str | None]:
    """Most frequent answer among cases with the same options."""
    return _cross_fit(cases, seed, lambda case: (("options", *_options(case)), "all"))


def question_only(cases: Sequence[Case], seed: int) -> list[str | None]:
    """Most frequent answer to the same question; where it is new, that of the same options."""
    return _cross_fit(
        cases,
        seed,
        lambda case: (
            ("question", _fold_text(case.question), *_options(case)),
            ("options", *_options(case)),
            "all",
        ),
    )


def score(ctx: Context, cases: Sequence[Case], predictions: Sequence[str | None]) -> Floats:
    """1 or 0 per case, NaN where nothing could be predicted (all cases are of one group)."""
    return np.asarray([_score(ctx, case, text) for case, text in zip(cases, predictions, strict=True)])


def _score(ctx: Context, case: Case, predicted: str | None) -> float:
    if predicted is None:
        return float("nan")
    if case.closed:
        return float(_fold_text(predicted) == _fold_text(case.answer))
    given = ctx.grade(case, Answer(text=predicted)).score
    return float("nan") if given is None else float(given)


def _fold_text(text: str) -> str:
    return " ".join(text.casefold().split())


def _options(case: Case) -> tuple[str, ...]:
    return tuple(sorted(_fold_text(option) for option in case.options))


def folds(cases: Sequence[Case], seed: int) -> list[int]:
    """Fold of each case: groups, in an order drawn from the seed, dealt out in turn."""
    groups = sorted({case.group or case.id for case in cases})
    order = keyed_rng(seed, "folds").permutation(len(groups))
    count = min(FOLDS, len(groups))
    fold_of = {groups[index]: place % count for place, index in enumerate(order)}
    return [fold_of[case.group or case.id] for case in cases]


def _cross_fit(cases: Sequence[Case], seed: int, levels: Levels) -> list[str | None]:
    fold = folds(cases, seed)
    if len(set(fold)) < 2:
        return [None] * len(cases)
    total: dict[Hashable, Counter[str]] = defaultdict(Counter)
    own: dict[Hashable, Counter[str]] = defaultdict(Counter)
    for case, number in zip(cases, fold, strict=True):
        for level in levels(case):
            total[level][_fold_text(case.answer)] += 1
            own[number, level][_fold_text(case.answer)] += 1
    return [
        _most_frequent(case, [total[level] - own[number, level] for level in levels(case)])
        for case, number in zip(cases, fold, strict=True)
    ]


def _most_frequent(case: Case, counts: Sequence[Counter[str]]) -> str:
    """From the first level that knows a legal answer; ties go to the option offered first."""
    legal = [_fold_text(option) for option in case.options]
    for level in counts:
        known = [answer for answer in (legal or sorted(level)) if level[answer] > 0]
        if known:
            return max(known, key=lambda answer: level[answer])
    return legal[0] if legal else ""
