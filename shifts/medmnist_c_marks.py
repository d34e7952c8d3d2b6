"""What MedMNIST-C lays over a picture: stain, bubbles, a black rim and letters.

All take a picture, (h, w) for grey or (h, w, 3), its scale (shorter side / 224) and a generator. On a grey
picture colours are grey levels.
"""

from __future__ import annotations

from string import ascii_lowercase
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from medaudit.image import Pixels

#: Distance of stains and letters from the border, in pixels at 224.
_MARGIN = 10
_FRACTION = 4  # bits after the point in the coordinates that cv2 draws


def _fixed(value: float) -> int:
    return round(value * (1 << _FRACTION))


def _outline(rng: np.random.Generator, size: float) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Points (n, 2) of a blot about 0: a circle dented by five waves of random strength and phase."""
    turn = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    radius = np.ones_like(turn)
    for wave in range(2, 7):
        strength, phase = rng.uniform(0, 0.25 / wave**0.5), rng.uniform(0, 2 * np.pi)
        radius += strength * np.cos(wave * turn + phase)
    radius *= size / 2 / radius.max()
    return np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1)


def stain_deposit(picture: Pixels, scale: float, rng: np.random.Generator, most: int, size: float) -> Pixels:
    """Clots of stain that were left on the slide.

    From 1 to ``most`` black blots, each at most ``size`` pixels wide, anywhere 10 pixels from the border. The
    blots are drawn by a formula; published ones come from a file of ink marks, of the same sizes.

    Declared moments: pixels stay or become black; the black share is at most ``most (size / 224)^2``, and the
    mean does not rise.
    """
    import cv2

    height, width = picture.shape[:2]
    stained = picture.copy()
    apart = scale * (_MARGIN + size / 2)
    for _ in range(int(rng.integers(1, most + 1))):
        centre = rng.uniform(apart, width - apart), rng.uniform(apart, height - apart)
        points = _outline(rng, scale * size) + centre
        cv2.fillPoly(stained, [np.rint(points * 2**_FRACTION).astype(np.int32)], (0, 0, 0), shift=_FRACTION)
    return stained


#: Opacity of a bubble and of its rim, of 255, and the rim's width at 224.
_INSIDE, _RIM, _RIM_WIDTH = 100, 130, 2


def bubble(picture: Pixels, scale: float, rng: np.random.Generator, largest: int, most: int) -> Pixels:
    """Air bubbles under the cover slip.

    From 7 to ``most`` white discs, radius 3 to ``largest`` pixels, opacity 100 / 255, with a rim of 2 pixels
    and opacity 130 / 255; the last one drawn covers those below.

    Declared moments: no value falls; none rises by more than ``130 / 255`` of its distance from white.
    """
    import cv2

    height, width = picture.shape[:2]
    opacity = np.zeros((height, width), dtype=np.uint8)
    for _ in range(int(rng.integers(7, most + 1))):
        radius = scale * int(rng.integers(3, largest + 1))
        centre = _fixed(rng.uniform(radius, width - radius)), _fixed(rng.uniform(radius, height - radius))
        rim = _fixed(radius + _RIM_WIDTH * scale)
        cv2.circle(opacity, centre, rim, (_RIM,), -1, cv2.LINE_8, _FRACTION)
        cv2.circle(opacity, centre, _fixed(radius), (_INSIDE,), -1, cv2.LINE_8, _FRACTION)
    result = picture.copy()
    for level in (_INSIDE, _RIM):
        whiter = np.rint(np.arange(256) + (255 - np.arange(256)) * level / 255).astype(np.uint8)
        cv2.copyTo(cv2.LUT(picture, whiter), cv2.inRange(opacity, (level,), (level,)), result)
    return result


def black_corner(picture: Pixels, scale: float, rng: np.random.Generator, radius: float) -> Pixels:
    """The tube of a dermatoscope, or a round field of view.

    All is black beyond ``radius`` times half the shorter side from the centre. Severity 5 darkens less than
    severity 4: 0.95 after 0.90, as published. Nothing is drawn at random.

    Declared moments: pixels stay or become black; in a square the lit share is that of the circle.
    """
    import cv2

    height, width = picture.shape[:2]
    centre = (width // 2, height // 2)
    reach = min(*centre, width - centre[0], height - centre[1])
    inside = np.zeros((height, width), dtype=np.uint8)
    cv2.circle(inside, centre, int(reach * radius), (255,), -1)
    return np.asarray(cv2.copyTo(picture, inside, np.zeros_like(picture)))


def characters(
    picture: Pixels, scale: float, rng: np.random.Generator, words: int, letters: int, largest: float
) -> Pixels:
    """Letters and notes burned into the picture.

    From 1 to ``words`` words of 3 to ``letters`` letters drawn at random, font scale 0.14 to ``largest`` (a
    letter is then 3 to 4 pixels high), in random colours, anywhere 10 pixels from the border.

    Declared moments: less than a twentieth of the picture changes.
    """
    import cv2

    height, width = picture.shape[:2]
    written = picture.copy()
    for _ in range(int(rng.integers(1, words + 1))):
        count = int(rng.integers(3, letters + 1))
        size = scale * int(rng.integers(14, round(largest * 100) + 1)) / 100
        text = "".join(ascii_lowercase[letter] for letter in rng.integers(0, 26, count))
        x = rng.uniform(_MARGIN * scale, max(_MARGIN * scale, width - 8 * scale * count))
        y = rng.uniform(_MARGIN * scale, height - _MARGIN * scale)
        colour = [int(level) for level in rng.integers(0, 256, 3)]
        at = (round(x), round(y))
        cv2.putText(written, text, at, cv2.FONT_HERSHEY_DUPLEX, size, colour, 1, cv2.LINE_AA)
    return written
