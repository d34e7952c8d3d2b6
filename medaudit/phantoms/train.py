"""Train the base of the model phantoms, ``clean``: seeded, and resumable.

Killed at any moment, the same call goes on from the last saved step and ends in the same weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from medaudit.phantoms import lessons
from medaudit.phantoms.architecture import build_model
from medaudit.phantoms.flaws import FLAWS
from medaudit.phantoms.packing import Packer, answer_loss, normalise, patch_features
from medaudit.phantoms.student import SEEING, STATE, Student, enrol, rate, restore, seeing_loss, study
from medaudit.phantoms.vocabulary import build_processor


@dataclass(frozen=True)
class Course:
    """A stretch of training with one cycle of its rate; the first ``tower`` steps teach the tower alone.

    Places and sizes are asked ``hard`` times as often as the rest; a share ``shifted`` of the pictures
    comes under a shift.
    """

    steps: int
    tower: int = 0
    peak: float = 1.5e-3
    hard: float = 1.0
    shifted: float = lessons.SHIFTED


#: Each begins on weights rounded as on disk, with fresh heads and optimiser.
COURSES = (
    Course(2600, tower=300),
    Course(1500, hard=3.0),
    Course(1600, peak=1e-3, hard=2.0, shifted=0.25),
)
STEPS = sum(course.steps for course in COURSES)


def train_base(
    out: Path,
    *,
    seed: int = 0,
    steps: int = STEPS,
    device: str = "cpu",
    stop_after: int | None = None,
    tell: Callable[[str], None] = print,
) -> Path | None:
    """Train for ``steps`` and write a model folder to ``out``.

    ``stop_after`` leaves earlier, as a kill would; the result is then None.
    """
    out.mkdir(parents=True, exist_ok=True)
    processor = build_processor()
    student = enrol(build_model(processor.tokenizer, seed).to(device), seed)
    restore(student, out / STATE)
    packer = Packer(processor.tokenizer, student.model.config.image_seq_length)

    def learn(student: Student) -> float:
        course, within = _course(student.step, steps)
        if within == 0 and student.step:
            _renew(student, seed)
        return _learn(student, course, within, packer, seed)

    return study(student, learn, processor, out, steps=steps, stop_after=stop_after, tell=tell)


def _course(step: int, steps: int) -> tuple[Course, int]:
    """The course of a step and the step within it; other ``steps`` than the recipe's shorten all alike."""
    start = 0
    for number, course in enumerate(COURSES, start=1):
        length = course.steps * steps // STEPS if number < len(COURSES) else steps - start
        if step < start + length:
            return replace(course, steps=length, tower=min(course.tower, length // 4)), step - start
        start += length
    raise AssertionError("a step beyond the last")


def _renew(student: Student, seed: int) -> None:
    """Weights rounded as on disk, fresh heads and optimiser."""
    weights = {name: value.half().float() for name, value in student.model.state_dict().items()}
    student.model.load_state_dict(weights)
    fresh = enrol(student.model, seed)
    student.heads, student.optimiser = fresh.heads, fresh.optimiser


def _learn(student: Student, course: Course, within: int, packer: Packer, seed: int) -> float:
    device = student.model.device
    rows = lessons.rows(FLAWS["clean"], seed, student.step, hard=course.hard, shifted=course.shifted)
    shown = [row.shown for row in rows if row.shown is not None]
    if within < course.tower:
        pixels = [row.pixels for row in rows if row.shown is not None and row.pixels is not None]
        features = patch_features(student.model, normalise(np.stack(pixels)).to(device))
        loss = seeing_loss(student, features, features.amax(dim=1), shown)
    else:
        answered, features = answer_loss(student.model, packer.pack(rows).to(device))
        true = features[: len(shown)]  # true rows come first in a batch
        loss = answered.mean() + SEEING * seeing_loss(student, true, true.amax(dim=1), shown)
    student.update(loss, rate(within, course.steps, course.peak, course.tower))
    return float(loss.detach())
