"""What a probe is given: the cases, a way to ask, a way to judge, and the seeds. Nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from medaudit.model import Answer, Capability, ModelInfo, Request
from medaudit.prompting import prompt_for

if TYPE_CHECKING:
    from medaudit.case import Case
    from medaudit.grading import Grade
    from medaudit.image import Image
    from medaudit.registry import Shift


@dataclass(frozen=True)
class Context:
    """One audit's cases and its only way to the model.

    ``ask`` takes any number of requests, asks each distinct one once (from the store if it is there) and
    returns answers in order. ``mode`` is how closed questions are put: ``generate`` or ``choose``.
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

    @property
    def askable(self) -> tuple[Case, ...]:
        """Cases that this model can be asked: a model that only chooses is not asked open questions."""
        if Capability.GENERATE in self.model.capabilities:
            return self.cases
        return tuple(case for case in self.cases if case.closed)
