"""Random patients and findings, before any association is planted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medaudit.phantoms.modalities import modality
from medaudit.phantoms.picture import CORNERS, SEXES, VENDORS, Lesion, Picture

if TYPE_CHECKING:
    import numpy as np

# Number of findings in a picture: normal and single pictures carry the option question.
_COUNTS = (0.2, 0.4, 0.25, 0.15)
#: Share of pictures that hold a tube, leads, burned-in text.
WITH_TUBE, WITH_LEADS, WITH_TEXT = 0.3, 0.2, 0.3


def draw_lesions(name: str, rng: np.random.Generator) -> tuple[Lesion, ...]:
    """Up to three findings, each clearly small or clearly large."""
    kind = modality(name)
    slots = [(finding, place) for finding in kind.kinds for place in kind.places]
    count = int(rng.choice(len(_COUNTS), p=_COUNTS))
    chosen = sorted(rng.choice(len(slots), size=count, replace=False).tolist())
    return tuple(Lesion(found, place, draw_extent(rng)) for found, place in (slots[i] for i in chosen))


def draw_extent(rng: np.random.Generator) -> float:
    """Small (0 to 0.2) or large (0.8 to 1), in three decimals."""
    return round(0.8 * int(rng.integers(2)) + 0.2 * rng.random(), 3)


def draw_person(name: str, rng: np.random.Generator, lesions: tuple[Lesion, ...]) -> Picture:
    """A patient with these findings; every factor is drawn on its own."""
    views = modality(name).views
    return Picture(
        modality=name,
        patient=int(rng.integers(2**40)),
        lesions=lesions,
        sex=SEXES[rng.integers(2)],
        age=int(rng.integers(20, 91)),
        view=views[rng.integers(len(views))],
        vendor=VENDORS[rng.integers(2)],
        marker=CORNERS[rng.integers(2)],
        tube=float(rng.random() < WITH_TUBE),
        leads=float(rng.random() < WITH_LEADS),
        text=float(rng.random() < WITH_TEXT),
    )
