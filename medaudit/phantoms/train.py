"""Train the base of the model phantoms, ``clean``: seeded, and resumable.

Killed at any moment, the same call goes on from the last saved step and ends in the same weights.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from medaudit.phantoms import lessons
from medaudit.phantoms.architecture import WIDTH, build_model
from medaudit.phantoms.flaws import FLAWS
from medaudit.phantoms.lessons import PATCH_LABELS, PICTURE_LABELS, Row
from medaudit.phantoms.packing import Packer, answer_loss, normalise, patch_features
from medaudit.phantoms.vocabulary import PATCH, build_processor


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
SAVE_EVERY = 50
STATE = "training-state.pt"


@dataclass
class Student:
    """Model, the throw-away heads that teach its tower to see, optimiser, and the next step."""

    model: Any
    heads: torch.nn.ModuleDict
    optimiser: torch.optim.Optimizer
    step: int = 0


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
    student = _enrol(processor.tokenizer, seed, device)
    state = out / STATE
    if state.is_file():
        restore(student, state)
    packer = Packer(processor.tokenizer, student.model.config.image_seq_length)
    clock = time.monotonic()
    while student.step < steps:
        course, within = _course(student.step, steps)
        if within == 0 and student.step:
            student = _renewed(student, processor.tokenizer, seed, device)
        loss = _learn(student, course, within, packer, seed)
        student.step += 1
        if student.step % SAVE_EVERY == 0 or student.step == stop_after:
            save_state(student, state)
            tell(f"clean {student.step}/{steps} loss {loss:.4f} {time.monotonic() - clock:.0f} s")
        if student.step == stop_after:
            return None
    save_folder(student.model.cpu(), processor, out)
    state.unlink(missing_ok=True)
    return out


def _enrol(tokenizer: Any, seed: int, device: str) -> Student:
    model = build_model(tokenizer, seed).train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        heads = torch.nn.ModuleDict(
            {"patch": torch.nn.Linear(WIDTH, PATCH_LABELS), "picture": torch.nn.Linear(WIDTH, PICTURE_LABELS)}
        )
    parameters = [*model.to(device).parameters(), *heads.to(device).parameters()]
    return Student(model, heads, torch.optim.AdamW(parameters, lr=0.0, betas=(0.9, 0.98), weight_decay=0.01))


def _course(step: int, steps: int) -> tuple[Course, int]:
    """The course of a step and the step within it; other ``steps`` than the recipe's shorten all alike."""
    start = 0
    for number, course in enumerate(COURSES, start=1):
        length = course.steps * steps // STEPS if number < len(COURSES) else steps - start
        if step < start + length:
            return replace(course, steps=length, tower=min(course.tower, length // 4)), step - start
        start += length
    raise AssertionError("a step beyond the last")


def _renewed(student: Student, tokenizer: Any, seed: int, device: str) -> Student:
    """The same weights, rounded as on disk, with fresh heads and optimiser."""
    weights = {name: value.half().float() for name, value in student.model.state_dict().items()}
    renewed = _enrol(tokenizer, seed, device)
    renewed.model.load_state_dict(weights)
    renewed.step = student.step
    return renewed


def rate(step: int, steps: int, peak: float, tower: int = 0) -> float:
    """One cycle for the tower, one for the whole: 10 % linear rise, then half a cosine."""
    place = step / tower if step < tower else (step - tower) / (steps - tower)
    rise = min(1.0, (place + 1e-3) / 0.1)
    return peak * rise * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * max(0.0, place - 0.1) / 0.9)))


def _learn(student: Student, course: Course, within: int, packer: Packer, seed: int) -> float:
    device = next(student.model.parameters()).device
    for group in student.optimiser.param_groups:
        group["lr"] = rate(within, course.steps, course.peak, course.tower)
    rows = lessons.rows(FLAWS["clean"], seed, student.step, hard=course.hard, shifted=course.shifted)
    student.optimiser.zero_grad(set_to_none=True)
    seen = [row for row in rows if row.shown is not None]
    if within < course.tower:
        pixels = normalise(np.stack([row.pixels for row in seen if row.pixels is not None])).to(device)
        loss = _seeing_loss(student, patch_features(student.model, pixels), seen)
    else:
        loss, features = answer_loss(student.model, packer.pack(rows).to(device))
        # True rows come first in a batch.
        loss = loss.mean() + 0.3 * _seeing_loss(student, features[: len(seen)], seen)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(student.model.parameters(), 1.0)
    student.optimiser.step()
    return float(loss.detach())


def _seeing_loss(student: Student, features: torch.Tensor, rows: list[Row]) -> torch.Tensor:
    """Which finding lies in which patch, and, from max-pooled patches, which are in the picture."""
    shown = [row.shown for row in rows if row.shown is not None]
    patches = torch.from_numpy(np.stack([lessons.patch_labels(each, PATCH) for each in shown]))
    pictures = torch.from_numpy(np.stack([lessons.picture_labels(each) for each in shown]))
    # A rotation moves findings to other patches.
    kept = torch.tensor([each.shift != "rotation" for each in shown], device=features.device)
    entropy = torch.nn.functional.binary_cross_entropy_with_logits
    local = entropy(student.heads["patch"](features[kept]), patches.to(features.device)[kept])
    pooled = student.heads["picture"](features.amax(dim=1))
    return local + entropy(pooled, pictures.to(features.device))


def save_state(student: Student, path: Path) -> None:
    draft = path.with_suffix(".part")
    torch.save(
        {
            "step": student.step,
            "model": student.model.state_dict(),
            "heads": student.heads.state_dict(),
            "optimiser": student.optimiser.state_dict(),
        },
        draft,
    )
    os.replace(draft, path)


def restore(student: Student, path: Path) -> None:
    saved = torch.load(path, weights_only=True)
    student.model.load_state_dict(saved["model"])
    student.heads.load_state_dict(saved["heads"])
    student.optimiser.load_state_dict(saved["optimiser"])
    student.step = saved["step"]


def save_folder(model: Any, processor: Any, out: Path) -> None:
    """Write a model folder: float16 on disk, and a config that says to compute in float32."""
    model.eval()
    model.half().save_pretrained(out)
    processor.save_pretrained(out)
    config = json.loads((out / "config.json").read_text())
    config["dtype"] = "float32"
    (out / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    (out / "model.safetensors").chmod(0o644)
