"""What lies on the skin or between the skin and the lens."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from medaudit.registry import shift
from medaudit.shifts.painting import as_seen, blend, highest, scaled, texture
from medaudit.shifts.severities import ladder

if TYPE_CHECKING:
    from medaudit.image import Pixels
    from medaudit.shifts.painting import Field

BIAS = "Bissoto et al. 2019, (De)Constructing bias on skin lesion datasets, arXiv:1904.08818"
_HAIR = (38.0, 26.0, 20.0)
_INK = (72.0, 42.0, 128.0)
_WHITE = (255.0, 255.0, 255.0)
#: Sub-pixel steps of cv2's drawing, as a power of two.
_STEPS = 4
#: Cover across a smooth line of cv2, pixels: at thickness 1, and how much more at each of 2, 3, 5, 7 ...
_THINNEST, _NEXT_WIDTH = 1.33, 2.06


def strokes(shape: tuple[int, ...], lines: list[tuple[Field, float, float]]) -> Field:
    """Cover 0..1, (h, w), of ``(points (n, 2) as x and y in pixels, width in pixels, opacity 0..1)``.

    Lines thinner than the thinnest that can be drawn are as much fainter.
    """
    import cv2

    cover = np.zeros(shape[:2], dtype=np.uint8)
    for points, width, opacity in lines:
        step = max(0, round((width - _THINNEST) / _NEXT_WIDTH))
        thick = step + 1 if step < 2 else 2 * step - 1
        level = round(255 * min(1.0, opacity * width / (_THINNEST + _NEXT_WIDTH * step)))
        if level > 0:
            fixed = np.rint(points * 2**_STEPS).astype(np.int32)
            cv2.polylines(cover, [fixed], False, level, thick, cv2.LINE_AA, _STEPS)
    return cover.astype(np.float32) / np.float32(255)


@shift(
    "hair",
    family="dermoscopy",
    reference=f"{BIAS}; Lee et al. 1997, DullRazor, Comput Biol Med 27(6)",
    modalities=("dermoscopy",),
    doses=ladder("hair", low=0.0, high=60.0),
)
def hair(pixels: Pixels, dose: float, rng: np.random.Generator) -> Pixels:
    """Unshaven skin: dark hairs that cross the picture.

    Each hair is a parabola with its middle anywhere in the picture, 0.4 to 0.9 of the shorter side long, 0.4
    to 0.9 % wide, dark brown of opacity 0.9. Directions scatter by 35 degrees (sd) about one that is drawn
    per picture. Many hairs can hide a small finding.

    Dose: number of hairs, 0 to 60; of a broken number the last hair is that much fainter.

    Declared moments: no pixel of a bright picture gets brighter; each hair covers about 0.3 % of the picture.
    """
    side = min(pixels.shape[:2])
    main = rng.uniform(0, math.pi)
    drawn = [_hair(pixels.shape, side, main, rng) for _ in range(math.ceil(dose))]
    fading = [min(1.0, dose - number) for number in range(len(drawn))]
    lines = [(points, width, 0.9 * here) for (points, width), here in zip(drawn, fading, strict=True)]
    return blend(pixels, as_seen(_HAIR, pixels), strokes(pixels.shape, lines))


def _hair(shape: tuple[int, ...], side: int, main: float, rng: np.random.Generator) -> tuple[Field, float]:
    x, y = rng.uniform(0, 1, 2) * (shape[1], shape[0])
    angle = main + rng.normal(0, math.radians(35))
    half, bend = 0.5 * side * rng.uniform(0.4, 0.9), side * rng.normal(0, 0.08)
    width = side * rng.uniform(0.004, 0.009)
    along = np.linspace(-1, 1, 17, dtype=np.float32)
    across = bend * (along**2 - 0.33)
    points = np.stack(
        [
            x + half * along * math.cos(angle) - across * math.sin(angle),
            y + half * along * math.sin(angle) + across * math.cos(angle),
        ],
        axis=1,
    )
    return points.astype(np.float32), width


@shift(
    "ink",
    family="dermoscopy",
    reference=f"{BIAS}; Winkler et al. 2019, Surgical skin markings, JAMA Dermatol 155(10)",
    modalities=("dermoscopy",),
    default=False,
    doses=ladder("ink", low=0.0, high=1.0),
)
def ink(pixels: Pixels, dose: float, rng: np.random.Generator) -> Pixels:
    """A surgical skin marker: a violet line round the lesion, drawn by hand.

    An arc about the centre, at 0.38 to 0.46 of the shorter side with two slow waves of up to 2 %, 2.5 % wide,
    of opacity 0.8, from an angle that is drawn. The middle third of the picture is never touched; a finding
    that reaches the outer part can be crossed.

    Dose: share of the full circle, 0 to 1.

    Declared moments: at dose 1 6 to 7 % of a square picture is inked; the centre stays as it is.
    """
    height, width = pixels.shape[:2]
    side = min(height, width)
    start, first, second = rng.uniform(0, 2 * math.pi, 3)
    radius, waves = rng.uniform(0.38, 0.46), rng.uniform(0, 0.02, 2)
    turn = np.linspace(0, 2 * math.pi * dose, 129)
    far = radius + waves[0] * np.sin(2 * turn + first) + waves[1] * np.sin(3 * turn + second)
    x = width / 2 + side * far * np.cos(start + turn)
    y = height / 2 + side * far * np.sin(start + turn)
    points = np.stack([x, y], axis=1).astype(np.float32)
    # Up to one line width of arc the pen touches down: without this a dot would stand at dose 0.
    touch = min(1.0, dose * 2 * math.pi * radius / 0.025)
    return blend(pixels, as_seen(_INK, pixels), strokes(pixels.shape, [(points, 0.025 * side, 0.8 * touch)]))


@shift(
    "ruler",
    family="dermoscopy",
    reference=BIAS,
    modalities=("dermoscopy",),
    default=False,
    doses=ladder("ruler", low=0.0, high=0.12),
)
def ruler(pixels: Pixels, dose: float, rng: np.random.Generator) -> Pixels:
    """The scale of a dermatoscope or a ruler laid beside the lesion: ticks along one edge.

    One tick in every 2 % of the edge, from 3 pixels, 0.4 % wide, from a pixel; each fifth is long, the others
    half as long. Black, or white where the edge is dark. The edge is drawn.

    Dose: length of the long ticks as a share of the side that they point along, 0 to 0.12.

    Declared moments: nothing beyond the dose from the edge changes.
    """
    turns = int(rng.integers(4))
    turned = np.rot90(pixels, turns)
    length, along = min(1.0, dose) * turned.shape[0], turned.shape[1]
    step = max(3, round(0.02 * along))
    places = np.arange(along)
    tick = (places + step // 2) % step < max(1, round(0.004 * along))
    reach = np.where((places + step // 2) // step % 5 == 0, length, length / 2) * tick
    rows = np.arange(math.ceil(length), dtype=np.float32)
    cover = np.clip(reach.astype(np.float32) - rows[:, None], 0, 1)
    changed = turned.copy()
    strip = changed[: len(rows)]
    dark = strip.size > 0 and float(strip.mean()) < 100
    changed[: len(rows)] = blend(strip, np.full(3, 255 if dark else 0, dtype=np.float32), cover)
    return np.ascontiguousarray(np.rot90(changed, -turns))


@shift(
    "glare",
    family="dermoscopy",
    reference=f"{BIAS}; Celebi et al. 2009, Comput Med Imaging Graph 33(2)",
    modalities=("dermoscopy",),
    default=False,
    doses=ladder("glare", low=0.0, high=0.12),
)
def glare(pixels: Pixels, dose: float, rng: np.random.Generator) -> Pixels:
    """Light thrown back by gel, bubbles or oily skin, where no polariser stood before the lens.

    White blobs of about 3 % of the shorter side where a smooth random field is highest, with soft edges. A
    small finding can be hidden by one.

    Dose: share of the picture that is touched, 0 to 0.12.

    Declared moments: that share of the pixels of a dark picture changes, to 0.01; none gets darker.
    """
    height, width = pixels.shape[:2]
    field = texture(height, width, 0.03 * min(height, width), rng)
    return blend(pixels, as_seen(_WHITE, pixels), highest(field, dose, 0.4))


@shift(
    "vignette",
    family="dermoscopy",
    reference=f"{BIAS}; Goldman 2010, Vignette and exposure calibration, IEEE TPAMI 32(12)",
    modalities=("dermoscopy", "endoscopy", "fundus"),
    doses=ladder("vignette", low=0.0, high=1.0),
)
def vignette(pixels: Pixels, dose: float, rng: np.random.Generator) -> Pixels:
    """Dark corners of a lens that is small for its sensor, or of a narrow beam of light.

    ``x (1 - dose q^2)`` with q the squared distance from the centre over that of a corner: light falls
    with the fourth power of the distance. Nothing is drawn at random.

    Dose: share of the light that a corner loses, 0 to 1.

    Declared moments: an even picture loses 7/45 of the dose in the mean, nothing at its centre.
    """
    height, width = pixels.shape[:2]
    y = ((np.arange(height, dtype=np.float32) + 0.5) / height * 2 - 1) ** 2
    x = ((np.arange(width, dtype=np.float32) + 0.5) / width * 2 - 1) ** 2
    q = (y[:, None] + x) * np.float32(0.5)
    return scaled(pixels, 1 - np.float32(dose) * q * q)
