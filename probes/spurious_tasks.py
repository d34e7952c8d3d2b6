"""Closed questions as classification tasks: the same question and options, asked of many images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from medaudit.model import Capability
from medaudit.probes.arms import drawn

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.case import Case
    from medaudit.context import Context
    from medaudit.image import Image
    from medaudit.probes.arms import Floats

    Codes = NDArray[np.int64]
    Mask = NDArray[np.bool_]

#: Fewest right and fewest wrong answers that a gap can be told from luck with.
LEAST_ANSWERS = 5


@dataclass(frozen=True, eq=False)
class Task:
    """n cases that ask one question with one list of Y options.

    ``labels`` ``(n,)`` are the right options, ``scores`` ``(n, Y)`` the probability of each option, all on
    the answer given where the model only generates. ``errors`` counts cases left out because no answer came,
    ``unread`` those whose answer chose no option, ``undrawn`` those beyond the limit.
    """

    question: str
    options: tuple[str, ...]
    cases: tuple[Case, ...]
    labels: Codes
    scores: Floats
    errors: int = 0
    unread: int = 0
    undrawn: int = 0

    @property
    def images(self) -> list[Image]:
        """The image that is searched for regions: the first of each case."""
        return [case.images[0] for case in self.cases]

    @property
    def groups(self) -> list[str]:
        return [case.group or case.id for case in self.cases]

    @property
    def predicted(self) -> Codes:
        return np.asarray(self.scores.argmax(axis=1), dtype=np.int64)

    @property
    def correct(self) -> Mask:
        return np.asarray(self.predicted == self.labels, dtype=np.bool_)

    @property
    def slice(self) -> dict[str, str | int | float | bool]:
        return {"question": self.question, "options": " | ".join(self.options)}


def asked_together(cases: Sequence[Case], least: int) -> tuple[list[list[Case]], list[int]]:
    """Cases by (question, options), those of ``least`` groups or more; and the sizes of the others."""
    found: dict[tuple[str, tuple[str, ...]], list[Case]] = {}
    for case in cases:
        found.setdefault((case.question.strip(), case.options), []).append(case)
    large, small = [], []
    for members in found.values():
        if len({case.group or case.id for case in members}) >= least:
            large.append(members)
        else:
            small.append(len(members))
    return large, small


def answered(ctx: Context, sets: Sequence[Sequence[Case]], most: int) -> Iterator[Task]:
    """Ask every case as it is: one task a set, of at most ``most`` cases drawn by a hash of their ids."""
    kept = [drawn(cases, most, ctx.seed, "spurious") for cases in sets]
    scores = iter(chosen(ctx, [case for cases in kept for case in cases]))
    for every, cases in zip(sets, kept, strict=True):
        rows = np.stack([next(scores) for _ in cases])
        silent = np.isnan(rows).any(axis=1)
        unread = ~silent & (rows.sum(axis=1) == 0)
        usable = np.flatnonzero(~silent & ~unread)
        yield Task(
            question=cases[0].question.strip(),
            options=cases[0].options,
            cases=tuple(cases[at] for at in usable),
            labels=np.asarray([_right(cases[at]) for at in usable], dtype=np.int64),
            scores=rows[usable],
            errors=int(silent.sum()),
            unread=int(unread.sum()),
            undrawn=len(every) - len(cases),
        )


def chosen(ctx: Context, cases: Sequence[Case], images: Sequence[Image] | None = None) -> list[Floats]:
    """Which option is each case answered with, its first image replaced by another?

    One row ``(Y,)`` a case: softmax of the options' log-likelihoods where the model chooses, 1 on the option
    that a generated answer names; all 0 where an answer names none, NaN where none came.
    """
    shown = [case.images[0] for case in cases] if images is None else images
    put = choosing(ctx)
    requests = [
        put.request(case, (image, *case.images[1:])) for case, image in zip(cases, shown, strict=True)
    ]
    rows = []
    for case, answer in zip(cases, ctx.ask(requests), strict=True):
        row = np.zeros(len(case.options))
        grade = ctx.grade(case, answer)
        if grade.score is None:
            row[:] = np.nan
        elif grade.choice is not None and answer.scores is not None:
            powers = np.exp(np.asarray(answer.scores) - max(answer.scores))
            row = powers / powers.sum()
        elif grade.choice is not None:
            row[case.options.index(grade.choice)] = 1.0
        rows.append(row)
    return rows


def choosing(ctx: Context) -> Context:
    """The context that puts closed questions by likelihood where the model can."""
    able = Capability.CHOOSE in ctx.model.capabilities
    return replace(ctx, mode=Capability.CHOOSE if able else Capability.GENERATE)


def lacking(task: Task, least: int) -> str:
    """Why nothing could be found in this task; empty where something could."""
    right = int(task.correct.sum())
    wrong = len(task.cases) - right
    patients = [
        len({group for group, own in zip(task.groups, task.labels, strict=True) if own == label})
        for label in range(len(task.options))
    ]
    if sum(count >= 2 * least for count in patients) < 2:
        counts = ", ".join(str(count) for count in patients)
        return (
            f"patients by right answer: {counts}; two answers need {2 * least} each, for {least} with and "
            f"{least} without a region"
        )
    if min(right, wrong) < LEAST_ANSWERS:
        return f"{right} right and {wrong} wrong answers; at least {LEAST_ANSWERS} of each are needed"
    return ""


def _right(case: Case) -> int:
    folded = [option.strip().casefold() for option in case.options]
    return folded.index(case.answer.strip().casefold())
