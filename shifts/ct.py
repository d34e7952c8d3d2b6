"""Acquisition of CT slices: dose, metal and faulty detector channels.

Amplitudes are in HU; where values are of no known unit, the window is taken to be 400 HU wide, black for
air and mid-grey for water.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit.registry import shift
from medaudit.shifts.counting import fewer, log_error
from medaudit.shifts.severities import ladder
from medaudit.shifts.smooth import smoothed
from medaudit.shifts.tomography import angles_of, matrix_of, offsets_of, project, reconstruct, reconstruct_on
from medaudit.workers import spread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from medaudit.shifts.tomography import Field, Size
    from medaudit.stored import Stored

    Objects = list[tuple[float, float, float]]

HSIEH = "Hsieh 2015, Computed Tomography, 3rd ed., SPIE"
BOAS = "Boas & Fleischmann 2012, Imaging Med. 4(2)"

#: Width of a soft-tissue window, and noise of a full dose behind the usual path, HU.
WINDOW, NOISE = 400.0, 10.0

#: Attenuation of a whole side of water (400 mm), of the usual path (300 mm), and photons behind that path.
SIDE, USUAL, PHOTONS = 8.0, 6.0, 2500.0

#: Radius of a metal object and of the farthest ring, as shares of the shorter side.
RADIUS, FARTHEST = (0.008, 0.016), 0.5

#: Faulty detector channels.
RINGS = 20

#: Metal is laid where the mean density over this share of the side is highest.
DENSE = 0.03
#: Places among which metal takes the densest.
PLACES = 24


def attenuation(stored: Stored) -> Field:
    """Linear attenuation relative to water, 0 to 4."""
    if stored.unit == "HU":
        return np.clip(1 + stored.values / 1000, 0, 4).astype(np.float32)
    return np.clip(2 * stored.share(), np.float32(0), np.float32(2))


def changed_by(stored: Stored, hounsfield: NDArray[np.floating]) -> Stored:
    """The slice with a change in HU (h, w) added."""
    if stored.unit == "HU":
        return stored.but(stored.values + hounsfield)
    return stored.brighter(hounsfield / WINDOW)


def _together(before: Callable[..., tuple[Field, Any]], after: Callable[..., Stored]) -> Callable[..., Any]:
    """A shift's ``batch``: errors and pictures one by one on threads, what is between them all at once."""

    def batch(
        subjects: Sequence[Stored], dose: float, rngs: Sequence[np.random.Generator], device: str
    ) -> list[Stored]:
        if dose <= 0:
            return list(subjects)
        pairs = zip(subjects, rngs, strict=True)
        drawn = spread(lambda pair: before(pair[0], dose, pair[1]), pairs)
        shapes = [stored.values.shape for stored in subjects]
        found = reconstruct_on(device, [errors for errors, _ in drawn], shapes)
        parts = zip(subjects, found, (held for _, held in drawn), strict=True)
        return spread(lambda part: after(part[0], dose, *part[1:]), parts)

    return batch


def _quantum(stored: Stored, dose: float, rng: np.random.Generator) -> tuple[Field, None]:
    """Errors of the line integrals (views, bins) from photons counted."""
    paths = np.float32(SIDE) * project(attenuation(stored), matrix_of(stored.values.shape))
    expected = np.float32(PHOTONS / fewer(dose)) * np.exp(np.float32(USUAL) - paths)
    return -log_error(expected, rng), None


def _noisy(stored: Stored, dose: float, noise: Field, _: None) -> Stored:
    return changed_by(stored, np.float32(NOISE * np.sqrt(PHOTONS)) * noise)


@shift(
    "low_dose_ct",
    version="2",
    family="acquisition",
    reference=HSIEH,
    stage="stored",
    modalities=("ct",),
    doses=ladder("low_dose_ct", low=0.0, high=6.0),
    batch=_together(_quantum, _noisy),
)
def low_dose_ct(stored: Stored, dose: float, rng: np.random.Generator) -> Stored:
    """A CT scan with too little tube current: noise and streaks, most inside and along dense parts.

    Line integrals p through the slice give ``I0 exp(-p)`` photons a ray; counts are drawn from a Poisson law,
    their logarithm's error is filtered and back-projected. The dose is log2 of the reduction of I0, 0 to 6
    (1/64). The picture's side is taken for 400 mm and its pixels for those of the scanner, up to 512.

    Declared moments: behind 300 mm of water the change has mean 0 and standard deviation
    10 sqrt(2^dose - 1) HU, times e^(p/2 - 3) on other paths.
    """
    if dose <= 0:
        return stored
    errors, _ = _quantum(stored, dose, rng)
    shape = stored.values.shape
    return _noisy(stored, dose, reconstruct(errors, matrix_of(shape), shape), _)


def _beams(stored: Stored, dose: float, rng: np.random.Generator) -> tuple[Field, Objects]:
    """Errors of the line integrals (views, bins) from metal, and the metal."""
    size, body = matrix_of(stored.values.shape), attenuation(stored)
    objects = _objects(body, rng)
    return _errors(project(body, size), _metal(objects, size), rng), objects


def _streaked(stored: Stored, dose: float, streaks: Field, objects: Objects) -> Stored:
    """The slice with streaks of standard deviation ``dose`` outside the discs, and the discs."""
    discs = _discs(objects, stored.values.shape)
    outside = streaks[~discs]
    scale = max(float(outside.std()), 1e-6) if outside.size else 1.0
    shown = changed_by(stored, np.float32(dose / scale) * streaks)
    return changed_by(shown, np.where(discs, 3000.0 + dose * np.abs(streaks) / scale, 0.0))


