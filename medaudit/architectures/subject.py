"""What a conformance check works on: a loaded tiny model, its pictures, its questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from medaudit.image import ArrayImage, Image
from medaudit.model import Answer, Capability, Request

#: Natural log: an effect below this is none.
ALIVE = 1e-4
#: A difference above this, or above this share of the largest score, is one (float32, summed scores).
EQUAL, EQUAL_SHARE = 2e-3, 1e-4
#: Not square, so that swapped rows and columns cannot pass; height, width.
SIZES = ((96, 96), (60, 100), (96, 96))
_QUESTIONS = ("Is there an effusion?", "Is the heart enlarged on this radiograph?", "Normal?")
OPTIONS = ("yes", "not at all")


class NotApplicable(Exception):
    """The type has no such thing, and why."""


class Fails(Exception):
    """The type should do this and does not, and how."""


class Subject:
    """A model under conformance test. ``blind`` is the control: the same model fed one grey picture."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.generative = Capability.GENERATE in model.info.capabilities

    @cached_property
    def pictures(self) -> list[Image]:
        rng = np.random.default_rng(11)
        return [
            ArrayImage(rng.integers(0, 256, (*size, 3), dtype=np.uint8), name=f"picture {number}")
            for number, size in enumerate(SIZES)
        ]

    @cached_property
    def grey(self) -> Image:
        return ArrayImage(np.full((96, 96, 3), 100, dtype=np.uint8), name="grey")

    def questions(self, task: Capability = Capability.CHOOSE) -> list[Request]:
        """One question a picture, of unlike lengths."""
        options = self.options if task is Capability.CHOOSE else ()
        return [
            Request(task, (picture,), question, options, max_new_tokens=4)
            for picture, question in zip(self.pictures, _QUESTIONS, strict=True)
        ]

    @cached_property
    def options(self) -> tuple[str, ...]:
        """Two answers; of a classifier the first two of its own."""
        own = getattr(self.model, "labels", None)
        return tuple(own[:2]) if own else OPTIONS

    def ask(self, requests: Sequence[Request], *, blind: bool = False) -> list[Answer]:
        if blind:
            requests = [replace(request, images=(self.grey,) * len(request.images)) for request in requests]
        answers: list[Answer] = self.model.answer(self.model.prepare(list(requests)))
        for answer in answers:
            if answer.error is not None:
                raise Fails(answer.error)
        return answers

    def effect(self, *, blind: bool = False, intervention: str = "") -> float:
        """Largest change of an option score when the same questions meet another picture of the same size.

        ``blind`` cuts the image path: the effect must vanish, or the measurement sees something else.
        """
        first = [replace(q, images=(self.pictures[0],), intervention=intervention) for q in self.questions()]
        other = [replace(q, images=(self.pictures[2],)) for q in first]
        return difference(self.ask(first, blind=blind), self.ask(other, blind=blind))


def tolerance(answers: Sequence[Answer]) -> float:
    """Largest difference that rounding explains: long sums of large numbers round more."""
    return max(
        EQUAL, EQUAL_SHARE * max(abs(score) for answer in answers for score in answer.scores or (0.0,))
    )


def difference(one: Sequence[Answer], other: Sequence[Answer]) -> float:
    """Largest difference of option scores, natural log; infinity where a score is no number."""
    worst = 0.0
    for first, second in zip(one, other, strict=True):
        if first.scores is None or second.scores is None:
            raise Fails("no scores")
        gaps = [abs(a - b) for a, b in zip(first.scores, second.scores, strict=True)]
        worst = max(worst, *(gap if np.isfinite(gap) else float("inf") for gap in gaps))
    return worst
