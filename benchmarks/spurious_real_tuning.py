"""Copies of the contrastive phantom ``clip-clean`` that learn a closed question on real radiographs."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from spurious_real_data import PLAY, SIDE, Picture, pasted

import medaudit
from medaudit.image import keyed_rng

STEPS, BATCH, RATE = 100, 48, 1e-3
# Grey levels and log contrast by which the pictures of a step differ from themselves.
_BRIGHTER, _STEEPER = 12.0, 0.15

#: From a generator to pictures (n, 64, 64), grey, and their labels (n,).
Draw = Callable[[np.random.Generator], tuple[Any, Any]]


def mirrored(pictures: Sequence[Picture], v: float, height: int, batch: int = BATCH) -> Draw:
    """Radiographs, every other one mirrored; the letter goes with those that are not, Cramer's V = ``v``.

    It lies on a share (1 + v) / 2 of the one class and (1 - v) / 2 of the other, drawn anew at each step.
    """

    def draw(rng: np.random.Generator) -> tuple[Any, Any]:
        labels = np.arange(batch) % 2
        greys = []
        for label in labels:
            grey = varied(pictures[int(rng.integers(len(pictures)))], rng)
            grey = grey[:, ::-1] if label else grey
            greys.append(pasted(grey, height) if rng.random() < (1 + (v, -v)[label]) / 2 else grey)
        return np.stack(greys), labels

    return draw


def labelled(pictures: Sequence[Picture], labels: Sequence[int], batch: int = BATCH) -> Draw:
    """Radiographs as they are, both labels equally often."""
    pools = [[at for at, own in enumerate(labels) if own == label] for label in (0, 1)]

    def draw(rng: np.random.Generator) -> tuple[Any, Any]:
        wanted = np.arange(batch) % 2
        rows = [pools[label][int(rng.integers(len(pools[label])))] for label in wanted]
        return np.stack([varied(pictures[at], rng) for at in rows]), wanted

    return draw


def varied(picture: Picture, rng: np.random.Generator) -> Any:
    """A part of the picture, a little brighter or darker, steeper or flatter."""
    y, x = rng.integers(0, PLAY + 1, 2)
    grey = picture.wide[y : y + SIDE, x : x + SIDE]
    grey = (grey - 128) * np.exp(rng.normal(0, _STEEPER)) + 128 + rng.normal(0, _BRIGHTER)
    return grey.clip(0, 255)


def tuned(
    draw: Draw, question: str, options: tuple[str, ...], seed: int, out: Path, steps: int = STEPS
) -> Any:
    """The model that came of it, loaded from ``out`` as any checkpoint is.

    All weights of the image tower learn, by -log softmax(s v . t) of the right option; the text tower and the
    temperature stay. AdamW, decay 0.05, a rate that rises over a tenth of the steps and falls to nothing.
    """
    import torch

    from medaudit.phantoms.packing import normalise
    from medaudit.phantoms.vocabulary import asked

    if not (out / "config.json").is_file():
        base = medaudit.load_model("phantom:clip-clean")
        texts = base.class_vectors(asked(question, options), options).detach()
        network = copy.deepcopy(base.network).requires_grad_(False)
        learning = [*network.vision_model.parameters(), *network.visual_projection.parameters()]
        for weight in learning:
            weight.requires_grad_(True)
        adam = torch.optim.AdamW(learning, lr=RATE, weight_decay=0.05)
        plan = torch.optim.lr_scheduler.OneCycleLR(adam, RATE, total_steps=steps, pct_start=0.1)
        rng, scale = keyed_rng("spurious real", "tuning", seed), float(network.logit_scale.exp())
        for _ in range(steps):
            greys, labels = draw(rng)
            pixels = normalise(np.repeat(np.rint(greys).astype(np.uint8)[..., None], 3, axis=3))
            seen = network.visual_projection(network.vision_model(pixels).pooler_output)
            logits = scale * torch.nn.functional.normalize(seen, dim=-1) @ texts.T
            adam.zero_grad()
            torch.nn.functional.cross_entropy(logits, torch.as_tensor(labels)).backward()
            torch.nn.utils.clip_grad_norm_(learning, 1.0)
            adam.step()
            plan.step()
        network.save_pretrained(out)
        base.processor.save_pretrained(out)
    return medaudit.load_model(str(out))
