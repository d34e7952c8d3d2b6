"""What a workstation, a technician or a scan of a film puts at the edges of a picture."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from medaudit.registry import shift
from medaudit.shifts.painting import blend
from medaudit.shifts.severities import ladder

if TYPE_CHECKING:
    from medaudit.image import Pixels
    from medaudit.shifts.painting import Field

MARKERS = "Zech et al. 2018, PLoS Med 15(11):e1002683; DeGrave et al. 2021, Nat Mach Intell 3"
#: Letters of made-up identifiers: no vowels, so no words; no L and no R, so no side.
_LETTERS = "BCDFGHJKMNPQSTVWXZ"
_FONT_SIZE = 48
_LINES, _WORD = 3, 4
#: Distance of an overlay from the corner, as a share of the shorter side.
_INSET = 0.02
#: Even steps of size, not of SSIM: that compares place by place, and is lost to the first pixels of a shift.
BORDERS = (0.08, 0.16, 0.24, 0.32, 0.40)


@lru_cache(maxsize=64)
def lettering(text: str) -> Field:
    """Cover 0..1 of the text, cropped to its ink, in Pillow's own font."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(size=_FONT_SIZE)
    canvas = Image.new("L", (_FONT_SIZE * (len(text) + 1), 2 * _FONT_SIZE * (text.count("\n") + 1)))
    ImageDraw.Draw(canvas).multiline_text((_FONT_SIZE // 2, 0), text, fill=255, font=font)
    cover = np.asarray(canvas.crop(canvas.getbbox()), dtype=np.float32) / np.float32(255)
    cover.flags.writeable = False
    return cover


def stamped(pixels: Pixels, text: str, high: float, corner: tuple[bool, bool]) -> Pixels:
    """The text written ``high`` pixels high into a corner (lower?, right?), white on dark, black on bright.

    Heights are rounded to whole pixels; a text under one pixel fades instead.
    """
    import cv2

    cover = lettering(text)
    rows = max(1, round(high))
    columns = max(1, round(rows * cover.shape[1] / cover.shape[0]))
    drawn = cv2.resize(cover, (columns, rows), interpolation=cv2.INTER_AREA)
    drawn = drawn.reshape(rows, columns) * np.float32(min(1.0, high))
    height, width = pixels.shape[:2]
    inset = round(_INSET * min(height, width))
    top = max(0, height - inset - rows) if corner[0] else min(inset, max(0, height - rows))
    left = max(0, width - inset - columns) if corner[1] else min(inset, max(0, width - columns))
    part = np.s_[top : top + rows, left : left + columns]
    changed = pixels.copy()
    under = changed[part]
    ink = 255 if float(under.mean()) < 128 else 0
    drawn = drawn[: under.shape[0], : under.shape[1]]
    changed[part] = blend(under, np.full(3, ink, dtype=np.float32), drawn)
    return changed


def _identifier(rng: np.random.Generator) -> str:
    """Three lines such as ``ZKQT 4821``: no name, no word, no date."""
    lines = []
    for _ in range(_LINES):
        word = "".join(_LETTERS[i] for i in rng.integers(len(_LETTERS), size=_WORD))
        lines.append(f"{word} {rng.integers(1000, 10_000)}")
    return "\n".join(lines)


@shift(
    "burned_in_text",
    family="overlay",
    reference=MARKERS,
    default=False,
    doses=ladder("burned_in_text", low=0.0, high=0.15),
)
def burned_in_text(pixels: Pixels, dose: float, rng: np.random.Generator) -> Pixels:
    """The header that a workstation burns into a screenshot: a block of text in a corner.

    Three lines of four consonants and four digits, drawn at random (no names, no words, neither L nor R), 2 %
    of the shorter side from the corner, which is drawn too. White, or black where the corner is bright.

    Dose: height of the block as a share of the shorter side, 0 to 0.15; it is about twice as wide.

    Declared moments: nothing changes outside a box of the dose by 2.5 times the dose at one corner.
    """
    lower, right = (bool(each) for each in rng.integers(2, size=2))
    return stamped(pixels, _identifier(rng), dose * min(pixels.shape[:2]), (lower, right))


@shift(
    "laterality_marker",
    family="overlay",
    reference=MARKERS,
    default=False,
    doses=ladder("laterality_marker", low=0.0, high=0.15),
)
def laterality_marker(pixels: Pixels, dose: float, rng: np.random.Generator) -> Pixels:
    """A lead letter, L or R, in an upper corner, whichever side that is: a marker that nobody checked.

    The letter and the corner are drawn with equal chance, each without regard to the truth, so half of them
    contradict the usual arrangement of a radiograph. What the picture shows is unchanged, and so is the right
    answer; a reader who trusts the letter over the anatomy is misled, and that is what this shift measures.

    Dose: height of the letter as a share of the shorter side, 0 to 0.15.

    Declared moments: nothing changes outside a square of the dose at one upper corner.
    """
    letter, right = ("L", "R")[int(rng.integers(2))], bool(rng.integers(2))
    return stamped(pixels, letter, dose * min(pixels.shape[:2]), (False, right))


@shift(
    "border",
    family="overlay",
    reference="DeGrave et al. 2021, Nat Mach Intell 3; Bissoto et al. 2019, arXiv:1904.08818",
    default=False,
    doses={"": BORDERS},
)
def border(pixels: Pixels, dose: float, rng: np.random.Generator) -> Pixels:
    """A frame round a scanned film or a slide: the whole picture, smaller, on black or on white.

    Reduced by area means to ``1 - dose`` of each side and put into the middle; nothing is cut off. Black and
    white have equal chance.

    Dose: share of each side that the frame takes, both edges together, 0 to 0.4.

    Declared moments: the frame takes ``1 - (1 - dose)^2`` of the area; what is in it has the picture's mean.
    """
    import cv2

    height, width = pixels.shape[:2]
    rows, columns = max(1, round(height * (1 - dose))), max(1, round(width * (1 - dose)))
    framed = np.full_like(pixels, 255 * int(rng.integers(2)), order="C")
    small = cv2.resize(pixels, (columns, rows), interpolation=cv2.INTER_AREA).reshape(rows, columns, 3)
    top, left = (height - rows) // 2, (width - columns) // 2
    framed[top : top + rows, left : left + columns] = small
    return framed
