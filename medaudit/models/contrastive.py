"""Contrastive vision-language models (CLIP, SigLIP and kin): options as class prompts."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from medaudit.errors import ModelError
from medaudit.model import Answer, Capability, ModelInfo, Request
from medaudit.models.class_prompts import class_prompts
from medaudit.models.clips import see_pictures
from medaudit.models.joint_embedding import EmbedBatch, JointEmbedder
from medaudit.models.loading import Parts
from medaudit.models.memory import memory_guard
from medaudit.models.retrieval import with_towers
from medaudit.models.white_box import WHITE_BOX, WhiteBox
from medaudit.rendering import render
from medaudit.whitebox.applying import apart, edits_of, painted
from medaudit.whitebox.intervening import intervening

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from medaudit.image import Image

    Vectors = NDArray[np.float32]

#: Text embeddings kept per model; a closed question has a handful, an audit seldom thousands.
KEPT_TEXTS = 8192


@dataclass(frozen=True)
class Batch:
    """``pixels`` are processed images of all requests in a row; ``texts[request][option][template]``.

    Requests with interventions are ``parts``: their places, and a batch of those that are edited alike.
    """

    images: tuple[int, ...]
    pixels: dict[str, Any]
    texts: tuple[tuple[tuple[str, ...], ...], ...]
    edits: tuple[Any, ...] = ()
    parts: tuple[tuple[tuple[int, ...], Batch], ...] = ()


class ContrastiveModel(WhiteBox):
    r"""A zero-shot image classifier behind the model protocol.

    With unit embeddings v of the image (the mean over several images) and t_k of option k (the mean over
    its templates, made unit again) and the model's temperature s::

        score_k = log softmax_k(s v . t_k)

    Sigmoid models (SigLIP) are scored by the same softmax: their bias is common to all options, so the
    ranking is that of their logits, and the options' probabilities sum to 1. Where a type has several
    embeddings of an image (BLIP-2), v is the one most like t_k.
    """

    def __init__(self, parts: Parts) -> None:
        self.network, self.processor = with_towers(parts.network), parts.processor
        see_pictures(self.network, self.processor)
        for name in ("get_image_features", "get_text_features"):
            if not hasattr(self.network, name):
                raise ModelError(
                    f"{parts.name!r} ({self.network.config.model_type}) gives no separate image and text "
                    "embeddings, so it cannot be scored. Use a CLIP-like checkpoint."
                )
        self._texts: OrderedDict[str, Any] = OrderedDict()
        self._device = parts.device
        self.embedder = JointEmbedder()
        self._info = ModelInfo(
            id=parts.name,
            kind="contrastive",
            fingerprint=parts.fingerprint,
            capabilities=frozenset({Capability.CHOOSE, Capability.EMBED, *WHITE_BOX}),
            revision=parts.revision,
            parameters=parts.parameters,
            dtype=parts.dtype,
            device=parts.device,
            files=parts.files,
            notes=(*parts.notes, "option scores: log-softmax over class prompts, several templates each"),
        )

    @property
    def info(self) -> ModelInfo:
        """What audit.json says; which embeddings were read joins the notes once any was."""
        return replace(self._info, notes=(*self._info.notes, *self.embedder.notes))

    def cost(self, request: Request) -> int:
        """Images, in tokens of a small vision tower: texts are embedded once and kept."""
        return 64 * max(len(request.images), 1)

    def prepare(self, requests: Sequence[Request]) -> Batch | EmbedBatch:
        if requests[0].task is Capability.EMBED:
            return self.embedder.prepare(self, requests)
        if not any(request.intervention for request in requests):
            return self._batch(requests)
        parts = [
            (tuple(places), self._edited([requests[place] for place in places]))
            for places in apart(requests).values()
        ]
        return Batch((0,) * len(requests), {}, (), parts=tuple(parts))

    def _edited(self, requests: Sequence[Request]) -> Batch:
        batch = self._batch([painted(request) for request in requests])
        return replace(batch, edits=edits_of(self, requests)) if batch.pixels else batch

    def _batch(self, requests: Sequence[Request]) -> Batch:
        images = [image for request in requests for image in request.images]
        return Batch(
            images=tuple(len(request.images) for request in requests),
            pixels=self._pixels(images) if images else {},
            texts=tuple(class_prompts(request.prompt, request.options) for request in requests),
        )

    def answer(self, prepared: Batch | EmbedBatch) -> list[Answer]:
        import torch

        if isinstance(prepared, EmbedBatch):
            return self.embedder.answers(self, prepared)
        if prepared.parts:
            return self._joined(prepared)
        with torch.inference_mode(), memory_guard():
            wanted = [text for options in prepared.texts for texts in options for text in texts]
            texts = self._text_vectors(list(dict.fromkeys(wanted)))
            images = self._seen(prepared) if prepared.pixels else None
            answers, start = [], 0
            for number, options in zip(prepared.images, prepared.texts, strict=True):
                if images is None or number == 0:
                    answers.append(Answer(error="no image: a contrastive model compares an image with texts"))
                    continue
                image = _unit(images[start : start + number].mean(dim=0))
                start += number
                scores = torch.log_softmax(self._scale() * _alike(_classes(texts, options), image), dim=0)
                answers.append(Answer(scores=tuple(float(score) for score in scores)))
        return answers

    def _joined(self, prepared: Batch) -> list[Answer]:
        answers = [Answer(error="not asked")] * len(prepared.images)
        for places, part in prepared.parts:
            for place, answer in zip(places, self.answer(part), strict=True):
                answers[place] = answer
        return answers

    def _seen(self, prepared: Batch) -> Any:
        """Unit embeddings of a batch's images, with its edits in force."""
        if not prepared.edits:
            return self._image_vectors(prepared.pixels)
        with intervening(self, self._placed(prepared.pixels), prepared.edits):
            return self._image_vectors(prepared.pixels)

    def similarities(self, pixels: dict[str, Any], prompt: str, options: Sequence[str]) -> Any:
        """s v . t_k of one request, (options,), differentiable in its placed ``pixels``."""
        image = _unit(self._image_vectors(pixels).mean(dim=0))
        return self._scale() * _alike(self.class_vectors(prompt, options), image)

    def class_vectors(self, prompt: str, options: Sequence[str]) -> Any:
        """t_k of each option, (options, d); differentiable where its texts were not embedded before."""
        several = class_prompts(prompt, tuple(options))
        known = self._text_vectors([text for texts in several for text in texts])
        # Kept embeddings come from inference mode, which autograd refuses; a copy is an ordinary tensor.
        known = {text: vector.clone() for text, vector in known.items()}
        return _classes(known, several)

    def placed_pixels(self, images: Sequence[Image]) -> dict[str, Any]:
        """Processed images on the model's device, floats in the model's dtype."""
        return self._placed(self._pixels(images))

    def embed_images(self, images: Sequence[Image]) -> Vectors:
        """Unit embeddings, (n, d) float32; the mean where a type has several for an image."""
        import torch

        with torch.inference_mode(), memory_guard():
            found = self._image_vectors(self._pixels(images))
            vectors: Vectors = (found if found.dim() == 2 else _unit(found.mean(dim=1))).cpu().numpy()
        return vectors

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Unit embeddings, (n, d) float32."""
        import torch

        with torch.inference_mode(), memory_guard():
            known = self._text_vectors(list(dict.fromkeys(texts)))
            vectors: Vectors = torch.stack([known[text] for text in texts]).cpu().numpy()
        return vectors

    def _pixels(self, images: Sequence[Image]) -> dict[str, Any]:
        from PIL import Image as Pillow

        pictures = [Pillow.fromarray(pixels) for pixels in render(images, self._device)]
        return dict(self.processor.image_processor(images=pictures, return_tensors="pt"))

    def _placed(self, pixels: dict[str, Any]) -> dict[str, Any]:
        dtype = self.network.dtype
        return {
            name: value.to(self._device, dtype) if value.is_floating_point() else value.to(self._device)
            for name, value in pixels.items()
        }

    def _image_vectors(self, pixels: dict[str, Any]) -> Any:
        return _unit(_pooled(self.network.get_image_features(**self._placed(pixels))))

    def _text_vectors(self, texts: list[str]) -> dict[str, Any]:
        missing = [text for text in texts if text not in self._texts]
        if missing:
            for text, vector in zip(missing, self._encoded(missing), strict=True):
                self._texts[text] = vector
        found = {text: self._texts[text] for text in texts}
        while len(self._texts) > KEPT_TEXTS:
            self._texts.popitem(last=False)
        return found

    def _encoded(self, texts: list[str]) -> Any:
        config = getattr(self.network.config, "text_config", self.network.config)
        longest = getattr(config, "max_position_embeddings", None) or 64
        # One length for all: what a text is embedded with cannot change its embedding, and SigLIP was
        # trained on padded texts.
        tokens = self.processor.tokenizer(
            texts, padding="max_length", max_length=min(longest, 512), truncation=True, return_tensors="pt"
        )
        placed = {name: value.to(self._device) for name, value in tokens.items()}
        return _unit(_pooled(self.network.get_text_features(**placed)))

    def _scale(self) -> float:
        if hasattr(self.network, "logit_scale"):
            return float(self.network.logit_scale.detach().exp())
        temperature = getattr(self.network, "temperature", None)
        return 1.0 if temperature is None else 1.0 / float(temperature)


def _classes(vectors: dict[str, Any], options: Sequence[Sequence[str]]) -> Any:
    """One unit vector per option, (options, d): the mean over its templates."""
    import torch

    return torch.stack([_unit(torch.stack([vectors[t] for t in several]).mean(dim=0)) for several in options])


def _alike(classes: Any, image: Any) -> Any:
    """v . t_k, (options,); the largest over the image's embeddings where it has several, (queries, d)."""
    return classes @ image if image.dim() == 1 else (classes @ image.T).amax(dim=-1)


def _pooled(output: Any) -> Any:
    # A pooling head may leave an axis of its one query.
    return getattr(output, "pooler_output", output).squeeze(1)


def _unit(vectors: Any) -> Any:
    vectors = vectors.float()
    return vectors / vectors.norm(dim=-1, keepdim=True).clamp(min=1e-12)
