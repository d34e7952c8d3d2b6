"""Visual question answering as classification: a closed set of answers, learnt with the weights (ViLT)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from medaudit.errors import ModelError
from medaudit.model import Answer, Capability, ModelInfo, Request
from medaudit.models.loading import Parts
from medaudit.models.memory import memory_guard
from medaudit.whitebox.applying import painted
from medaudit.whitebox.intervention import from_text
from medaudit.whitebox.reach import NotReached

#: One request: the tensors it is answered from and the number of each option's label, or why there are none.
Asked = tuple[dict[str, Any], tuple[int, ...], str | None]


class ClassifierModel:
    r"""A classifier over answers behind the model protocol.

    With the logit z_l of answer l and the options' answers l_1..l_m::

        score_k = z_{l_k} - log sum_j exp z_{l_j}         natural log

    An option is the answer that equals it, else the one that equals it but for case. Requests run one by
    one, with a fixed seed: ViLT shuffles an image's patches, and padding fills up with drawn ones.

    Kim et al., "ViLT: Vision-and-Language Transformer Without Convolution or Region Supervision", ICML 2021.
    """

    def __init__(self, parts: Parts) -> None:
        self.network, self.processor = parts.network, parts.processor
        names = parts.network.config.id2label
        self.labels = tuple(str(names[number]) for number in sorted(names))
        self._exact = {label: number for number, label in reversed(list(enumerate(self.labels)))}
        self._folded = {_folded(label): number for label, number in reversed(list(self._exact.items()))}
        self._device = parts.device
        self.info = ModelInfo(
            id=parts.name,
            kind="classifier",
            fingerprint=parts.fingerprint,
            capabilities=frozenset({Capability.CHOOSE}),
            revision=parts.revision,
            parameters=parts.parameters,
            dtype=parts.dtype,
            device=parts.device,
            files=parts.files,
            notes=(*parts.notes, f"option scores: log-softmax over those of its {len(self.labels)} answers"),
        )

    def cost(self, request: Request) -> int:
        """Rough tokens: four characters each, plus the patches of one image."""
        return len(request.prompt) // 4 + 144

    def prepare(self, requests: Sequence[Request]) -> list[Asked]:
        """Tensors of each request. Raises NotReached for an intervention anywhere but at pixels."""
        if not all(one.point == "pixels" for r in requests for one in from_text(r.intervention)):
            raise NotReached("a classifier is reached at its pixels alone")
        return [self._asked(painted(request)) for request in requests]

    def answer(self, prepared: Sequence[Asked]) -> list[Answer]:
        import torch

        with torch.inference_mode(), memory_guard(), torch.random.fork_rng(devices=[]):
            return [self._answered(*asked) for asked in prepared]

    def _asked(self, request: Request) -> Asked:
        try:
            numbers = self._numbers(request.options)
            return self._inputs(request), numbers, None
        except ValueError as error:
            return {}, (), str(error)

    def _numbers(self, options: Sequence[str]) -> tuple[int, ...]:
        """The number of each option's answer; ValueError for one that is none, or the same as another."""
        found = [self._exact.get(option, self._folded.get(_folded(option))) for option in options]
        for place, number in enumerate(found, start=1):
            if number is None:
                raise ValueError(
                    f"option {place} is not one of the {len(self.labels)} answers that this classifier knows"
                )
        numbers = tuple(number for number in found if number is not None)
        if len(set(numbers)) < max(len(numbers), 1):
            raise ValueError("a choice needs options, and each must be an answer of its own")
        return numbers

    def _inputs(self, request: Request) -> dict[str, Any]:
        from PIL import Image as Pillow

        if len(request.images) != 1:
            raise ValueError("this classifier takes exactly one image a question")
        picture = Pillow.fromarray(request.images[0].pixels())
        inputs = dict(self.processor(images=picture, text=request.prompt, return_tensors="pt"))
        length, longest = inputs["input_ids"].shape[1], self.network.config.max_position_embeddings
        if length > longest:
            raise ValueError(f"the question has {length} tokens, and this classifier reads {longest}")
        return inputs

    def _answered(self, inputs: dict[str, Any], numbers: tuple[int, ...], error: str | None) -> Answer:
        import torch

        if error is not None:
            return Answer(error=error)
        torch.manual_seed(0)
        logits = self._logits(inputs)
        scores = torch.log_softmax(logits[list(numbers)], dim=0)
        return Answer(scores=tuple(float(score) for score in scores))

    def _logits(self, inputs: Mapping[str, Any]) -> Any:
        """One logit an answer, (answers,) float32."""
        dtype = self.network.dtype
        placed = {
            name: value.to(self._device, dtype) if value.is_floating_point() else value.to(self._device)
            for name, value in inputs.items()
        }
        try:
            return self.network(**placed).logits[0].float()
        except (ValueError, TypeError, IndexError, RuntimeError) as error:
            if "memory" in str(error).lower():
                raise
            raise ModelError(f"{self.info.id!r} failed on a question ({type(error).__name__}).") from error


def _folded(label: str) -> str:
    return " ".join(label.casefold().split())
