"""Photons, and what they leave in a logarithmic picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Field = NDArray[np.float32]

# From here on a normal variable with the right third moment is as good as a count, and five times as quick.
_MANY = 25.0


def log_error(expected: Field, rng: np.random.Generator) -> Field:
    """``log(N / expected)`` with N ~ Poisson(expected) drawn per element; no photon counts as half of one.

    For 25 photons and more, N is ``m + z sqrt(m) + (z^2 - 1) / 6`` with z ~ N(0, 1): the expansion of
    Cornish and Fisher (1938), with the mean, variance and skewness of the Poisson law.
    """
    mean = np.maximum(expected, np.float32(1e-3))
    z = rng.standard_normal(mean.shape, dtype=np.float32)
    error = z / np.sqrt(mean)
    error += (z * z - np.float32(1)) / (np.float32(6) * mean)
    few = mean < _MANY
    np.log1p(np.maximum(error, np.float32(-0.99)), out=error)
    if few.any():
        error[few] = np.log(np.maximum(rng.poisson(mean[few]), 0.5) / mean[few])
    return np.asarray(error, np.float32)


def fewer(dose: float) -> float:
    """What to divide counts at a full dose by, so that their noise is all that 2^dose times fewer add.

    The picture already holds the noise of N photons; N / 2^dose have the variance 2^dose / N.
    """
    return float(np.expm1(dose * np.log(2.0)))
