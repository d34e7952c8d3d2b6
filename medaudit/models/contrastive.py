"""Contrastive vision-language models (CLIP, SigLIP and kin): options as class prompts."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medaudit.errors import ModelError
from medaudit.model import Answer, Capability, ModelInfo, Request
from medaudit.models.class_prompts import class_prompts
from medaudit.models.loading import Parts
from medaudit.models.memory import memory_guard

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from medaudit.image import Image

    Vectors = NDArray[np.float32]

#: Text embeddings kept per model; a closed question has a handful, an audit seldom thousands.
KEPT_TEXTS = 8192


@dataclass(frozen=True)
class Batch:
    """``pixels`` are processed images of all requests in a row; ``texts[request][option][template]``."""

    images: tuple[int, ...]
    pixels: dict[str, Any]
    texts: tuple[tuple[tuple[str, ...], ...], ...]


class ContrastiveModel:
    r"""A zero-shot image classifier behind the model protocol.

    With unit embeddings v of the image (the mean over several images) and t_k of option k (the mean over
    its templates, made unit again) and the model's temperature s::

        score_k = log softmax_k(s v . t_k)

    Sigmoid models (SigLIP) are scored by the same softmax: their bias is common to all options, so the
    ranking is that of their logits, and the options' probabilities sum to 1.
    """

    def __init__(self, parts: Parts) -> None:
        self.network, self.processor = parts.network, parts.processor
        for name in ("get_image_features", "get_text_features"):
            if not hasattr(self.network, name):
                raise ModelError(
                    f"{parts.name!r} ({self.network.config.model_type}) gives no separate image and text "
                    "embeddings, so it cannot be scored. Use a CLIP-like checkpoint."
                )
        self._texts: OrderedDict[str, Any] = OrderedDict()
        self._device = parts.device
        self.info = ModelInfo(
            id=parts.name,
            kind="contrastive",
            fingerprint=parts.fingerprint,
            capabilities=frozenset({Capability.CHOOSE, Capability.EMBED}),
            revision=parts.revision,
            parameters=parts.parameters,
            dtype=parts.dtype,
            device=parts.device,
            files=parts.files,
            notes=(*parts.notes, "option scores: log-softmax over class prompts, several templates each"),
        )

    def cost(self, request: Request) -> int:
        """Images, in tokens of a small vision tower: texts are embedded once and kept."""
        return 64 * max(len(request.images), 1)

    def prepare(self, requests: Sequence[Request]) -> Batch:
        images = [image for request in requests for image in request.images]
        return Batch(
            images=tuple(len(request.images) for request in requests),
            pixels=self._pixels(images) if images else {},
            texts=tuple(class_prompts(request.prompt, request.options) for request in requests),
        )

    def answer(self, prepared: Batch) -> list[Answer]:
        import torch

        with torch.inference_mode(), memory_guard():
            wanted = [text for options in prepared.texts for texts in options for text in texts]
            texts = self._text_vectors(list(dict.fromkeys(wanted)))
            images = self._image_vectors(prepared.pixels) if prepared.pixels else None
            answers, start = [], 0
            for number, options in zip(prepared.images, prepared.texts, strict=True):
                if images is None or number == 0:
                    answers.append(Answer(error="no image: a contrastive model compares an image with texts"))
                    continue
                image = _unit(images[start : start + number].mean(dim=0))
                start += number
                classes = torch.stack(
                    [_unit(torch.stack([texts[t] for t in several]).mean(dim=0)) for several in options]
                )
                scores = torch.log_softmax(self._scale() * (classes @ image), dim=0)
                answers.append(Answer(scores=tuple(float(score) for score in scores)))
        return answers

    def embed_images(self, images: Sequence[Image]) -> Vectors:
        """Unit embeddings, (n, d) float32."""
        import torch

        with torch.inference_mode(), memory_guard():
            vectors: Vectors = self._image_vectors(self._pixels(images)).cpu().numpy()
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

        pictures = [Pillow.fromarray(image.pixels()) for image in images]
        return dict(self.processor.image_processor(images=pictures, return_tensors="pt"))

    def _image_vectors(self, pixels: dict[str, Any]) -> Any:
        dtype = self.network.dtype
        placed = {
            name: value.to(self._device, dtype) if value.is_floating_point() else value.to(self._device)
            for name, value in pixels.items()
        }
        return _unit(_pooled(self.network.get_image_features(**placed)))

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
            return float(self.network.logit_scale.exp())
        temperature = getattr(self.network, "temperature", None)
        return 1.0 if temperature is None else 1.0 / float(temperature)


def _pooled(output: Any) -> Any:
    return getattr(output, "pooler_output", output)


def _unit(vectors: Any) -> Any:
    vectors = vectors.float()
    return vectors / vectors.norm(dim=-1, keepdim=True).clamp(min=1e-12)
