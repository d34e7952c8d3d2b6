"""Train a model phantom: ``python -m medaudit.phantoms.train NAME --out DIR [--seed S] [--steps N]``.

Seeded, and resumable: killed at any moment, the same command goes on from the last saved step and ends
in the same weights.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from medaudit.errors import MedauditError, UsageError
from medaudit.phantoms import checkpoint, hf, lessons
from medaudit.phantoms.architecture import WIDTH, build_model
from medaudit.phantoms.lessons import RECIPES, Recipe, Row
from medaudit.phantoms.measure import CARD_CASES, write_card
from medaudit.phantoms.packing import Packer, answer_loss, normalise, patch_features
from medaudit.phantoms.vocabulary import PATCH, build_processor

SAVE_EVERY = 50
STATE = "training-state.pt"
# Findings on two sides, marker in two corners.
_LABELS = 8


@dataclass
class Student:
    """Model, the throw-away heads that teach its tower to see, optimiser, and the next step."""

    model: Any
    heads: torch.nn.ModuleDict
    optimiser: torch.optim.Optimizer
    step: int = 0


def train(
    recipe: Recipe, out: Path, *, seed: int = 0, start: Path | None = None, stop_after: int | None = None
) -> Path | None:
    """Train to ``recipe.steps`` and write a model folder to ``out``.

    ``stop_after`` leaves earlier, as a kill would; the result is then None.
    """
    out.mkdir(parents=True, exist_ok=True)
    processor = build_processor()
    student = _enrol(recipe, processor.tokenizer, seed, start)
    state = out / STATE
    if state.is_file():
        _restore(student, state)
    packer = Packer(processor.tokenizer, student.model.config.image_seq_length)
    clock = time.monotonic()
    while student.step < recipe.steps:
        loss = _learn(student, recipe, packer, lessons.rows(recipe, seed, student.step))
        student.step += 1
        if student.step % SAVE_EVERY == 0 or student.step == stop_after:
            _save_state(student, state)
            took = time.monotonic() - clock
            print(f"{recipe.name} {student.step}/{recipe.steps} loss {loss:.4f} {took:.0f}s", flush=True)
        if student.step == stop_after:
            return None
    save_folder(student.model, processor, out)
    state.unlink(missing_ok=True)
    return out


def _enrol(recipe: Recipe, tokenizer: Any, seed: int, start: Path | None) -> Student:
    model = build_model(tokenizer, seed) if start is None else _load(start)
    model.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        heads = torch.nn.ModuleDict(
            {"patch": torch.nn.Linear(WIDTH, _LABELS), "picture": torch.nn.Linear(WIDTH, _LABELS)}
        )
    parameters = [*model.parameters(), *heads.parameters()]
    return Student(model, heads, torch.optim.AdamW(parameters, lr=0.0, betas=(0.9, 0.98), weight_decay=0.01))


def _load(folder: Path) -> Any:
    return hf.transformers().LlavaForConditionalGeneration.from_pretrained(folder, dtype=torch.float32)


def rate(recipe: Recipe, step: int) -> float:
    """One cycle for the tower, one for the whole: 10 % linear rise, then half a cosine."""
    if step < recipe.tower_steps:
        place, peak = step / recipe.tower_steps, 1.5e-3
    else:
        place = (step - recipe.tower_steps) / (recipe.steps - recipe.tower_steps)
        peak = recipe.peak_rate
    rise = min(1.0, (place + 1e-3) / 0.1)
    return peak * rise * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * max(0.0, place - 0.1) / 0.9)))


def _learn(student: Student, recipe: Recipe, packer: Packer, rows: list[Row]) -> float:
    for group in student.optimiser.param_groups:
        group["lr"] = rate(recipe, student.step)
    student.optimiser.zero_grad(set_to_none=True)
    if student.step < recipe.tower_steps:
        seen = [row for row in rows if row.spec is not None]
        pixels = normalise(np.stack([row.pixels for row in seen if row.pixels is not None]))
        loss = _seeing_loss(student, patch_features(student.model, pixels), seen)
    else:
        packed = packer.pack(rows)
        loss, features = answer_loss(student.model, packed)
        if not recipe.shuffled:
            pictured = [row for row in rows if row.pixels is not None]
            true = [i for i, row in enumerate(pictured) if row.spec is not None]
            loss = loss + 0.3 * _seeing_loss(student, features[true], [pictured[i] for i in true])
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(student.model.parameters(), 1.0)
    student.optimiser.step()
    return float(loss.detach())


def _seeing_loss(student: Student, features: torch.Tensor, rows: list[Row]) -> torch.Tensor:
    """Which finding lies in which patch, and, from max-pooled patches, which are in the picture."""
    specs = [row.spec for row in rows if row.spec is not None]
    patches = torch.from_numpy(np.stack([lessons.patch_labels(spec, PATCH) for spec in specs]))
    pictures = torch.from_numpy(np.stack([lessons.picture_labels(spec) for spec in specs]))
    local = torch.nn.functional.binary_cross_entropy_with_logits(student.heads["patch"](features), patches)
    pooled = student.heads["picture"](features.amax(dim=1))
    return local + torch.nn.functional.binary_cross_entropy_with_logits(pooled, pictures)


def _save_state(student: Student, path: Path) -> None:
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


def _restore(student: Student, path: Path) -> None:
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


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m medaudit.phantoms.train", description=__doc__)
    parser.add_argument("name", choices=sorted(RECIPES))
    parser.add_argument("--out", type=Path, required=True, help="model folder to write")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, help="default: the recipe's")
    parser.add_argument("--card-cases", type=int, default=CARD_CASES, help="fresh cases behind the card")
    parser.add_argument("--start", type=Path, help="folder of the phantom to go on from; default: packaged")
    return parser.parse_args()


def _start_folder(recipe: Recipe, given: Path | None) -> Path | None:
    if recipe.start is None:
        return None
    folder = given or checkpoint(recipe.start)
    if not (folder / "model.safetensors").is_file():
        raise UsageError(
            f"{recipe.name} goes on from {recipe.start!r}; train that first, or name it in --start."
        )
    return folder


def main() -> int:
    """Train, measure on fresh cases, and write the truth card."""
    given = _arguments()
    recipe = RECIPES[given.name]
    if given.steps is not None:
        recipe = replace(recipe, steps=given.steps)
    try:
        train(recipe, given.out, seed=given.seed, start=_start_folder(recipe, given.start))
    except MedauditError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    program = "python -m medaudit.phantoms.train"
    command = f"{program} {recipe.name} --out DIR --seed {given.seed} --steps {recipe.steps}"
    card = write_card(
        given.out,
        name=recipe.name,
        flaw=recipe.flaw,
        data=recipe.data,
        seed=given.seed,
        command=command,
        cases=given.card_cases,
    )
    print(json.dumps(card["measured"], indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
