"""Colour pictures as optical densities: stains add up, and what is seen is ``exp(-density)``.

Fields of colour are kept plane by plane in memory and handed out as (h, w, 3) views.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from medaudit.phantoms.canvas import Field
    from medaudit.phantoms.picture import Picture

Colour: TypeAlias = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Look:
    """What a vendor makes of a colour: ``floor + gain * level ** gamma``, each channel with its gain."""

    gain: Colour
    gamma: float = 1.0
    floor: float = 0.0


def stained(*stains: tuple[Field, Colour]) -> Field:
    """Density (h, w, 3) of several stains: each an amount (h, w) and its density in red, green and blue."""
    amount, colour = stains[0]
    planes = np.empty((3, *amount.shape), dtype=np.float32)
    for channel in range(3):
        np.multiply(amount, np.float32(colour[channel]), out=planes[channel])
        for more, hue in stains[1:]:
            planes[channel] += more * np.float32(hue[channel])
    return planes.transpose(1, 2, 0)


def developed(density: Field, picture: Picture, looks: dict[str, Look]) -> Field:
    """Levels 0..1 of a density, as the picture's vendor shows them; vendor A shows them as they are."""
    planes = np.minimum(-density.transpose(2, 0, 1), 0)
    level = np.exp(planes)
    if picture.vendor != "A" and picture.vendor_dose > 0:
        look, dose = looks[picture.vendor], picture.vendor_dose
        other = np.exp(planes * np.float32(look.gamma))
        level *= np.float32(1 - dose)
        level += np.float32(dose * look.floor)
        for channel in range(3):
            level[channel] += other[channel] * np.float32(dose * look.gain[channel])
    return level.transpose(1, 2, 0)
