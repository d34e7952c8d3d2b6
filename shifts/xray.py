"""Acquisition of radiographs: dose, scatter, detector and grid.

Grey is taken for the logarithm of what the detector counted: from black to white of the window lies an
attenuation of 4 (1 : 55), and outside the window it goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medaudit.registry import shift
from medaudit.shifts.counting import fewer, log_error
from medaudit.shifts.severities import ladder
from medaudit.shifts.smooth import smoothed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.stored import Stored

    Field = NDArray[np.float32]

BUSHBERG = "Bushberg et al. 2020, The Essential Physics of Medical Imaging, 4th ed."

#: Attenuation between black and white, and the farthest that is followed beyond them.
CONTRAST, _LEAST, _MOST = 4.0, -4.0, 12.0

#: Photons behind mid-grey at a full dose: their noise has the standard deviation of one grey level of 255.
PHOTONS = (255 / CONTRAST) ** 2

#: Standard deviation of the scattered share, of the shorter side.
SPREAD = 0.10

#: Fewest and most beats of a grid across the shorter side, and its greatest tilt in degrees.
LINES, TILT = (25.0, 80.0), 2.0


def _paths(stored: Stored) -> Field:
    """Attenuation along the ray of each pixel, 0 at black."""
    paths: Field = np.clip(np.float32(CONTRAST) * stored.share(), np.float32(_LEAST), np.float32(_MOST))
    return paths


@shift(
    "low_dose",
    family="acquisition",
    reference=BUSHBERG,
    stage="stored",
    modalities=("xray",),
    doses=ladder("low_dose", low=0.0, high=8.0),
)
def low_dose(stored: Stored, dose: float, rng: np.random.Generator) -> Stored:
    """A radiograph exposed with too few photons: quantum noise, most where the patient is dense.

    Counts of ``I0 exp(-p)`` photons are drawn from a Poisson law and taken back to the logarithm. The dose is
    log2 of the reduction of I0, 0 to 8 (1/256). At a full dose 4064 photons lie behind mid-grey; noise is
    that which is added to the noise of the full dose, and independent from pixel to pixel.

    Declared moments: at mid-grey the change has mean 0 and standard deviation sqrt(2^dose - 1) grey levels
    of 255; the variance grows by e^4 from black to white.
    """
    if dose <= 0:
        return stored
    expected = np.float32(PHOTONS / fewer(dose)) * np.exp(np.float32(CONTRAST / 2) - _paths(stored))
    return stored.brighter(-log_error(expected, rng) / np.float32(CONTRAST))


@shift(
    "scatter",
    family="acquisition",
    reference=BUSHBERG,
    stage="stored",
    modalities=("xray",),
    default=False,
    doses=ladder("scatter", low=0.0, high=0.8),
)
def scatter(stored: Stored, dose: float, rng: np.random.Generator) -> Stored:
    """A radiograph without a grid: scattered radiation veils it, most behind dense parts.

    ``I' = (1 - dose) I + dose G(I)`` with ``I = exp(-p)`` and G the Gaussian mean with a standard
    deviation of 0.10 of the shorter side. The dose is the scatter fraction, 0 to 0.8. Nothing is drawn at
    random.

    Declared moments: an even picture stays as it is; a small detail on it whose attenuation differs by c is
    left with ``-log(1 + (1 - dose) (e^-c - 1))``.
    """
    if dose <= 0:
        return stored
    primary = np.exp(-_paths(stored))
    veil = smoothed(primary, SPREAD * min(primary.shape)) / primary
    change = np.log1p(np.float32(dose) * (np.maximum(veil, 0) - np.float32(1)))
    return stored.brighter(-change / np.float32(CONTRAST))


@shift(
    "detector_blur",
    family="acquisition",
    reference=BUSHBERG,
    stage="stored",
    modalities=("xray",),
    default=False,
    doses=ladder("detector_blur", low=0.0, high=0.02),
)
def detector_blur(stored: Stored, dose: float, rng: np.random.Generator) -> Stored:
    """A thick phosphor or a large focal spot: fine detail is lost.

    The values are smoothed by a Gaussian whose standard deviation is the dose, a share of the shorter side
    from 0 to 0.02: its transfer is ``exp(-2 (pi f s)^2)``. Nothing is drawn at random.

    Declared moments: a wave of frequency f keeps exp(-2 (pi f s)^2) of its amplitude; the mean stays.
    """
    sigma = dose * min(stored.values.shape)
    if sigma <= 0:
        return stored
    share = stored.share()
    return stored.brighter(smoothed(share, sigma) - share)


@shift(
    "grid_lines",
    family="acquisition",
    reference=BUSHBERG,
    stage="stored",
    modalities=("xray",),
    default=False,
    doses=ladder("grid_lines", low=0.0, high=0.08),
)
def grid_lines(stored: Stored, dose: float, rng: np.random.Generator) -> Stored:
    """A grid that stood still: the detector samples its lines too coarsely and a beat remains.

    A sine wave is added to the logarithm. The dose is its amplitude as a share of the window, 0 to 0.08.
    Drawn are 25 to 80 lines across the shorter side (at most one in three pixels), upright or level, tilted
    by up to 2 degrees either way, and the phase.

    Declared moments: the change has mean 0 and standard deviation dose / sqrt(2) of the window.
    """
    height, width = stored.values.shape
    side = min(height, width)
    turn = np.radians(rng.uniform(-TILT, TILT) + (90.0 if rng.random() < 0.5 else 0.0))
    step = 2 * np.pi * min(rng.uniform(*LINES) / side, 1 / 3)
    phase = rng.uniform(0, 2 * np.pi)
    across = step * np.cos(turn) * np.arange(width) + phase
    down = step * np.sin(turn) * np.arange(height)[:, None]
    wave = np.sin(across) * np.cos(down) + np.cos(across) * np.sin(down)
    return stored.brighter(dose * wave)
