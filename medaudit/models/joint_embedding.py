"""Embeddings from a contrastive model: images, their regions and texts in one space."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit.embeddings import check
from medaudit.model import Answer, Request
from medaudit.models.memory import memory_guard
from medaudit.models.regions import PatchRows, region_means
from medaudit.models.vision_head import VisionHead, Watched, averaged
from medaudit.whitebox.applying import painted
from medaudit.whitebox.intervention import from_text
from medaudit.whitebox.reach import NotReached

if TYPE_CHECKING:
    from numpy.typing import NDArray

    #: Vectors (rows, d) of one request, or why there are none.
    Found = NDArray[np.float64] | str

NOTES = {
    "": "unit vectors of the joint space; of regions, what the model's own head makes of their mean token",
    "tower": "mean over the vision tower's last hidden states, before its projection",
}


@dataclass(frozen=True)
class EmbedBatch:
    """``pixels`` are processed images of those requests that hold one, in order, on the CPU."""

    requests: tuple[Request, ...]
    pixels: dict[str, Any]


class JointEmbedder:
    """Answers ``embed`` requests of a contrastive model, all images of a batch in one pass.

    A region's vector is what the model's own norm, pooling and projection make of an image whose every token
    is the region's mean token (:class:`VisionHead`). It is comparable with texts and with other regions; the
    image's own vector comes from its class token or learned pooling, and is another thing.
    """

    def __init__(self) -> None:
        self.places: set[str] = set()
        self._rows = PatchRows()
        self._head = VisionHead()

    @property
    def notes(self) -> tuple[str, ...]:
        """Which embeddings were read, one note a place."""
        return tuple(
            f"embeddings{f' ({where})' if where else ''}: {NOTES[where]}" for where in sorted(self.places)
        )

    def prepare(self, model: Any, requests: Sequence[Request]) -> EmbedBatch:
        """Tensors, on the CPU. Raises UsageError or NotReached for what is no embedding of this model."""
        for request in requests:
            _check(request)
        asked = tuple(painted(request) for request in requests)
        images = [image for request in asked for image in request.images]
        return EmbedBatch(asked, model._pixels(images) if images else {})

    def answers(self, model: Any, batch: EmbedBatch) -> list[Answer]:
        """One answer a request, in order."""
        import torch

        with torch.inference_mode(), memory_guard():
            seen = iter(self._seen(model, batch) if batch.pixels else ())
            known = model._text_vectors([request.prompt for request in batch.requests if not request.images])
            self.places.update(request.where for request in batch.requests)
            return [
                next(seen) if request.images else Answer.embedded(known[request.prompt].cpu().numpy()[None])
                for request in batch.requests
            ]

    def _seen(self, model: Any, batch: EmbedBatch) -> list[Answer]:
        """Answers to the requests that hold an image, from one pass over all of them."""
        asked = [request for request in batch.requests if request.images]
        seen = Watched(model.network, len(asked))
        with ExitStack() as stack:
            if any(request.where and not request.boxes for request in asked):
                stack.enter_context(seen.tower())
            if any(request.boxes for request in asked):
                stack.enter_context(seen.blocks())
            own = model._image_vectors(batch.pixels)
        whole = {"": averaged(own), "tower": seen.tower_means()}
        found: list[Found] = [
            self._regions(model, seen, request, image)
            if request.boxes
            else whole[request.where][image : image + 1]
            for image, request in enumerate(asked)
        ]
        self._project(model, batch, seen, own, asked, found)
        return [
            Answer(error=rows) if isinstance(rows, str) else Answer.embedded(rows, unseen=bool(request.boxes))
            for request, rows in zip(asked, found, strict=True)
        ]

    def _regions(self, model: Any, seen: Watched, request: Request, image: int) -> Found:
        """Mean tokens (boxes, d) of one request's regions, before the model's head."""
        states = seen.block_states(image)
        size = request.images[0].size
        try:
            return region_means(states, self._rows.weights(model, size, request.boxes, len(states)))
        except ValueError as reason:
            return f"no embedding: {reason}"

    def _project(
        self,
        model: Any,
        batch: EmbedBatch,
        seen: Watched,
        own: Any,
        asked: Sequence[Request],
        found: list[Found],
    ) -> None:
        """Put regions' mean tokens through the model's head, where the joint space was asked for."""
        regions = {
            image: rows
            for image, (request, rows) in enumerate(zip(asked, found, strict=True))
            if request.boxes and not request.where and not isinstance(rows, str)
        }
        if not regions:
            return
        lengths = [len(rows) for rows in regions.values()]
        tokens, owners = np.concatenate(list(regions.values())), np.repeat(list(regions), lengths)
        vectors = self._head.vectors(model, seen, batch.pixels, own, tokens, owners)
        for image, rows in zip(regions, np.split(vectors, np.cumsum(lengths)[:-1]), strict=True):
            found[image] = rows


def _check(request: Request) -> None:
    check(request)
    if request.where not in NOTES:
        raise NotReached(
            "a contrastive model hands no image tokens to a language model: it has 'tower' alone"
        )
    if not all(one.point == "pixels" for one in from_text(request.intervention)):
        raise NotReached(
            "embeddings are read from untouched networks: an intervention can paint pixels alone"
        )
