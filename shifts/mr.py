"""Acquisition of MR pictures: the receiving coil, thermal noise and movement along the phase direction.

Signal is counted from 0, or from the smallest value where that is negative, and its unit is what the
window shows white.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medaudit.registry import shift
from medaudit.shifts.severities import ladder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.stored import Stored

    Field = NDArray[np.float64]

GUDBJARTSSON = "Gudbjartsson & Patz 1995, Magn. Reson. Med. 34(6)"
SLED = "Sled, Zijdenbos & Evans 1998, IEEE Trans. Med. Imaging 17(1)"
WOOD = "Wood & Henkelman 1985, Med. Phys. 12(2)"

#: Least and greatest distance of a ghost, as a share of the side along which it is displaced.
DISTANCE = (0.15, 0.40)


def _signal(stored: Stored) -> tuple[Field, float, float]:
    """Signal, the value that stands for none, and the signal that is shown white."""
    zero = min(0.0, float(stored.values.min()))
    return stored.values - zero, zero, max(sum(stored.window.span) - zero, 1e-6)


@shift(
    "rician_noise",
    family="acquisition",
    reference=GUDBJARTSSON,
    stage="stored",
    modalities=("mr",),
    doses=ladder("rician_noise", low=0.0, high=0.15),
)
def rician_noise(stored: Stored, dose: float, rng: np.random.Generator) -> Stored:
    """A fast or low-field MR scan: noise that lifts the dark background, as only magnitudes are kept.

    ``|s + n1 + i n2|`` with n1, n2 ~ N(0, sigma); the dose is sigma as a share of the white level, 0 to 0.15.

    Declared moments: the background without signal becomes sigma sqrt(pi / 2) on average; a signal far above
    sigma keeps its mean up to sigma^2 / (2 s), with standard deviation sigma.
    """
    if dose <= 0:
        return stored
    signal, zero, white = _signal(stored)
    real, imaginary = rng.standard_normal((2, *signal.shape), dtype=np.float32) * np.float32(dose * white)
    return stored.but(zero + np.hypot(signal + real, imaginary))


@shift(
    "bias_field",
    family="acquisition",
    reference=SLED,
    stage="stored",
    modalities=("mr",),
    doses=ladder("bias_field", low=0.0, high=1.0),
)
def bias_field(stored: Stored, dose: float, rng: np.random.Generator) -> Stored:
    """A surface coil or a field that is not even: one part of the MR picture is brighter than another.

    The signal is multiplied by ``exp(dose P)``, P a polynomial of degree 2 over the picture with five
    coefficients drawn from N(0, 1), shifted to mean 0 and scaled to a greatest size of 1. The dose, 0 to 1,
    is the logarithm of the strongest factor.

    Declared moments: the logarithm of the factor has mean 0 and a greatest size of the dose.
    """
    if dose <= 0:
        return stored
    signal, zero, _ = _signal(stored)
    return stored.but(zero + signal * np.exp(dose * _polynomial(signal.shape, rng)))


def _polynomial(shape: tuple[int, ...], rng: np.random.Generator) -> Field:
    y = np.linspace(-1, 1, shape[0])[:, None]
    x = np.linspace(-1, 1, shape[1])[None]
    a, b, c, d, e = rng.standard_normal(5)
    field = (a * y + c * y * y) + (b * x + d * x * x) + e * (y * x)
    field -= field.mean()
    return np.asarray(field / max(float(np.abs(field).max()), 1e-9))


@shift(
    "ghosting",
    family="acquisition",
    reference=WOOD,
    stage="stored",
    modalities=("mr",),
    default=False,
    doses=ladder("ghosting", low=0.0, high=0.5),
)
def ghosting(stored: Stored, dose: float, rng: np.random.Generator) -> Stored:
    """A patient who breathed during an MR scan: faint copies displaced along the phase direction.

    ``(1 - dose) s + dose / 2 (s+ + s-)`` with s+ and s- the signal moved by a distance to either side, what
    leaves at one border coming in at the other. Drawn are the direction (rows or columns) and the distance,
    0.15 to 0.40 of the side. The dose is the share of the signal in the ghosts, 0 to 0.5.

    Declared moments: the mean of the stored values stays exactly; a point becomes three.
    """
    if dose <= 0:
        return stored
    axis = int(rng.integers(2))
    by = round(rng.uniform(*DISTANCE) * stored.values.shape[axis])
    ghosts = np.roll(stored.values, by, axis) + np.roll(stored.values, -by, axis)
    return stored.but((1 - dose) * stored.values + dose / 2 * ghosts)
