"""Histology, H&E. Values are optical densities of haematoxylin and eosin, in red, green and blue.

Sex and age leave no trace in a patch of tissue; a view is a magnification.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from medaudit.image import keyed_rng
from medaudit.phantoms.canvas import framed
from medaudit.phantoms.modalities import histology_lesions
from medaudit.phantoms.modalities.base import Modality
from medaudit.phantoms.modalities.colour import Look, developed, stained
from medaudit.phantoms.modalities.histology_tissue import BANKS, bank

if TYPE_CHECKING:
    from medaudit.phantoms.canvas import Field
    from medaudit.phantoms.modalities.histology_tissue import Stains
    from medaudit.phantoms.picture import Lesion, Picture

HAEMATOXYLIN, EOSIN = (0.70, 0.80, 0.33), (0.05, 0.78, 0.30)
_LOOKS = {
    "B": Look(gain=(0.84, 0.90, 1.06), gamma=1.40),
    "C": Look(gain=(0.78, 0.68, 0.62), gamma=0.85, floor=0.20),
}


# A finding replaces tissue, so each one looks at the normal patch again.
@lru_cache(maxsize=4)
def normal(patient: int, view: str, size: int) -> Stains:
    """Haematoxylin and eosin of a normal patch, each (size, size), read-only."""
    rng = keyed_rng("medaudit.histology/1", "tissue", patient)
    variant, down, along = (int(i) for i in rng.integers(0, (BANKS, size, size)))
    strong, mirrored = rng.uniform(0.85, 1.20, 2).tolist(), bool(rng.random() < 0.5)
    found = []
    for stain, strength in zip(bank("tissue", variant, view, size), strong, strict=True):
        turned = stain.T if mirrored else stain
        field = np.roll(turned, (down, along), axis=(0, 1)) * np.float32(strength)
        field.flags.writeable = False
        found.append(field)
    return found[0], found[1]


def _normal_of(picture: Picture) -> Stains:
    return normal(picture.patient, picture.view, picture.size)


def background(picture: Picture) -> Field:
    """Density of normal tissue, (size, size, 3): stroma with fibroblasts, and glands."""
    haematoxylin, eosin = _normal_of(picture)
    return stained((haematoxylin, HAEMATOXYLIN), (eosin, EOSIN))


def layer(lesion: Lesion, picture: Picture) -> Field:
    """Change of density by one finding, (size, size, 3), zero outside it."""
    haematoxylin, eosin, where = histology_lesions.layer(lesion, picture, _normal_of(picture))
    return framed(stained((haematoxylin, HAEMATOXYLIN), (eosin, EOSIN)), where, picture.size)


def tone(density: Field, picture: Picture) -> Field:
    """Scanner A true; B bluish and contrasty; C pink and faded."""
    return developed(density, picture, _LOOKS)


MODALITY = Modality(
    name="histology",
    noun="histological picture",
    kinds=("infiltrate", "necrosis", "tumour"),
    places=("left", "right"),
    views=("20x", "40x"),
    asks_place="On which side of the picture",
    background=background,
    layer=layer,
    tone=tone,
    grey=False,
)
