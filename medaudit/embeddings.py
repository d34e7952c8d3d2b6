"""Embeddings as requests: images, regions and texts to unit vectors, stored and batched like any answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from medaudit.errors import NotApplicableError, UsageError
from medaudit.model import Answer, Capability, ModelInfo, Request

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.image import Image

    Vectors = NDArray[np.float32]
    Box = tuple[int, int, int, int]
    Ask = Callable[[Sequence[Request]], list[Answer]]

#: Which embedding. "": a contrastive model's joint space, a generative model's projector (where it has
#: none, its tower). ``tower``: mean over the vision tower's last hidden states. ``projector``: mean of
#: the image tokens that enter the language model. ``answer``: the state from which the first token of the
#: answer is read.
WHERE = ("", "tower", "projector", "answer")
#: Requests asked at a time: what waits in memory does not grow with the number of images.
AT_A_TIME = 4096


def check(request: Request) -> None:
    """Raise UsageError for an ``embed`` request that asks for nothing that could be embedded."""
    if request.where not in WHERE:
        raise UsageError.unknown("embedding", request.where, WHERE[1:])
    if request.boxes and (len(request.images) != 1 or request.where == "answer"):
        raise UsageError(
            "Boxes are regions of one image, at 'tower', 'projector' or the model's own embedding."
        )
    if any(not (x0 < x1 and y0 < y1) for x0, y0, x1, y1 in request.boxes):
        raise UsageError("A box is x0, y0, x1, y1 in pixels of the original image, with x0 < x1 and y0 < y1.")
    if len(request.images) > 1 and request.where != "answer":
        raise UsageError(f"An embedding is of one image, {len(request.images)} were given. Ask for each.")
    if not request.images and (request.where or not request.prompt.strip()):
        raise UsageError("To embed a text, give it as the prompt, without images and without `where`.")
    if request.images and request.prompt and request.where != "answer":
        raise UsageError(
            "A prompt changes the embedding at 'answer' alone. Leave it out, or say where='answer'."
        )


def of_images(ask: Ask, images: Sequence[Image], where: str = "", prompt: str = "") -> Vectors:
    """Unit vectors (n, d); a row of NaN for an image without an embedding. See :meth:`Context.embed`."""
    return _stacked(ask, [Request(Capability.EMBED, (image,), prompt, where=where) for image in images])


def of_questions(ask: Ask, images: Sequence[Image], prompts: Sequence[str]) -> Vectors:
    """The state from which the answer to each image's own prompt is read: unit vectors (n, d), or NaN."""
    return _stacked(
        ask,
        [
            Request(Capability.EMBED, (image,), prompt, where="answer")
            for image, prompt in zip(images, prompts, strict=True)
        ],
    )


def of_texts(ask: Ask, texts: Sequence[str]) -> Vectors:
    """Unit vectors (n, d) of texts. See :meth:`Context.embed_texts`."""
    return _stacked(ask, [Request(Capability.EMBED, (), text) for text in texts])


def of_regions(
    ask: Ask, images: Sequence[Image], boxes: Sequence[Sequence[Box]], where: str = ""
) -> list[Vectors]:
    """Unit vectors (boxes, d), one array an image; NaN where there is none. See :meth:`Context.embed`."""
    if len(images) != len(boxes):
        raise UsageError(
            f"{len(images)} images and {len(boxes)} lists of boxes: give one list for each image."
        )
    requests = [
        Request(Capability.EMBED, (image,), "", where=where, boxes=tuple(map(_whole, several)))
        for image, several in zip(images, boxes, strict=True)
        if several
    ]
    answers = _asked(ask, requests)
    known = [next(answers) if several else None for several in boxes]
    width = next((rows.shape[1] for rows in known if rows is not None), 1)
    return [
        np.full((len(several), width), np.nan, np.float32) if rows is None else rows
        for several, rows in zip(boxes, known, strict=True)
    ]


def needed(model: ModelInfo) -> None:
    """Raise NotApplicableError for a model that embeds nothing."""
    if Capability.EMBED not in model.capabilities:
        raise NotApplicableError(f"a {model.kind} model gives no embeddings")


def _whole(box: Box) -> Box:
    """The box as plain whole numbers, which keys are made of."""
    x0, y0, x1, y1 = box
    return int(x0), int(y0), int(x1), int(y1)


def _stacked(ask: Ask, requests: Sequence[Request]) -> Vectors:
    stacked: Vectors = np.full((len(requests), 1), np.nan, np.float32)
    for place, row in enumerate(_asked(ask, requests)):
        if row is None:
            continue
        if stacked.shape[1] != row.shape[1]:  # the first vector says how wide they are
            stacked = np.full((len(requests), row.shape[1]), np.nan, np.float32)
        stacked[place] = row[0]
    return stacked


def _asked(ask: Ask, requests: Sequence[Request]) -> Iterator[Vectors | None]:
    """Vectors of each request in order, None where the model gave an error."""
    for request in requests:
        check(request)
    waiting = iter(requests)
    while chunk := list(islice(waiting, AT_A_TIME)):
        for answer in ask(chunk):
            yield None if answer.vectors is None else answer.array
