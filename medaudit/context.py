"""What a probe is given: the cases, a way to ask, a way to judge, and the seeds. Nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, overload

from medaudit import embeddings
from medaudit.errors import NotApplicableError, UsageError
from medaudit.model import Answer, Capability, ModelInfo, Request
from medaudit.prompting import prompt_for

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from medaudit.case import Case
    from medaudit.grading import Grade
    from medaudit.image import Image
    from medaudit.registry import Shift
    from medaudit.teaching import Teaching, Tuned

    Vectors = NDArray[np.float32]
    Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Context:
    """One audit's cases and its only way to the model.

    ``ask`` takes any number of requests, asks each distinct one once (from the store if it is there) and
    returns answers in order. ``mode`` is how closed questions are put: ``generate`` or ``choose``.
    ``teach`` makes tuned copies, where there are weights to tune: see :meth:`tuned`.
    """

    cases: tuple[Case, ...]
    model: ModelInfo
    ask: Callable[[Sequence[Request]], list[Answer]]
    mode: Capability = Capability.GENERATE
    seed: int = 0
    confidence: float = 0.95
    resamples: int = 2000
    min_n: int = 10
    shifts: Mapping[str, Shift] = field(default_factory=dict)
    teach: Callable[[Teaching], Tuned] | None = None

    def request(
        self,
        case: Case,
        images: tuple[Image, ...] | None = None,
        *,
        replicate: int = 0,
        alone: bool = False,
    ) -> Request:
        """The request for a case, with its own images unless others are given (``()`` for none)."""
        task = self.mode if case.closed else Capability.GENERATE
        return Request(
            task=task,
            images=case.images if images is None else images,
            prompt=prompt_for(case, letters=task is Capability.GENERATE),
            options=case.options if task is Capability.CHOOSE else (),
            replicate=replicate,
            alone=alone,
        )

    def grade(self, case: Case, answer: Answer) -> Grade:
        """Judge one answer; see :func:`medaudit.grading.grade`."""
        from medaudit.grading import grade

        return grade(case, answer)

    @overload
    def embed(
        self, images: Sequence[Image], *, where: str = ..., boxes: None = ..., prompt: str = ...
    ) -> Vectors: ...
    @overload
    def embed(
        self, images: Sequence[Image], *, where: str = ..., boxes: Sequence[Sequence[Box]], prompt: str = ...
    ) -> list[Vectors]: ...
    def embed(
        self,
        images: Sequence[Image],
        *,
        where: str = "",
        boxes: Sequence[Sequence[Box]] | None = None,
        prompt: str = "",
    ) -> Vectors | list[Vectors]:
        """Where does the model place each image, or each region of it? Unit vectors, float32.

        Without ``boxes``: (n, d). ``where`` names the embedding, see :data:`medaudit.embeddings.WHERE`;
        ``prompt`` is the question at ``answer``. With ``boxes``, one list an image in pixels of the
        original, half-open: a list of (boxes, d), from one pass an image. With token states h_i and cells
        c_i (the rectangle of the
        original that token i looks at, cut at the image's edges)::

            v(box) = sum_i w_i h_i / sum_i w_i        w_i = area(c_i and box) / area(c_i)

        after the last block of the vision tower, then through a contrastive model's own norm, pooling and
        projection; at ``projector`` over the tokens that enter the language model. Attention has mixed
        the tokens by then: a region's vector knows its surroundings, and is not the vector of its crop
        (:func:`medaudit.crops.cropped`).

        Rows are NaN where an image could not be embedded (the run is then incomplete), and where the
        model does not look at a box (a cropped border). Raises UsageError for an unknown ``where`` or an
        empty box, NotApplicableError where the model has no such embedding, or its tokens have no place.

        He et al., Mask R-CNN, ICCV 2017, section 3 (RoIAlign); Varma et al., RaVL, NeurIPS 2024, section 3.
        """
        embeddings.needed(self.model)
        if boxes is None:
            return embeddings.of_images(self.ask, images, where, prompt)
        if prompt:
            raise UsageError("A prompt changes the embedding at 'answer' alone, which has no boxes.")
        return embeddings.of_regions(self.ask, images, boxes, where)

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Where does a contrastive model place each text? Unit vectors (n, d), in the space of its images."""
        embeddings.needed(self.model)
        return embeddings.of_texts(self.ask, texts)

    def tuned(self, teaching: Teaching) -> tuple[Context, Tuned]:
        """What would the model be if it had learnt this? The same audit with a tuned copy in its place.

        The copy has a fingerprint of its own, from the model's and the teaching's digest; its answers are
        batched, stored and resumed like the model's, and it is tuned only where one of them is missing.
        Nothing is kept but answers. Raises NotApplicableError for a model that cannot be tuned.
        """
        if self.teach is None:
            raise NotApplicableError(f"{self.model.id!r} cannot be tuned: its weights are not at hand.")
        copy = self.teach(teaching)
        return replace(self, model=copy.info, ask=copy.ask, teach=None), copy

    @property
    def askable(self) -> tuple[Case, ...]:
        """Cases that this model can be asked: a model that only chooses is not asked open questions."""
        if Capability.GENERATE in self.model.capabilities:
            return self.cases
        return tuple(case for case in self.cases if case.closed)
