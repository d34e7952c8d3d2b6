"""What comes before the lens of an endoscope."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medaudit.registry import shift
from medaudit.shifts.painting import as_seen, blend, highest, scaled, texture
from medaudit.shifts.severities import ladder

if TYPE_CHECKING:
    from medaudit.image import Pixels
    from medaudit.shifts.painting import Field

ARTEFACTS = "Ali et al. 2021, Artefacts in gastrointestinal endoscopy, Med Image Anal 70:102002"
_SMOKE = (222.0, 222.0, 222.0)
_WHITE = (255.0, 255.0, 255.0)
#: Opacity of smoke at most: what is under it can still be made out.
THICKEST = np.float32(0.85)
#: What a layer of blood lets through of red, green and blue.
_BLOOD = (0.55, 0.07, 0.06)


@shift(
    "smoke",
    version="2",
    family="endoscopy",
    reference=f"{ARTEFACTS}; Bolkar et al. 2018, Deep smoke removal, ICIP",
    modalities=("endoscopy",),
    default=False,
    doses=ladder("smoke", low=0.0, high=0.6),
)
def smoke(pixels: Pixels, dose: float, rng: np.random.Generator) -> Pixels:
    """Smoke of the coagulator between tissue and lens.

    ``x + a (222 - x)`` with the opacity ``a = clip(dose (1 + 0.35 f), 0, 0.85)`` and f a cloud (mean 0, sd 1)
    of billows of 25 % and 8 % of the shorter side. A sixth of any contrast is left under the thickest smoke.

    Dose: mean opacity, 0 to 0.6.

    Declared moments: the mean of a black picture becomes 222 dose; over 0.4 a little less, as opacity ends
    at 0.85.
    """
    height, width = pixels.shape[:2]
    side = min(height, width)
    cloud = 0.8 * texture(height, width, 0.25 * side, rng) + 0.6 * texture(height, width, 0.08 * side, rng)
    opacity = np.clip(np.float32(dose) * (1 + np.float32(0.35) * cloud), 0, THICKEST)
    return blend(pixels, as_seen(_SMOKE, pixels), opacity)


@shift(
    "blood",
    family="endoscopy",
    reference=ARTEFACTS,
    modalities=("endoscopy",),
    default=False,
    doses=ladder("blood", low=0.0, high=0.3),
)
def blood(pixels: Pixels, dose: float, rng: np.random.Generator) -> Pixels:
    """Blood that pools at one border of the field of view and hides what lies under it.

    Where a ramp towards a drawn border plus a smooth random field is highest, light is filtered: down to 55 %
    of red, 7 % of green and 6 % of blue are let through (on a grey picture their luminance). The pool has a
    ragged shore, and leaves the far third free.

    Dose: share of the picture under blood, 0 to 0.3; a finding at that border can be hidden whole.

    Declared moments: that share of the pixels of a bright picture changes, to 0.01; none gets brighter.
    """
    height, width = pixels.shape[:2]
    shore = np.float32(0.05) * texture(height, width, 0.12 * min(height, width), rng)
    cover = highest(_ramp(height, width, int(rng.integers(4))) + shore, dose, 0.05)
    return scaled(pixels, 1 - cover[..., None] * (1 - as_seen(_BLOOD, pixels)))


def _ramp(height: int, width: int, border: int) -> Field:
    """From 1 at one of the four borders to 0 at the opposite one; (h, 1) or (1, w)."""
    vertical = border % 2 == 0
    line = np.linspace(1, 0, height if vertical else width, dtype=np.float32)
    line = line if border < 2 else line[::-1]
    return line[:, None] if vertical else line[None, :]


@shift(
    "specular_light",
    family="endoscopy",
    reference=ARTEFACTS,
    modalities=("endoscopy",),
    default=False,
    doses=ladder("specular_light", low=0.0, high=0.08),
)
def specular_light(pixels: Pixels, dose: float, rng: np.random.Generator) -> Pixels:
    """The lamp mirrored by wet mucosa: many small white spots, most of them where tissue is bright already.

    White where a fine random field (1.2 % of the shorter side) plus one sd for each 64 levels of smoothed
    luminance is highest, with hard edges. A finding as small as a spot can be hidden.

    Dose: share of the picture that is touched, 0 to 0.08.

    Declared moments: that share of the pixels of a dark picture changes, to 0.01; none gets darker.
    """
    import cv2

    height, width = pixels.shape[:2]
    small = cv2.resize(pixels, (min(width, 32), min(height, 32)), interpolation=cv2.INTER_AREA)
    bright = small.reshape(min(height, 32), min(width, 32), 3).mean(axis=2, dtype=np.float32) / np.float32(64)
    light = cv2.resize(bright, (width, height), interpolation=cv2.INTER_LINEAR).reshape(height, width)
    field = texture(height, width, 0.012 * min(height, width), rng) + light
    return blend(pixels, as_seen(_WHITE, pixels), highest(field, dose, 0.2))