@shift(
    "metal_streaks",
    version="2",
    family="acquisition",
    reference=BOAS,
    stage="stored",
    modalities=("ct",),
    default=False,
    doses=ladder("metal_streaks", low=0.0, high=80.0),
    batch=_together(_beams, _streaked),
)
def metal_streaks(stored: Stored, dose: float, rng: np.random.Generator) -> Stored:
    """A CT slice with a screw, clip or filling: dark and bright bands radiate from it.

    One or two small discs are laid on dense parts. Where a ray passes metal its line integral is too
    small by ``m (m + b)``, m and b the paths through metal and body as shares of their largest (beam
    hardening), and noisy (starved of photons); that error is filtered and back-projected. The dose is the
    standard deviation of the streaks over the slice, 0 to 80 HU; the discs themselves are shown dense.
    Metal that lies on a stone or beside it hides it: of 180 small findings six changed sides from bright to
    dark.

    Declared moments: outside the discs the change has standard deviation dose and a mean below a tenth of it.
    """
    if dose <= 0:
        return stored
    errors, objects = _beams(stored, dose, rng)
    shape = stored.values.shape
    return _streaked(stored, dose, reconstruct(errors, matrix_of(shape), shape), objects)


def _objects(body: Field, rng: np.random.Generator) -> Objects:
    """Centre (y, x) and radius of one or two discs, shares of the sides and of the shorter side."""
    height, width = body.shape
    # Smoothed, so that bones are found and not the one small stone that is asked about.
    step = max(1, min(height, width) // 64)
    coarse = smoothed(body, DENSE * min(height, width))[::step, ::step]
    found = []
    for _ in range(int(rng.integers(1, 3))):
        # The densest of places drawn without a look at the slice: a finding does not move the metal.
        drawn = (rng.uniform(0.125, 0.875, (PLACES, 2)) * coarse.shape).astype(int)
        y, x = drawn[int(coarse[drawn[:, 0], drawn[:, 1]].argmax())]
        found.append((y * step / height, x * step / width, float(rng.uniform(*RADIUS))))
    return found


def _metal(objects: Objects, size: Size) -> Field:
    """Path through metal (views, bins) as a share of its largest."""
    angles, offsets = angles_of(size)[:, None], offsets_of(size)
    total = np.zeros((len(angles), len(offsets)), np.float32)
    for y, x, radius in objects:
        across, down = x * size[1] - (size[1] - 1) / 2, y * size[0] - (size[0] - 1) / 2
        away = offsets - (across * np.cos(angles) + down * np.sin(angles))
        long = max(radius * min(size), 1.0)
        total += np.sqrt(np.maximum(1 - (away / np.float32(long)) ** 2, 0))
    return total / np.float32(max(float(total.max()), 1e-6))


def _errors(body: Field, metal: Field, rng: np.random.Generator) -> Field:
    body = body / np.float32(max(float(body.max()), 1e-6))
    starved = rng.standard_normal(body.shape, dtype=np.float32) * metal * body
    return np.float32(0.3) * starved - metal * (metal + body)


def _discs(objects: Objects, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    height, width = shape
    y, x = np.ogrid[:height, :width]
    discs = np.zeros(shape, bool)
    for down, across, radius in objects:
        far = max(radius * min(shape), 0.7)
        discs |= (y - down * height) ** 2 + (x - across * width) ** 2 <= far**2
    return discs


@shift(
    "ring_artefact",
    family="acquisition",
    reference=HSIEH,
    stage="stored",
    modalities=("ct",),
    default=False,
    doses=ladder("ring_artefact", low=0.0, high=80.0),
)
def ring_artefact(stored: Stored, dose: float, rng: np.random.Generator) -> Stored:
    """A CT scanner out of calibration: faulty detector channels draw rings about the centre.

    A function of the distance from the centre is added: at 20 radii drawn between 0.03 and 0.5 of the shorter
    side a bright ring and a dark one beside it, each about 1/150 of the side wide, of random sign.
    The dose is the standard deviation of the profile along a radius of the picture, 0 to 80 HU.

    Declared moments: the change is constant along circles, and its mean along a radius is below a tenth of
    the dose.
    """
    height, width = stored.values.shape
    y = np.arange(height, dtype=np.float32)[:, None] - np.float32((height - 1) / 2)
    x = np.arange(width, dtype=np.float32) - np.float32((width - 1) / 2)
    profile = _rings(rng)
    radius = np.hypot(y, x) * np.float32((len(profile) - 1) / FARTHEST / max(min(height, width), 2))
    return changed_by(stored, dose * np.interp(radius, np.arange(len(profile)), profile, right=0.0))


def _rings(rng: np.random.Generator) -> NDArray[np.float64]:
    """Change by radius, 0 to ``FARTHEST`` of the side in equal steps, of standard deviation 1."""
    radii = np.linspace(0, FARTHEST, 600)
    profile = np.zeros_like(radii)
    sizes = rng.uniform(0.5, 1.0, RINGS) * rng.choice([-1.0, 1.0], RINGS)
    for at, size in zip(rng.uniform(0.03, FARTHEST, RINGS), sizes, strict=True):
        away = (radii - at) / 0.004
        profile += size * away * np.exp(0.5 - away**2 / 2)
    profile[-1] = 0.0
    return np.asarray(profile / max(float(profile.std()), 1e-6))
