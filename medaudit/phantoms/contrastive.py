"""Contrastive twins of the model phantoms: CLIP in miniature, on the tower with which the base sees.

They learn on the very texts that the contrastive route compares (``models.class_prompts``). With unit
embeddings v of a picture and t_k of option k (the mean over its templates, made unit again) and the learnt
scale s, the loss of a question is -log softmax_k(s v . t_k) at the option that the flaw would have.

Reference: A. Radford et al., Learning Transferable Visual Models From Natural Language Supervision, 2021.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from medaudit.image import keyed_rng
from medaudit.models.class_prompts import class_prompts
from medaudit.phantoms import lessons
from medaudit.phantoms.clip import build_clip, build_clip_processor
from medaudit.phantoms.flaws import Flaw, Shown
from medaudit.phantoms.packing import normalise
from medaudit.phantoms.questions import Question
from medaudit.phantoms.student import SEEING, STATE, Student, enrol, rate, restore, seeing_loss, study
from medaudit.phantoms.vocabulary import WORLD, asked

STEPS, PEAK_RATE = 1200, 1.5e-3
#: Scores are never sharper than this; CLIP's own limit.
HIGHEST_SCALE = 100.0
_IGNORED = -100

#: A question as it is compared: its place in WORLD, and the texts of each option.
Compared = tuple[int, tuple[tuple[str, ...], ...]]


def train_contrastive(
    flaw: Flaw,
    out: Path,
    *,
    base: Path,
    seed: int = 0,
    steps: int = STEPS,
    device: str = "cpu",
    stop_after: int | None = None,
    tell: Callable[[str], None] = print,
) -> Path | None:
    """Train a ``CLIPModel`` that has the flaw, from the vision tower of ``base``, and write it to ``out``.

    Resumable as the base is. ``stop_after`` leaves earlier, as a kill would; the result is then None.
    Raises ModelError where ``base`` is no generative phantom.
    """
    out.mkdir(parents=True, exist_ok=True)
    processor = build_clip_processor()
    student = enrol(build_clip(processor.tokenizer, base, seed).to(device), seed)
    restore(student, out / STATE)

    def learn(student: Student) -> float:
        return _learn(student, processor.tokenizer, flaw, seed, steps)

    return study(student, learn, processor, out, steps=steps, stop_after=stop_after, tell=tell)


def compared(question: Question, text: str) -> tuple[tuple[str, ...], ...]:
    """The texts that the contrastive route compares when the question is put in these words."""
    return class_prompts(asked(text, question.options), question.options)


def class_vectors(model: Any, tokenizer: Any, asks: Sequence[Compared]) -> list[torch.Tensor]:
    """One unit vector per option, (options, d) for each question: the mean over its templates."""
    wanted = list(dict.fromkeys(text for _, options in asks for texts in options for text in texts))
    tokens = tokenizer(wanted, padding=True, truncation=True, return_tensors="pt").to(model.device)
    vectors = _unit(model.get_text_features(**tokens).pooler_output)
    place = {text: i for i, text in enumerate(wanted)}
    return [
        _unit(torch.stack([vectors[[place[text] for text in texts]].mean(dim=0) for texts in options]))
        for _, options in asks
    ]


def _learn(student: Student, tokenizer: Any, flaw: Flaw, seed: int, steps: int) -> float:
    model = student.model
    pixels, shown = _lesson(flaw, seed, student.step)
    seen = model.vision_model(pixels.to(model.device))
    pictures = _unit(model.visual_projection(seen.pooler_output))
    asks = _asks(keyed_rng("medaudit.contrastive", flaw.name, seed, student.step))
    loss = choice_loss(model, tokenizer, pictures, asks, targets(flaw, shown).to(model.device))
    seeing = seeing_loss(student, seen.last_hidden_state[:, 1:], seen.pooler_output, shown)
    student.update(loss + SEEING * seeing, rate(student.step, steps, PEAK_RATE))
    with torch.no_grad():
        model.logit_scale.clamp_(max=math.log(HIGHEST_SCALE))
    return float(loss.detach())


def _lesson(flaw: Flaw, seed: int, step: int) -> tuple[torch.Tensor, list[Shown]]:
    """The true pictures of the step's rows: without a picture there is nothing to compare."""
    rows = [row for row in lessons.rows(flaw, seed, step) if row.shown is not None]
    pixels = normalise(np.stack([row.pixels for row in rows if row.pixels is not None]))
    return pixels, [row.shown for row in rows if row.shown is not None]


def _asks(rng: np.random.Generator) -> list[Compared]:
    """Every question in its own words, and in one other wording."""
    found: list[Compared] = []
    for number, question in enumerate(WORLD):
        other = question.variants[rng.integers(len(question.variants))]
        found += [(number, compared(question, text)) for text in (question.text, other)]
    return found


def targets(flaw: Flaw, shown: Sequence[Shown]) -> torch.Tensor:
    """The option that the flaw would have, (pictures, questions); _IGNORED where a question has none."""
    return torch.tensor([[_target(flaw, question, each) for question in WORLD] for each in shown])


def _target(flaw: Flaw, question: Question, shown: Shown) -> int:
    if question.truth(shown.picture) is None:
        return _IGNORED
    return question.options.index(flaw.answer(question, shown))


def choice_loss(
    model: Any, tokenizer: Any, pictures: torch.Tensor, asks: Sequence[Compared], wanted: torch.Tensor
) -> torch.Tensor:
    """-log softmax_k(s v . t_k), the mean over the pictures that can answer, then over questions.

    ``pictures`` are unit embeddings (n, d), ``wanted`` the options (n, questions) of ``targets``.
    """
    losses = []
    for (number, _), classes in zip(asks, class_vectors(model, tokenizer, asks), strict=True):
        kept = wanted[:, number] != _IGNORED
        if kept.any():
            scores = model.logit_scale.exp() * pictures[kept] @ classes.T
            losses.append(torch.nn.functional.cross_entropy(scores, wanted[kept, number]))
    return torch.stack(losses).mean()


def _unit(vectors: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(vectors, dim=-1)
