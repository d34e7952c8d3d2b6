"""The model under check, and a fixed set of requests to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from medaudit.image import ArrayImage, Image, keyed_rng
from medaudit.model import Answer, Capability, Model, Request

#: (status, detail) of one check. A status is works, fails, not_applicable or note.
Outcome = tuple[str, str]
Check = Callable[["Bench"], Outcome]

#: An effect below this, in natural log, is not an effect (float32 rounding is some 1e-6).
ALIVE = 1e-4
#: Largest change of an option's summed log-likelihood by batching, padding or caching.
TOLERANCE = {"float32": 1e-3, "float16": 5e-2, "bfloat16": 4e-1}

QUESTIONS = (
    "Is there an effusion?",
    "Is there a fracture in this image?",
    "Is the heart enlarged on this chest radiograph, compared with what you would expect?",
    "Normal?",
)
FORMAT = "\nAnswer with one of: yes, no."
OPTIONS = ("yes", "no")


class Bench:
    """Asks ``choose`` where the model offers it, else ``generate``; everything is drawn from ``seed``."""

    def __init__(self, model: Model, seed: int) -> None:
        self.model, self.seed = model, seed
        self.offered = model.info.capabilities
        self.task = Capability.CHOOSE if Capability.CHOOSE in self.offered else Capability.GENERATE
        self.pictures = [picture(seed, number) for number in range(len(QUESTIONS))]

    def requests(
        self,
        images: Sequence[tuple[Image, ...]],
        questions: Sequence[str] = QUESTIONS,
        *,
        task: Capability | None = None,
        replicate: int = 0,
    ) -> list[Request]:
        """One request per image, up to as many as there are questions."""
        task = task or self.task
        options = OPTIONS if task is Capability.CHOOSE else ()
        return [
            Request(task, shown, question + FORMAT, options, max_new_tokens=8, replicate=replicate)
            for shown, question in zip(images, questions, strict=False)
        ]

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        """The answers of one batch."""
        return self.model.answer(self.model.prepare(list(requests)))

    def alone(self, requests: Sequence[Request]) -> list[Answer]:
        """The answers of as many batches as there are requests."""
        return [self.ask([request])[0] for request in requests]

    @property
    def plain(self) -> list[Request]:
        return self.requests([(picture,) for picture in self.pictures])

    @property
    def tolerance(self) -> float:
        return TOLERANCE.get(self.model.info.dtype or "", 1e-3)

    @property
    def exact(self) -> bool:
        """Whether answers should be equal to the letter: half precision may tip a close choice of a word."""
        return self.model.info.dtype not in ("float16", "bfloat16")


def picture(seed: int, number: int) -> ArrayImage:
    """A radiograph-like grey picture: smooth blobs and a gradient, 96 x 96."""
    rng = keyed_rng(seed, "check", number)
    y, x = np.mgrid[0:96, 0:96] / 96
    grey = 60 + 60 * y
    for _ in range(6):
        cx, cy, width = *rng.uniform(0.1, 0.9, 2), rng.uniform(0.05, 0.25)
        grey = grey + rng.uniform(-90, 110) * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / width**2)
    pixels = np.clip(grey, 0, 255).astype(np.uint8)
    return ArrayImage(np.repeat(pixels[..., None], 3, axis=2), name=f"check {number}")


def difference(first: Sequence[Answer], second: Sequence[Answer]) -> float:
    """Largest difference of option scores; for texts 0 where all are equal, else infinity."""
    worst = 0.0
    for one, other in zip(first, second, strict=True):
        if one.error or other.error:
            raise RuntimeError(one.error or other.error)
        if one.scores is None or other.scores is None:
            worst = max(worst, 0.0 if one.text == other.text else float("inf"))
        else:
            gaps = [abs(a - b) for a, b in zip(one.scores, other.scores, strict=True)]
            # max() drops NaN, which must not pass for equal.
            worst = max(worst, *(gap if gap == gap else float("inf") for gap in gaps))
    return worst


def said(gap: float) -> str:
    """A difference in words."""
    return "answers differ" if gap == float("inf") else f"largest difference {gap:.2g}"
