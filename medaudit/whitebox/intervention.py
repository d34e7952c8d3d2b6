"""What is taken away from a model, and where: the description that travels in ``Request.intervention``."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from medaudit.errors import UsageError

Boxes = tuple[tuple[int, float, float, float, float], ...]

POINTS = ("pixels", "patch", "block:k", "projector", "embedding", "attention", "kv")
FILLS = ("zero", "mean", "noise", "text")
_POINT = re.compile(r"pixels|patch|block:(\d+|\*)|projector|embedding|attention|kv")


@dataclass(frozen=True)
class Intervention:
    """Boxes of a request's images, removed at one point of the network.

    ``boxes`` are (image index, x0, y0, x1, y1), half-open, in pixels of the original image; empty means every
    image whole. ``radius`` dilates the token set on its grid (Chebyshev), which costs utility and catches
    receptive fields. Points, from the safest to the latest:

    ``pixels``
        the box is painted in the original image, before the processor sees it
    ``patch``
        output of the patch embedding
    ``block:k``, ``block:*``
        output of vision block k, or of every vision block
    ``projector``
        image features as they enter the language model's sequence
    ``embedding``
        the language model's input at image positions, once, in the prefill
    ``attention``
        no query sees these keys in any layer, in the prefill and at every step after it
    ``kv``
        keys hidden from every token after the prompt, as if their cache entries were dropped

    Fills: ``zero``; ``mean`` of the same image's other tokens; ``noise``, Gaussian with that mean and spread,
    seeded; ``text``, the embedding of ``text`` (at ``embedding`` alone). ``attention`` and ``kv`` need none.
    Zero is not neutral (a layer norm turns it into its bias), so report more than one fill.
    """

    point: str
    boxes: Boxes = ()
    radius: int = 0
    fill: str = "zero"
    text: str = "redacted"
    seed: int = 0

    def __post_init__(self) -> None:
        if not _POINT.fullmatch(self.point):
            raise UsageError.unknown("intervention point", self.point, POINTS)
        if self.fill not in FILLS:
            raise UsageError.unknown("fill", self.fill, FILLS)
        if self.fill == "text" and self.point != "embedding":
            raise UsageError("fill 'text' is an embedding of words: it fits point 'embedding' alone.")
        if self.radius < 0:
            raise UsageError(f"radius {self.radius}: type 0 or more.")
        boxes = tuple((int(box[0]), *(float(edge) for edge in box[1:])) for box in self.boxes)
        if any(len(box) != 5 for box in boxes):
            raise UsageError("a box is (image index, x0, y0, x1, y1).")
        object.__setattr__(self, "boxes", boxes)

    def to_text(self) -> str:
        """JSON for ``Request.intervention``."""
        return to_text([self])

    @classmethod
    def from_text(cls, text: str) -> Intervention:
        """The one intervention that ``text`` holds."""
        found = from_text(text)
        if len(found) != 1:
            raise UsageError(f"one intervention was expected, {len(found)} were given.")
        return found[0]


def to_text(interventions: Sequence[Intervention]) -> str:
    """JSON of several interventions that act together."""
    return json.dumps([asdict(one) for one in interventions], ensure_ascii=False, separators=(",", ":"))


def from_text(text: str) -> tuple[Intervention, ...]:
    """Read what :func:`to_text` wrote; an empty text holds none. A lone object counts as a list of one."""
    if not text:
        return ()
    try:
        given = json.loads(text)
        items = given if isinstance(given, list) else [given]
        return tuple(Intervention(**item) for item in items)
    except (TypeError, ValueError) as error:
        raise UsageError("an intervention is JSON as Intervention.to_text() writes it.") from error
