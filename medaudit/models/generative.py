"""Generative vision-language models: free text, and the likelihood of given options."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from functools import cached_property
from typing import Any

from medaudit.errors import ModelError
from medaudit.model import Answer, Capability, ModelInfo, Request
from medaudit.models.denoising import read_in_order, remarks
from medaudit.models.embedding import EmbedBatch, Embedder
from medaudit.models.framed import closed
from medaudit.models.inputs import NO_TEXT_ALONE, Group, InputBuilder, written
from medaudit.models.layouts import ends
from medaudit.models.loading import Parts
from medaudit.models.memory import memory_guard
from medaudit.models.positions import forget
from medaudit.models.scorer import Scorer
from medaudit.models.vision_ops import huggingface
from medaudit.models.white_box import WHITE_BOX, WhiteBox
from medaudit.whitebox.applying import applied, prepared_groups


class GenerativeModel(WhiteBox):
    """A Hugging Face image-text-to-text checkpoint behind the model protocol.

    Text is greedy: one beam, no sampling, no penalty, whatever the checkpoint's generation settings say.
    """

    def __init__(self, parts: Parts) -> None:
        self.network, self.processor = read_in_order(parts.network), parts.processor
        self.builder = InputBuilder(parts.processor, parts.network)
        # A second tokenizer: `prepare` runs on another thread, and a fast tokenizer cannot be shared.
        self._decoder = deepcopy(self.builder.tokenizer)
        self._device = parts.device
        self.embedder = Embedder()
        pad = self.builder.tokenizer.pad_token_id
        own = self.network.generation_config
        self.network.generation_config = _greedy(own, self.builder.tokenizer, ends(parts.processor))
        self.scorer = Scorer(parts.network, parts.dtype, 0 if pad is None else pad)
        self._info = ModelInfo(
            id=parts.name,
            kind="generative",
            fingerprint=parts.fingerprint,
            capabilities=frozenset({Capability.GENERATE, Capability.CHOOSE, Capability.EMBED, *WHITE_BOX}),
            revision=parts.revision,
            parameters=parts.parameters,
            dtype=parts.dtype,
            device=parts.device,
            files=parts.files,
            notes=(*parts.notes, *remarks(self.network)),
            takes_text_alone=self.builder.takes_text_alone(),
        )

    @property
    def info(self) -> ModelInfo:
        """What audit.json says; scoring route and embeddings join the notes once they are known."""
        found = (*filter(None, [self.scorer.note]), *self.embedder.notes)
        return replace(self._info, notes=(*self._info.notes, *found)) if found else self._info

    def cost(self, request: Request) -> int:
        """Rough tokens: four characters each, plus the image tokens."""
        text = len(request.prompt) + sum(map(len, request.options))
        return text // 4 + self._image_tokens * len(request.images)

    @cached_property
    def _image_tokens(self) -> int:
        config = self.network.config
        vision = getattr(config, "vision_config", None)
        size, patch = (getattr(vision, name, None) for name in ("image_size", "patch_size"))
        known = getattr(config, "image_seq_length", None)
        if isinstance(size, int) and isinstance(patch, int):
            return max((size // patch) ** 2, 1)
        return known if isinstance(known, int) else 256

    def prepare(self, requests: Sequence[Request]) -> tuple[int, list[Group]] | EmbedBatch:
        if requests[0].task is Capability.EMBED:
            return self.embedder.prepare(self, requests)
        return len(requests), prepared_groups(self, requests)

    def answer(self, prepared: tuple[int, list[Group]] | EmbedBatch) -> list[Answer]:
        import torch

        if isinstance(prepared, EmbedBatch):
            return self.embedder.answers(self, prepared)
        number, groups = prepared
        answers = [Answer(error="not asked")] * number
        for group in groups:
            with torch.inference_mode():
                for place, answer in zip(group.places, self._answers(group), strict=True):
                    answers[place] = answer
        return answers

    def brute_force(self, prepared: tuple[int, list[Group]]) -> list[Answer]:
        """Answer ``choose`` requests by the reference route: one full pass an option."""
        import torch

        answers = [Answer(error="not asked")] * prepared[0]
        for group in prepared[1]:
            if group.error is not None:
                continue
            with torch.inference_mode(), memory_guard(), applied(self, group):
                scores = self.scorer.exact(self._placed(group), group.options)
            for place, row, options in zip(group.places, scores, group.options, strict=True):
                answers[place] = Answer(scores=tuple(row), lengths=tuple(map(len, options)))
        return answers

    def image_tokens(self, request: Request) -> tuple[int, int]:
        """Image positions in the request's sequence, and its length; 0 where there are none."""
        (group,) = self.builder.groups([request])
        ids = written(group.inputs)
        known = self.builder.image_id
        return (0 if known is None else int((ids == known).sum())), int(ids.shape[1])

    def _answers(self, group: Group) -> list[Answer]:
        if group.error is not None:
            return [Answer(error=group.error)] * len(group.places)
        try:
            with memory_guard(), applied(self, group):
                return self._choose(group) if group.options else self._generate(group)
        except (ValueError, TypeError, IndexError, KeyError, AttributeError, RuntimeError) as error:
            if not group.pictured:
                return [Answer(error=f"{NO_TEXT_ALONE} ({type(error).__name__})")] * len(group.places)
            # No text of the error: it may quote the prompt.
            raise ModelError(
                f"{self._info.id!r} failed on a batch ({type(error).__name__}). "
                "Type `medaudit check MODEL` to see what works."
            ) from error

    def _choose(self, group: Group) -> list[Answer]:
        # The fast route is compared with full passes on untouched networks only.
        route = self.scorer.exact if group.edits else self.scorer.scores
        scores = route(self._placed(group), group.options)
        return [
            Answer(scores=tuple(row), lengths=tuple(len(ids) for ids in options))
            for row, options in zip(scores, group.options, strict=True)
        ]

    def _generate(self, group: Group) -> list[Answer]:
        inputs = self._placed(group)
        forget(self.network)
        given_inputs = closed(self.network.config, inputs)
        out = self.network.generate(**given_inputs, max_new_tokens=group.max_new_tokens)
        prompt = written(group.inputs)
        given = prompt.shape[1]
        # Types that start from embeddings, or from an encoder's text, return the new tokens only.
        echoed = out.shape[1] >= given and bool((out[:, :given].cpu() == prompt).all())
        alone = self.network.config.is_encoder_decoder and "decoder_input_ids" not in group.inputs
        new = out[:, given:] if echoed and not alone else out
        texts = self._decoder.batch_decode(new, skip_special_tokens=True)
        return [Answer(text=text.strip()) for text in texts]

    def _placed(self, group: Group) -> dict[str, Any]:
        """Fresh tensors on the model's device, floats in the model's dtype."""
        dtype = self.network.dtype
        placed = {}
        for name, value in group.inputs.items():
            if not hasattr(value, "clone"):
                placed[name] = value
            elif value.is_floating_point():
                placed[name] = value.to(self._device, dtype, copy=True)
            else:
                placed[name] = value.to(self._device, copy=True)
        return placed


def _greedy(own: Any, tokenizer: Any, more: list[int]) -> Any:
    """The checkpoint's own token ids, and ``more`` that end an answer; nothing else of its settings."""
    kept = {
        name: getattr(own, name, None)
        for name in ("bos_token_id", "eos_token_id", "decoder_start_token_id", "forced_bos_token_id")
    }
    if kept["eos_token_id"] is None:
        kept["eos_token_id"] = tokenizer.eos_token_id
    if more:
        known = kept["eos_token_id"]
        several = known if isinstance(known, list) else [known]
        kept["eos_token_id"] = [token for token in [*several, *more] if token is not None]
    padding = tokenizer.pad_token_id
    if padding is None:
        padding = getattr(own, "pad_token_id", None)
    return huggingface().GenerationConfig(**kept, pad_token_id=padding, do_sample=False, num_beams=1)
