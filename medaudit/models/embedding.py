"""Embeddings from a generative model: of an image at several places, and of its regions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from medaudit.embeddings import check
from medaudit.errors import ModelError
from medaudit.model import Answer, Capability, Request
from medaudit.models import token_states
from medaudit.models.inputs import Group
from medaudit.models.memory import memory_guard
from medaudit.models.positions import forget
from medaudit.models.regions import PatchRows, projector_weights, region_means
from medaudit.whitebox.applying import painted
from medaudit.whitebox.intervention import from_text
from medaudit.whitebox.modules import features_owner, kind
from medaudit.whitebox.reach import NotReached

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from medaudit.image import Image

    Vectors = NDArray[np.float32]
    #: Vectors (rows, d) of one request, or why there are none.
    Found = NDArray[np.float64] | str

PROMPT = "Describe the image."
#: Images that :func:`embed_images` runs together.
TOGETHER = 16
NOTES = {
    "sequence": "mean of the image tokens that enter the language model",
    "handed": "mean of the image features that the language model attends to",
    "features": "mean over image features after the projector",
    "tower": "mean over the vision tower's output",
    "answer": "state from which the first token of the answer is read",
}


@dataclass(frozen=True)
class Part:
    """Requests of one ``route`` whose tensors run together; ``group`` holds their places in the batch."""

    route: str
    group: Group
    requests: tuple[Request, ...]


@dataclass(frozen=True)
class EmbedBatch:
    """A batch as parts; ``boxed`` says which requests ask for regions."""

    boxed: tuple[bool, ...]
    parts: tuple[Part, ...]


class Embedder:
    """Answers ``embed`` requests of a generative model; remembers which route a type takes.

    Images run together where one tensor holds as many rows as there are images; packed towers and
    features run one by one. The language model runs for ``answer`` alone.
    """

    def __init__(self) -> None:
        self._routes: dict[str, tuple[str, bool]] = {}
        self._rows = PatchRows()

    @property
    def notes(self) -> tuple[str, ...]:
        """Which embeddings were read, one note a place."""
        # Listed first: batches are prepared on another thread.
        known = sorted((where, route) for where, (route, _) in list(self._routes.items()))
        return tuple(f"embeddings{f' ({where})' if where else ''}: {NOTES[route]}" for where, route in known)

    def prepare(self, model: Any, requests: Sequence[Request]) -> EmbedBatch:
        """Tensors, on the CPU. Raises UsageError or NotReached for what is no embedding of this model."""
        for request in requests:
            _check(model, request)
        kinds: dict[str, list[int]] = {}
        for place, request in enumerate(requests):
            kinds.setdefault(request.where, []).append(place)
        asked = [_shown(request) for request in requests]
        parts = [part for where, places in kinds.items() for part in self._parts(model, where, asked, places)]
        return EmbedBatch(tuple(bool(request.boxes) for request in requests), tuple(parts))

    def _parts(self, model: Any, where: str, asked: list[Request], places: list[int]) -> list[Part]:
        known = self._routes.get(where)
        if known is None:
            (first,) = model.builder.groups([asked[places[0]]])
            if first.error is None:
                known = self._routes[where] = _route(model, where, first.inputs)
        route, together = known or ("", False)
        # The last block's states of a batch need not part into images.
        apart = [place for place in places if not together or (route == "tower" and asked[place].boxes)]
        sets = [[place] for place in apart] + [[place for place in places if place not in set(apart)]]
        return [part for several in sets for part in self._built(model, route, asked, several)]

    def _built(self, model: Any, route: str, asked: list[Request], places: Sequence[int]) -> Iterator[Part]:
        for group in model.builder.groups([asked[place] for place in places]):
            moved = replace(group, places=tuple(places[place] for place in group.places))
            pixels = group.inputs.get("pixel_values")
            if route == "tower" and len(moved.places) > 1 and len(pixels) != len(moved.places):
                for place in moved.places:  # some image is cut into tiles
                    yield from self._built(model, route, asked, [place])
            else:
                yield Part(route, moved, tuple(asked[place] for place in moved.places))

    def answers(self, model: Any, batch: EmbedBatch) -> list[Answer]:
        """One answer a request, in order."""
        return [
            Answer(error=rows) if isinstance(rows, str) else Answer.embedded(rows, unseen=boxed)
            for rows, boxed in zip(self.vectors(model, batch), batch.boxed, strict=True)
        ]

    def vectors(self, model: Any, batch: EmbedBatch) -> list[Found]:
        """Vectors of each request before they are made unit and rounded."""
        import torch

        found: list[Found] = ["not asked"] * len(batch.boxed)
        for part in batch.parts:
            with torch.inference_mode():
                for place, rows in zip(part.group.places, self._found(model, part), strict=True):
                    found[place] = rows
        return found

    def _found(self, model: Any, part: Part) -> list[Found]:
        if part.group.error is not None:
            return [part.group.error] * len(part.requests)
        try:
            with memory_guard():
                states = self._states(model, part)
        except (ValueError, TypeError, IndexError, KeyError, AttributeError, RuntimeError) as error:
            # No text of the error: it may quote the prompt.
            raise ModelError(
                f"{model.info.id!r} failed to embed a batch ({type(error).__name__}). "
                "Type `medaudit check MODEL` to see what works."
            ) from error
        return [
            self._pooled(model, part.route, request, tokens.double().cpu().numpy())
            for request, tokens in zip(part.requests, states, strict=True)
        ]

    def _states(self, model: Any, part: Part) -> list[Any]:
        """Token states (tokens, d) of each request."""
        network, inputs = model.network, part.group.inputs
        if part.route == "answer":
            return token_states.answer_states(model, part.group)
        forget(network)
        if part.route == "handed":
            return token_states.handed(model, inputs)
        placed = model._placed(part.group)
        if part.route == "sequence":
            return token_states.sequence_states(model, placed)
        if part.route == "features":
            return token_states.features(model, placed)
        if any(request.boxes for request in part.requests):
            return [token_states.block_states(network, placed)]
        return token_states.tower_states(network, placed, len(part.requests))

    def _pooled(self, model: Any, route: str, request: Request, states: Any) -> Found:
        if not request.boxes:
            mean: Found = states.mean(axis=0, keepdims=True)
            return mean
        size = request.images[0].size
        weigh = self._rows.weights if route == "tower" else projector_weights
        try:
            return region_means(states, weigh(model, size, request.boxes, len(states)))
        except ValueError as reason:
            return f"no embedding: {reason}"


def embed_images(model: Any, images: Sequence[Image]) -> Vectors:
    """Unit vectors, (n, d) float32: the mean over an image's tokens, divided by its length.

    The tokens are those that enter the language model (after the projector), or the vision tower's output
    where a type has no such step; :func:`embedding_note` says which. Raises ModelError for an image that the
    processor does not take.
    """
    import numpy as np

    embedder, vectors = getattr(model, "embedder", None) or Embedder(), []
    for start in range(0, len(images), TOGETHER):
        some = images[start : start + TOGETHER]
        batch = embedder.prepare(model, [Request(Capability.EMBED, (image,), "") for image in some])
        for image, rows in zip(some, embedder.vectors(model, batch), strict=True):
            if isinstance(rows, str):
                raise ModelError(f"{model.info.id!r}: its processor takes no image of {image.size} pixels.")
            vectors.append(rows[0] / max(float(np.linalg.norm(rows[0])), 1e-12))
    return np.stack(vectors).astype(np.float32)


def embedding_note(network: Any) -> str:
    """Which features :func:`embed_images` takes the mean of."""
    try:
        features_owner(network)
    except NotReached:
        return f"embeddings: {NOTES['tower']}"
    return "embeddings: mean over image features after the projector"


def _check(model: Any, request: Request) -> None:
    check(request)
    if not request.images:
        raise NotReached("a generative model has no embedding of a text apart from an image")
    if not all(one.point == "pixels" for one in from_text(request.intervention)):
        raise NotReached(
            "embeddings are read from untouched networks: an intervention can paint pixels alone"
        )


def _shown(request: Request) -> Request:
    """The request as the processor gets it: with a neutral question where none is asked."""
    return replace(painted(request), prompt=request.prompt or PROMPT)


def _route(model: Any, where: str, inputs: dict[str, Any]) -> tuple[str, bool]:
    """How the states at a place are read, and whether several images can be read together."""
    if where == "answer":
        return "answer", True
    found = token_states.routes(model, inputs) if where != "tower" else []
    if found:
        return found[0], found[0] == "sequence"
    if where == "projector":
        raise NotReached(f"{kind(model.network)} hands image features to its language model inside one step")
    pixels = inputs.get("pixel_values")
    return "tower", pixels is not None and pixels.dim() == 4 and pixels.shape[0] == 1
