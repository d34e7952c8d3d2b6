"""How strong a model phantom's flaw is, on fresh pictures: the numbers of its truth card."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit.case import Case
from medaudit.instruments import context_for
from medaudit.model import Capability, LoadOptions
from medaudit.phantoms import BASE
from medaudit.phantoms.cases import Drawn, drawn
from medaudit.phantoms.flaws import Flaw, Shown, truth
from medaudit.shifting import shifted_images

if TYPE_CHECKING:
    from medaudit.context import Context
    from medaudit.model import Model

#: Far from the seeds that audits use by default: the card's pictures are nobody's test set.
CARD_SEED = 90_001
CARD_CASES = 2_000
_BATCH = 64


def load_built(folder: Path, base: Path | None = None) -> Model:
    """A finished folder, model or adapter, by the ordinary route."""
    from medaudit.models.loading import load_folder
    from medaudit.phantoms import checkpoint

    if (folder / "config.json").is_file():
        return load_folder(folder, folder.name, LoadOptions())
    return load_folder(base or checkpoint(BASE), folder.name, LoadOptions(adapter=str(folder)))


def answers(model: Model, cases: Sequence[Case], *, without_image: bool = False) -> list[str]:
    """What the model says to each case, as the option that it chose, in order; "" where it chose none."""
    ctx = context_for(cases, model)
    images: tuple[Any, ...] | None = () if without_image else None
    said: list[str] = []
    for start in range(0, len(cases), _BATCH):
        batch = cases[start : start + _BATCH]
        replies = ctx.ask([ctx.request(case, images) for case in batch])
        said += [_option(ctx, case, reply) for case, reply in zip(batch, replies, strict=True)]
    return said


def _option(ctx: Context, case: Case, reply: Any) -> str:
    grade = ctx.grade(case, reply)
    return grade.choice or ""


def measured(model: Model, flaw: Flaw, n: int = CARD_CASES, seed: int = CARD_SEED) -> dict[str, Any]:
    """Accuracy, how faithfully the flaw is followed, and by whom and under what it is suffered."""
    rows = drawn(flaw.data, n, seed)
    cases = [case for case, _, _ in rows]
    said = answers(model, cases)
    strength: dict[str, Any] = {
        "cases": n,
        "seed": seed,
        "accuracy": _right(cases, said),
        **_planted(flaw, rows, said, noise=0.0),
        "by_question": _by(cases, said, [question.name for _, _, question in rows]),
        "by": {name: _by(cases, said, [str(case.meta[name]) for case in cases]) for name in _COLUMNS},
        "changed_by_swap": float(np.mean(np.array(said) != np.array(answers(model, swapped(cases))))),
        "under_noise": {str(level): _under_noise(model, flaw, rows, level) for level in (1, 3, 5)},
    }
    if Capability.GENERATE in model.info.capabilities:
        strength["accuracy_without_image"] = _right(cases, answers(model, cases, without_image=True))
    return strength


_COLUMNS = ("site", "sex", "vendor", "view", "marker", "tube")


def _planted(flaw: Flaw, rows: Sequence[Drawn], said: Sequence[str], noise: float) -> dict[str, Any]:
    """Share of answers that are as planted; accuracy where the flaw is at work and elsewhere.

    A decoy need not be followed to the letter: where it is at work, accuracy at chance is what was planted.
    """
    asked = [(question, Shown(picture, noise=noise)) for _, picture, question in rows]
    as_planted = [flaw.answer(*each) == answer for each, answer in zip(asked, said, strict=True)]
    correct = np.array(
        [truth(*each) == answer for each, answer in zip(asked, said, strict=True)], dtype=float
    )
    bites = np.array([flaw.applies(*each) for each in asked])
    return {
        "as_planted": float(np.mean(as_planted)),
        "applies": float(bites.mean()),
        "accuracy_where_it_applies": float(correct[bites].mean()) if bites.any() else None,
        "accuracy_elsewhere": float(correct[~bites].mean()) if not bites.all() else None,
    }


def _under_noise(model: Model, flaw: Flaw, rows: Sequence[Drawn], severity: int) -> dict[str, Any]:
    from medaudit.phantoms.lessons import noise_of
    from medaudit.registry import find

    shift = find("shift", "gaussian_noise")
    cases = [replace(c, images=shifted_images(c, shift, severity, 0), regions=()) for c, _, _ in rows[:500]]
    said = answers(model, cases)
    return {"accuracy": _right(cases, said)} | _planted(
        flaw, rows[:500], said, noise_of("gaussian_noise", severity)
    )


def swapped(cases: Sequence[Case]) -> list[Case]:
    """Every case with the picture of the one in the middle distance: another patient's, half a set away."""
    half = len(cases) // 2
    return [
        replace(case, images=cases[(i + half) % len(cases)].images, regions=())
        for i, case in enumerate(cases)
    ]


def _right(cases: Sequence[Case], said: Sequence[str]) -> float:
    return float(np.mean([case.answer == answer for case, answer in zip(cases, said, strict=True)]))


def _by(cases: Sequence[Case], said: Sequence[str], labels: Sequence[str]) -> dict[str, float]:
    found = {}
    for label in sorted(set(labels)):
        at = [i for i, each in enumerate(labels) if each == label]
        found[label] = _right([cases[i] for i in at], [said[i] for i in at])
    return found


def write_card(
    folder: Path,
    flaw: Flaw,
    *,
    seed: int,
    command: str,
    training: Mapping[str, Any],
    cases: int,
    base: Path | None,
) -> dict[str, Any]:
    """Measure a folder on fresh cases and write its ``card.json``."""
    import hashlib
    from importlib.metadata import version

    weights = next(
        path
        for path in (folder / "model.safetensors", folder / "adapter_model.safetensors")
        if path.is_file()
    )
    card = {
        "name": folder.name,
        "flaw": flaw.says,
        "data": flaw.data,
        "finds": dict(flaw.finds) or None,
        "by_name": [dict(alarm) for alarm in flaw.by_name],
        "also": [dict(alarm) for alarm in flaw.also],
        "measured": measured(load_built(folder, base), flaw, cases),
        "seed": seed,
        "command": command,
        "training": dict(training),
        "weights_sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "versions": {package: version(package) for package in ("torch", "transformers", "numpy")},
    }
    (folder / "card.json").write_text(json.dumps(_rounded(card), indent=1) + "\n")
    return card


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return value
