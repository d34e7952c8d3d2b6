"""How stored values are shown: the window, and the number of levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medaudit.registry import shift
from medaudit.shifts.severities import ladder
from medaudit.stored import Window

if TYPE_CHECKING:
    from medaudit.stored import Stored

DICOM = "DICOM PS3.3 C.11.2.1.2"

#: Centre and width of the usual windows, HU.
PRESETS = {"lung": (-600.0, 1500.0), "bone": (400.0, 1800.0), "brain": (40.0, 80.0), "soft": (40.0, 400.0)}

#: How far the centre moves per dose, as a share of the narrower of the two windows.
OFF_CENTRE = 0.25


def _shown(stored: Stored, centre: float, width: float) -> Stored:
    function = stored.window.function
    least = 1.0 if function == "LINEAR" else 1e-6
    return stored.but(window=Window(centre, max(width, least), function))


@shift(
    "window_level",
    family="acquisition",
    reference=DICOM,
    stage="stored",
    modalities=("xray", "ct", "mr"),
    doses=ladder("window_level", low=0.0, high=1.0),
)
def window_level(stored: Stored, dose: float, rng: np.random.Generator) -> Stored:
    """A window that somebody or some software set wrongly: too narrow or too wide, too high or too low.

    The width is multiplied or divided by 2^dose, and the centre moved up or down by ``0.25 dose`` of the
    narrower of the old and the new width, each with equal chance. The dose runs from 0 to 1. A picture
    without stored values is its own: of it, a wider window shows no more.

    Declared moments: of a ramp across the old window, a window twice as wide shows the middle half of the
    greys, one half as wide clips half of the ramp.
    """
    if dose <= 0:
        return stored
    old = stored.window
    width = old.width * 2.0 ** (dose if rng.random() < 0.5 else -dose)
    off = OFF_CENTRE * dose * min(width, old.width) * (1 if rng.random() < 0.5 else -1)
    return _shown(stored, old.centre + off, width)


@shift(
    "wrong_voi",
    family="acquisition",
    reference=DICOM,
    stage="stored",
    modalities=("ct",),
    default=False,
    doses=ladder("wrong_voi", low=0.0, high=1.0),
)
def wrong_voi(stored: Stored, dose: float, rng: np.random.Generator) -> Stored:
    """A CT slice shown through the window of another organ: lung, bone, brain or soft tissue.

    The preset is drawn from those that are at least 1.5 times as wide or as narrow as the window in use. The
    dose is how far the window goes towards it, 0 to 1: the centre in a straight line, the width by ratio.
    Values of no known unit are taken for a soft-tissue window (40, 400 HU) and shown in proportion.

    Declared moments: at 1 the window is the preset's; half way the width is the geometric mean.
    """
    if dose <= 0:
        return stored
    centre, width = stored.window.centre, stored.window.width
    scale, zero = (1.0, 0.0)
    if stored.unit != "HU":
        scale = width / PRESETS["soft"][1]
        zero = centre - PRESETS["soft"][0] * scale
    legal = [(zero + c * scale, w * scale) for c, w in PRESETS.values()]
    others = [preset for preset in legal if abs(np.log(preset[1] / width)) > np.log(1.5)]
    there, wide = others[int(rng.integers(len(others)))]
    return _shown(stored, centre + dose * (there - centre), width * (wide / width) ** dose)


@shift(
    "bit_depth",
    family="acquisition",
    reference=DICOM,
    stage="stored",
    default=False,
    doses=ladder("bit_depth", low=0.0, high=5.0),
)
def bit_depth(stored: Stored, dose: float, rng: np.random.Generator) -> Stored:
    """An export with fewer levels than the screen shows: smooth parts break into steps.

    Values are rounded to the nearest of ``L = 256 / 2^dose`` levels (to a whole number, at least 2) that
    divide the window evenly from black to white; beyond it the steps go on. The dose is the number of bits
    lost of eight, 0 to 5. Nothing is drawn at random.

    Declared moments: at most L levels are shown, black and white among them.
    """
    if dose <= 0:
        return stored
    low, width = stored.window.span
    step = width / (levels(dose) - 1)
    return stored.but(low + np.rint((stored.values - low) / step) * step)


def levels(dose: float) -> int:
    """Number of grey levels left."""
    return max(2, round(float(2.0 ** (8 - dose))))
