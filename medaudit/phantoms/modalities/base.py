"""What a modality has to say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medaudit.phantoms.canvas import Field
    from medaudit.phantoms.picture import Lesion, Picture


@dataclass(frozen=True)
class Modality:
    """One kind of picture.

    ``background(picture)`` is the exposure of a normal picture, (h, w) for grey ones, (h, w, 3) for colour.
    ``layer(lesion, picture)`` is what a finding adds to it, of the same shape, exactly zero outside the
    finding. ``tone(exposure, picture)`` maps exposures to grey levels 0..1, point by point, so that a
    finding changes pixels inside its own mask only; acquisition noise and overlays come afterwards.
    ``asks_place`` is how its place is asked for: "On which side of the patient is the nodule?".
    """

    name: str
    noun: str
    kinds: tuple[str, ...]
    places: tuple[str, str]
    views: tuple[str, ...]
    asks_place: str
    background: Callable[[Picture], Field]
    layer: Callable[[Lesion, Picture], Field]
    tone: Callable[[Field, Picture], Field]
    grey: bool = True
