"""What the probe, the knobs and the tissue above do to an ultrasound picture.

Grey levels of a B-mode picture are decibels: 255 levels show a dynamic range of ``RANGE`` dB.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from medaudit.registry import shift
from medaudit.shifts.painting import scaled
from medaudit.shifts.severities import ladder

if TYPE_CHECKING:
    from medaudit.image import Pixels
    from medaudit.shifts.painting import Field

#: Dynamic range of the display, dB.
RANGE = 60.0
SPECKLE = "Burckhardt 1978, IEEE Trans Sonics Ultrason 25(1); Wagner et al. 1983, ibid. 30(3)"
ARTEFACTS = "Feldman, Katyal & Blackwood 2009, US artifacts, RadioGraphics 29(4)"

#: Coefficient of variation of a Rayleigh variable: fully developed speckle.
RAYLEIGH = math.sqrt(4 / math.pi - 1)
#: Standard deviation of the pulse along and across the beam, as a share of the shorter side.
_GRAIN = (0.004, 0.008)


def decibels(loss: float | Field) -> Field:
    """Grey levels that a loss in dB takes off a B-mode picture."""
    return np.asarray(loss, dtype=np.float32) * np.float32(255 / RANGE)


@shift(
    "speckle",
    family="ultrasound",
    reference=SPECKLE,
    modalities=("us",),
    doses=ladder("speckle", low=0.0, high=0.5),
)
def speckle(pixels: Pixels, dose: float, rng: np.random.Generator) -> Pixels:
    """Speckle of another probe or another frequency: grain that is the stronger, the brighter the tissue.

    ``x (1 + w (r - 1))`` with ``w = dose / 0.523`` and r the envelope of a complex Gaussian field (Rayleigh,
    mean 1), smoothed by a pulse of sd 0.4 % of the shorter side in depth and twice that across, from half a
    pixel. One field for all channels.

    Dose: standard deviation of the multiplier, 0 (none) to 0.52 (fully developed speckle).

    Declared moments: on an even mid-grey x the mean stays and the standard deviation is dose x; black stays.
    """
    height, width = pixels.shape[:2]
    along, across = (max(0.5, share * min(height, width)) for share in _GRAIN)
    real, imaginary = (_pulses(height, width, along, across, rng) for _ in range(2))
    envelope = np.hypot(real, imaginary) * np.float32(math.sqrt(2 / math.pi))
    weight = np.float32(dose / RAYLEIGH)
    return scaled(pixels, np.clip(1 + weight * (envelope - 1), 0, None))


def _pulses(height: int, width: int, along: float, across: float, rng: np.random.Generator) -> Field:
    """White noise under a Gaussian pulse, sd 1."""
    import cv2

    noise = rng.standard_normal((height, width), dtype=np.float32)
    kernels = [cv2.getGaussianKernel(2 * math.ceil(3 * sd) + 1, sd, cv2.CV_32F) for sd in (across, along)]
    field = cv2.sepFilter2D(noise, -1, kernels[0], kernels[1], borderType=cv2.BORDER_REFLECT)
    power = math.prod(float((kernel**2).sum()) for kernel in kernels)
    return np.asarray(field, dtype=np.float32) / np.float32(math.sqrt(power))


@shift(
    "gain",
    family="ultrasound",
    reference=ARTEFACTS,
    modalities=("us",),
    default=False,
    doses=ladder("gain", low=0.0, high=16.0),
)
def gain(pixels: Pixels, dose: float, rng: np.random.Generator) -> Pixels:
    """A gain knob turned too far: all of the picture too bright or too dark.

    ``clip(x +- 255 dose / 60, 0, 255)``: after log compression a gain adds, 60 dB filling the 255 levels.
    The sign is drawn with equal chance. Pure black, the frame around the sector, stays black.

    Dose: gain too much or too little, dB, 0 to 16.

    Declared moments: mid-grey moves by 4.25 dose levels, up or down with mean sign 0.
    """
    import cv2

    sign = 1 if rng.random() < 0.5 else -1
    levels = np.arange(256, dtype=np.float32) + sign * decibels(dose)
    levels[0] = 0
    table = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(pixels, table), dtype=np.uint8).reshape(pixels.shape)


@shift(
    "depth_fade",
    family="ultrasound",
    reference=ARTEFACTS,
    modalities=("us",),
    default=False,
    doses=ladder("depth_fade", low=0.0, high=30.0),
)
def depth_fade(pixels: Pixels, dose: float, rng: np.random.Generator) -> Pixels:
    """Attenuation that nobody made up for: a thick patient, a high frequency, time gain set flat.

    ``clip(x - 255/60 dose z, 0, 255)``, z the depth from 0 at the upper to 1 at the lower border: tissue
    takes away the same number of dB with each centimetre. Nothing is drawn at random.

    Dose: dB lost at the lower border, 0 to 30.

    Declared moments: an even bright picture falls by 4.25 dose levels at the bottom, half of that half way.
    """
    import cv2

    height = pixels.shape[0]
    depth = (np.arange(height, dtype=np.float32) + np.float32(0.5)) / np.float32(height)
    loss = np.clip(np.rint(decibels(dose) * depth), 0, 255).astype(np.uint8)
    taken = np.ascontiguousarray(np.broadcast_to(loss[:, None, None], pixels.shape))
    return np.asarray(cv2.subtract(pixels, taken), dtype=np.uint8).reshape(pixels.shape)


@shift(
    "shadow_band",
    family="ultrasound",
    reference=ARTEFACTS,
    modalities=("us",),
    default=False,
    doses=ladder("shadow_band", low=0.0, high=40.0),
)
def shadow_band(pixels: Pixels, dose: float, rng: np.random.Generator) -> Pixels:
    """The shadow of a rib, of gas or of a dry spot under the probe: one narrow dark band downwards.

    ``clip(x - 255/60 dose b(x) s(y), 0, 255)`` with b a Gaussian of sd 2 % of the width (a band of about 6 %)
    at a place drawn from the middle 80 %, and s rising from 0 to 1 within 3 % of the height below a depth
    drawn from the upper 10 to 50 %. It can hide a finding narrower than itself; leave it out where shadows
    are what the question is about (stones, ribs).

    Dose: dB lost in the middle of the band, 0 to 40.

    Declared moments: the middle of the band falls by 4.25 dose levels; over 85 % of the columns stay as they
    are.
    """
    height, width = pixels.shape[:2]
    middle, top = rng.uniform(0.1, 0.9) * width, rng.uniform(0.1, 0.5) * height
    columns = np.arange(width, dtype=np.float32) + np.float32(0.5) - np.float32(middle)
    band = np.exp(-0.5 * (columns / np.float32(0.02 * width)) ** 2)
    rows = np.arange(height, dtype=np.float32) + np.float32(0.5) - np.float32(top)
    start = np.clip(rows / np.float32(max(0.5, 0.03 * height)), 0, 1)
    near = np.flatnonzero(band > 0.01)
    if not near.size:
        return pixels.copy()
    part = np.s_[:, near[0] : near[-1] + 1]
    changed = pixels.copy()
    lost = decibels(dose) * np.outer(start, band[part[1]]).astype(np.float32)
    changed[part] = np.clip(np.rint(pixels[part] - lost[..., None]), 0, 255).astype(np.uint8)
    return changed
