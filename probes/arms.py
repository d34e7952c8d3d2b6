"""Arms: the same cases under several conditions, asked in one go and judged side by side."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from medaudit.shifting import ShiftedCase

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.case import Case
    from medaudit.context import Context
    from medaudit.grading import Grade
    from medaudit.model import Answer, Request

    Floats = NDArray[np.float64]

Key = TypeVar("Key")


@dataclass(frozen=True, eq=False)
class Arm:
    """One condition's answers, aligned with the cases.

    ``scores`` is (n,) float, NaN where the case was not asked or no answer came. ``said`` is the answer in
    comparable form, None in the same places. ``errors`` counts the answers that did not come.
    ``open_scores`` holds ``n`` and the means of exact, f1, bleu and rougeL over answered open questions.
    """

    scores: Floats
    said: tuple[str | None, ...]
    answers: tuple[Answer | None, ...] = ()
    outcomes: Mapping[str, int] = field(default_factory=dict)
    errors: int = 0
    open_scores: Mapping[str, float] = field(default_factory=dict)


def ask_arms(
    ctx: Context,
    cases: Sequence[Case],
    arms: Mapping[Key, Sequence[Request | None]],
    changed: Mapping[Key, Sequence[ShiftedCase | None]] | None = None,
) -> dict[Key, Arm]:
    """Ask every request of every arm in one call; None leaves a case out of an arm.

    An arm in ``changed`` is judged by its changed cases, and what was said is told in words of the originals.
    """
    wanted = [request for requests in arms.values() for request in requests if request is not None]
    answers = iter(ctx.ask(wanted))
    found = {}
    for key, requests in arms.items():
        given = [None if request is None else next(answers) for request in requests]
        put = (changed or {}).get(key) or [None] * len(cases)
        found[key] = _judge(
            ctx, [each or ShiftedCase(case) for each, case in zip(put, cases, strict=True)], given
        )
    return found


def _judge(ctx: Context, put: Sequence[ShiftedCase], answers: Sequence[Answer | None]) -> Arm:
    grades = [
        None if answer is None else ctx.grade(each.case, answer)
        for each, answer in zip(put, answers, strict=True)
    ]
    scores = [np.nan if grade is None or grade.score is None else grade.score for grade in grades]
    said = tuple(
        None if grade is None or answer is None or grade.score is None else _said(each, answer, grade)
        for each, answer, grade in zip(put, answers, grades, strict=True)
    )
    judged = [grade for grade in grades if grade is not None]
    return Arm(
        scores=np.asarray(scores, dtype=np.float64),
        said=said,
        answers=tuple(answers),
        outcomes=dict(sorted(Counter(grade.outcome.value for grade in judged).items())),
        errors=sum(grade.score is None for grade in judged),
        open_scores=_open_scores(judged),
    )


def _open_scores(grades: Sequence[Grade]) -> dict[str, float]:
    rows = [grade.scores for grade in grades if grade.scores and grade.score is not None]
    if not rows:
        return {}
    return {"n": len(rows)} | {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def _said(put: ShiftedCase, answer: Answer, grade: Grade) -> str:
    """The chosen option, or the class of an answer that chose none; the plain text of an open answer."""
    if put.case.closed:
        return (
            f"[{grade.outcome.value}]"
            if grade.choice is None
            else put.meaning.get(grade.choice, grade.choice)
        )
    return " ".join((answer.text or "").casefold().split()).strip(" .")


def drawn(cases: Sequence[Case], most: int, *key: object) -> list[Case]:
    """At most ``most`` cases, drawn by a hash of (key, id): the same ones in whatever order they come."""

    def rank(case: Case) -> bytes:
        return hashlib.blake2b("|".join(map(str, (*key, case.id))).encode(), digest_size=8).digest()

    return sorted(cases, key=rank)[:most]


def changes(before: Arm, after: Arm) -> Floats:
    """1 where the two arms said different things, 0 where the same, NaN where one of them said nothing."""
    pairs = zip(before.said, after.said, strict=True)
    return np.asarray([np.nan if a is None or b is None else float(a != b) for a, b in pairs])
