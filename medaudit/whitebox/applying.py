"""From interventions in requests to edits of a prepared group."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from medaudit.errors import UsageError
from medaudit.geometry import Box, NoGrid, geometry_of
from medaudit.image import DerivedImage, Image, keyed_rng
from medaudit.model import Request
from medaudit.models.inputs import Group
from medaudit.whitebox.edits import Edits
from medaudit.whitebox.intervening import intervening
from medaudit.whitebox.intervention import Intervention, from_text
from medaudit.whitebox.reach import NotReached

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

#: Stage of the tokens that a point edits; blocks are reached through the patches.
_STAGES = {"patch": "patch", "block": "patch"}


def apart(requests: Sequence[Request]) -> dict[str, list[int]]:
    """Places of the requests that can run together: same points and fills, whatever their boxes."""
    kinds: dict[str, list[int]] = {}
    for place, request in enumerate(requests):
        kinds.setdefault(_kind(request), []).append(place)
    return kinds


def prepared_groups(model: Any, requests: Sequence[Request]) -> list[Group]:
    """The groups of a generative model, every one with the edits of its rows.

    Raises NoGrid where a type's tokens have no place, so that boxes cannot be mapped to them.
    """
    if not any(request.intervention for request in requests):
        groups: list[Group] = model.builder.groups(requests)
        return groups
    found = []
    for kind, places in apart(requests).items():
        for group in model.builder.groups([painted(requests[place]) for place in places]):
            group = replace(group, places=tuple(places[place] for place in group.places))
            if kind and group.error is None:
                group = replace(group, edits=edits_of(model, [requests[place] for place in group.places]))
            found.append(group)
    return found


def _kind(request: Request) -> str:
    inside = [
        asdict(replace(one, boxes=(), radius=0))
        for one in from_text(request.intervention)
        if one.point != "pixels"
    ]
    return json.dumps(inside) if inside else ""


def painted(request: Request) -> Request:
    """The request with its images painted over, where an intervention acts on pixels."""
    images = list(request.images)
    for one in from_text(request.intervention):
        for index, boxes in _by_image(one, len(images)).items() if one.point == "pixels" else ():
            images[index] = _painted(images[index], one, boxes)
    return replace(request, images=tuple(images), intervention="")


def edits_of(model: Any, requests: Sequence[Request]) -> tuple[Edits, ...]:
    """Edits of requests that run as the rows of one batch, all of one kind."""
    each = [[one for one in from_text(r.intervention) if one.point != "pixels"] for r in requests]
    return tuple(_edits(model, requests, [several[turn] for several in each]) for turn in range(len(each[0])))


def _edits(model: Any, requests: Sequence[Request], ones: Sequence[Intervention]) -> Edits:
    if not any(one.boxes for one in ones) and all(len(request.images) == 1 for request in requests):
        first = ones[0]
        return Edits(first.point, (None,) * len(ones), first.fill, (), first.text, first.seed)
    rows, counts = zip(*(_row(model, r, one) for r, one in zip(requests, ones, strict=True)), strict=True)
    return Edits(ones[0].point, rows, ones[0].fill, counts, ones[0].text, ones[0].seed)


def _row(model: Any, request: Request, one: Intervention) -> tuple[tuple[int, ...] | None, tuple[int, ...]]:
    """Token indices of one request, counted over its images, and how many tokens each image has."""
    stage = _STAGES.get(one.point.partition(":")[0], "projector")
    maps = [geometry_of(model).token_map(image.size, stage) for image in request.images]
    counts = tuple(len(tokens) for tokens in maps)
    if not one.boxes:
        return None, counts
    chosen: set[int] = set()
    for index, boxes in _by_image(one, len(maps)).items():
        before = sum(counts[:index])
        chosen |= {before + token for box in boxes for token in maps[index].tokens(box, one.radius)}
    return tuple(sorted(chosen)), counts


def _by_image(one: Intervention, number: int) -> dict[int, list[Box]]:
    boxes: dict[int, list[Box]] = {} if one.boxes else {index: [] for index in range(number)}
    for index, x0, y0, x1, y1 in one.boxes:
        if not 0 <= index < number:
            raise UsageError(f"a box names image {index}, the request has {number}.")
        boxes.setdefault(index, []).append((x0, y0, x1, y1))
    return boxes


def _painted(image: Image, one: Intervention, boxes: Sequence[Box]) -> DerivedImage:
    recipe = f"painted {one.fill} {one.radius} {one.seed} {json.dumps(list(boxes))}"
    return DerivedImage(image, recipe, _painter(one, boxes, image.digest))


def _painter(one: Intervention, boxes: Sequence[Box], digest: str) -> Callable[[Pixels], Pixels]:
    def paint(pixels: Pixels) -> Pixels:
        import numpy as np

        inside = np.zeros(pixels.shape[:2], dtype=bool)
        for x0, y0, x1, y1 in boxes:
            top, left = max(int(np.floor(y0)) - one.radius, 0), max(int(np.floor(x0)) - one.radius, 0)
            bottom, right = max(int(np.ceil(y1)) + one.radius, 0), max(int(np.ceil(x1)) + one.radius, 0)
            inside[top:bottom, left:right] = True
        if not boxes:
            inside[:] = True
        changed, rest = pixels.copy(), pixels[~inside]
        if one.fill == "zero" or not len(rest):
            changed[inside] = 0
            return changed
        values = np.broadcast_to(rest.mean(axis=0), (int(inside.sum()), 3))
        if one.fill == "noise":
            rng = keyed_rng("painted", digest, one.seed)
            values = values + rng.standard_normal(values.shape) * rest.std(axis=0)
        changed[inside] = np.clip(np.round(values), 0, 255).astype(np.uint8)
        return changed

    return paint


def unreached(model: Any, request: Request, point: str) -> str | None:
    """Why interventions at ``point`` do not work on this type, or None where they do.

    Runs ``request`` once with its whole image removed. Raises :class:`InterventionError` where an edit that
    should act does not.
    """
    try:
        model.answer(model.prepare([replace(request, intervention=Intervention(point).to_text())]))
    except (NotReached, NoGrid) as reason:
        return str(reason)
    return None


@contextmanager
def applied(model: Any, group: Group) -> Iterator[None]:
    """The edits of a group in force, or nothing where it has none."""
    if not group.edits:
        yield
        return
    with intervening(model, model._placed(group), group.edits):
        yield
