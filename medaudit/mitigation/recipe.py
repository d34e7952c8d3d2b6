"""Bounded tuning of a contrastive model's image tower away from one kind of region."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medaudit.errors import NotApplicableError, UsageError
from medaudit.mitigation.loss import LAMBDA, TAU, region_aware_loss
from medaudit.mitigation.vectors import Sight

if TYPE_CHECKING:
    from medaudit.image import Image
    from medaudit.proposals import Box
    from medaudit.whitebox.tuning import TunedModel, TuningReport

#: Raise it when the same recipe would teach something else because this package tunes differently.
VERSION = 1
NOT_CONTRASTIVE = (
    "the loss compares regions with texts in one space of vectors, which only contrastive models have"
)


@dataclass(frozen=True)
class Lesson:
    """One labelled image: the place of its right option, -1 for none; its regions, and which are spurious."""

    image: Image
    label: int
    boxes: tuple[Box, ...] = ()
    spurious: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Recipe:
    """What a copy of a contrastive model learns: lessons on one closed question, by the region-aware loss.

    The text tower stays as it is: class vectors are computed once, before the first step, as the model's
    answers compare them. The blocks of the image tower learn through low-rank adapters (AdamW, no decay,
    gradients clipped at 1), ``steps`` of ``batch`` lessons each; see
    :func:`medaudit.whitebox.tuning.tune_by` for bounds. Which regions are spurious is fixed beforehand, by
    the model as it was: assigned by the one that moves, the partition would drift.

    ``lam`` 1 is the control: plain tuning on the same lessons, in the same order, from the same adapters.
    The publication trains all weights of the encoder, up to 100 epochs at 128 images a batch; what this
    recipe does not mend, that might. UsageError for settings out of bounds.

    Varma et al., RaVL, NeurIPS 2024, section 4 (arXiv:2411.04097).
    """

    prompt: str
    options: tuple[str, ...]
    lessons: tuple[Lesson, ...]
    lam: float = LAMBDA
    tau: float = TAU
    steps: int = 80
    batch: int = 16
    rank: int = 8
    learning_rate: float = 1e-3
    seed: int = 0

    def __post_init__(self) -> None:
        from medaudit.whitebox.tuning import check_bounds

        if not 0 <= self.lam <= 1 or not self.tau > 0:
            raise UsageError(f"lambda {self.lam}, tau {self.tau}: give lambda from 0 to 1, tau above 0.")
        check_bounds(self.steps, self.rank, self.learning_rate, max(1, len(self.lessons)), self.batch)
        for lesson in self.lessons:
            if not -1 <= lesson.label < len(self.options) or len(lesson.boxes) != len(lesson.spurious):
                raise UsageError("A lesson has the place of an option, or -1, and one mark for each box.")

    @property
    def digest(self) -> str:
        """What is taught, by content: equal digests teach equal models the same."""
        own = {name: value for name, value in vars(self).items() if name != "lessons"}
        taught = [
            [
                each.image.digest,
                int(each.label),
                [[int(side) for side in box] for box in each.boxes],
                [bool(mark) for mark in each.spurious],
            ]
            for each in self.lessons
        ]
        text = json.dumps([VERSION, own, taught], ensure_ascii=False, sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=20).hexdigest()

    def teach(self, model: Any) -> tuple[TunedModel, TuningReport]:
        """A tuned copy and what was done. Raises NotApplicableError for a model without a joint space."""
        from medaudit.whitebox.tuning import tune_by

        if model.info.kind != "contrastive":
            raise NotApplicableError(f"{model.info.id!r} ({model.info.kind}): {NOT_CONTRASTIVE}.")
        return tune_by(
            model,
            _Objective(self, model),
            len(self.lessons),
            steps=self.steps,
            rank=self.rank,
            learning_rate=self.learning_rate,
            seed=self.seed,
            target="vision",
            batch=self.batch,
        )


class _Objective:
    """The loss of a batch of lessons, in one part: its terms hang together."""

    def __init__(self, recipe: Recipe, model: Any) -> None:
        import torch

        self._recipe, self._sight = recipe, Sight(model)
        with torch.no_grad():
            self._texts = model.class_vectors(recipe.prompt, recipe.options)

    def __call__(self, learner: Any, chosen: Sequence[int]) -> Iterator[Any]:
        import torch

        recipe = self._recipe
        lessons = [recipe.lessons[place] for place in chosen]
        boxes = [lesson.boxes if recipe.lam < 1 else () for lesson in lessons]
        images, regions, kept = self._sight(learner, [lesson.image for lesson in lessons], boxes)
        marks = [(at, mark) for at, lesson in enumerate(lessons) if boxes[at] for mark in lesson.spurious]
        owners = torch.tensor([at for at, _ in marks], dtype=torch.int64)
        spurious = torch.tensor([mark for _, mark in marks], dtype=torch.bool)
        labels = torch.tensor([lesson.label for lesson in lessons])
        device = images.device
        yield region_aware_loss(
            images,
            regions,
            owners.to(device)[kept.to(device)],
            spurious.to(device)[kept.to(device)],
            self._texts,
            labels.to(device),
            tau=recipe.tau,
            lam=recipe.lam,
        )
