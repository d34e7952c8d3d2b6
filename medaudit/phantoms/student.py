"""A model that learns: its state on disk, its rate, and the heads that teach its tower to see."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from medaudit.phantoms import lessons
from medaudit.phantoms.flaws import Shown
from medaudit.phantoms.lessons import PATCH_LABELS, PICTURE_LABELS
from medaudit.phantoms.vocabulary import PATCH

SAVE_EVERY = 50
STATE = "training-state.pt"
#: What seeing counts beside answering.
SEEING = 0.3


@dataclass
class Student:
    """Model, the throw-away heads that teach its tower to see, optimiser, and the next step."""

    model: Any
    heads: torch.nn.ModuleDict
    optimiser: torch.optim.Optimizer
    step: int = 0

    def update(self, loss: torch.Tensor, rate: float) -> None:
        """One step of the optimiser."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()


def enrol(model: Any, seed: int) -> Student:
    """A student with this model, fresh heads and a fresh optimiser."""
    width = model.config.vision_config.hidden_size
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        heads = torch.nn.ModuleDict(
            {"patch": torch.nn.Linear(width, PATCH_LABELS), "picture": torch.nn.Linear(width, PICTURE_LABELS)}
        )
    parameters = [*model.train().parameters(), *heads.to(model.device).parameters()]
    return Student(model, heads, torch.optim.AdamW(parameters, lr=0.0, betas=(0.9, 0.98), weight_decay=0.01))


def study(
    student: Student,
    learn: Callable[[Student], float],
    processor: Any,
    out: Path,
    *,
    steps: int,
    stop_after: int | None,
    tell: Callable[[str], None],
) -> Path | None:
    """Call ``learn`` until ``steps``, saving now and then, and write the model folder.

    ``stop_after`` leaves earlier, as a kill would; the result is then None.
    """
    state, clock = out / STATE, time.monotonic()
    while student.step < steps:
        loss = learn(student)
        student.step += 1
        if student.step % SAVE_EVERY == 0 or student.step == stop_after:
            save_state(student, state)
            tell(f"{out.name} {student.step}/{steps} loss {loss:.4f} {time.monotonic() - clock:.0f} s")
        if student.step == stop_after:
            return None
    save_folder(student.model.cpu(), processor, out)
    state.unlink(missing_ok=True)
    return out


def rate(step: int, steps: int, peak: float, tower: int = 0) -> float:
    """One cycle for the tower, one for the whole: 10 % linear rise, then half a cosine."""
    place = step / tower if step < tower else (step - tower) / (steps - tower)
    rise = min(1.0, (place + 1e-3) / 0.1)
    return peak * rise * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * max(0.0, place - 0.1) / 0.9)))


def seeing_loss(
    student: Student, patches: torch.Tensor, pooled: torch.Tensor, shown: Sequence[Shown]
) -> torch.Tensor:
    """Which finding lies in which patch (n, patches, width), and, from one vector, which there are."""
    local_labels = torch.from_numpy(np.stack([lessons.patch_labels(each, PATCH) for each in shown]))
    labels = torch.from_numpy(np.stack([lessons.picture_labels(each) for each in shown]))
    # A rotation moves findings to other patches.
    kept = torch.tensor([each.shift != "rotation" for each in shown], device=patches.device)
    entropy = torch.nn.functional.binary_cross_entropy_with_logits
    local = entropy(student.heads["patch"](patches[kept]), local_labels.to(patches.device)[kept])
    return local + entropy(student.heads["picture"](pooled), labels.to(patches.device))


def save_state(student: Student, path: Path) -> None:
    """All that going on needs, in one step: a kill leaves the old state or the new one."""
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
    """Go on from a saved state, where there is one."""
    if not path.is_file():
        return
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
