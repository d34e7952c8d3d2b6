"""Near-duplicates by perceptual hash: the same picture saved, resized or re-exported again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from medaudit.descriptors import small_grey
from medaudit.errors import UsageError
from medaudit.mining.reference import low_frequencies

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.image import Image
    from medaudit.mining.pool import Ints
    from medaudit.mining.vectors import Floats

Hashes: TypeAlias = "NDArray[np.uint64]"
#: Two pictures whose hashes differ in at most this many of 64 bits are near-duplicates. On radiographs,
#: photographs of skin and mixed teaching images, JPEG at quality 50, half the size and other brightness move
#: 2 bits at most (95th percentile), a crop by 1 % moves 2 to 4; of pairs of different pictures 1 in 1,000
#: lies within 4 to 12. A crop that is missed here still looks alike to the reference, and so is no pair.
DISTANCE = 2
_BANDS, _BITS = 4, 16
#: Four bands: two hashes this far apart still agree but for one bit in one of them.
FARTHEST = 2 * _BANDS - 1
_TERMS = 11


def perceptual_hashes(images: Sequence[Image]) -> Hashes:
    """64 bits per picture, ``(n,) uint64``: signs of its 64 lowest cosine terms about their median.

    Of the luminance at 64 x 64 pixels, without the constant term, in order of frequency. Brightness and
    contrast leave it as it is; a constant picture has hash 0. Pictures of equal digest are read once.
    """
    known: dict[str, np.uint64] = {}
    for image in images:
        if image.digest not in known:
            known[image.digest] = hash_of(small_grey(image.pixels()))
    return np.asarray([known[image.digest] for image in images], dtype=np.uint64)


def hash_of(small: Floats) -> np.uint64:
    """The hash of one picture of ``(64, 64)`` grey values."""
    terms = low_frequencies(small, _TERMS)[_LOWEST]
    if float(np.abs(terms).max()) < 1e-6:
        return np.uint64(0)
    bits = (terms > np.median(terms)).astype(np.uint8)
    return np.uint64(int.from_bytes(np.packbits(bits).tobytes(), "big"))


def far_apart(hashes: Hashes, first: Ints, second: Ints, distance: int = DISTANCE) -> NDArray[np.bool_]:
    """Whether each pair differs in more than ``distance`` bits."""
    return np.asarray(np.bitwise_count(hashes[first] ^ hashes[second]) > distance)


def near_pairs(hashes: Hashes, distance: int = DISTANCE) -> tuple[Ints, Ints]:
    """All pairs of *different* hashes at most ``distance`` bits apart: two arrays, first < second, sorted.

    The 64 bits are cut into 4 bands of 16. If two hashes differ in at most 7 bits, one band differs in at
    most one: so each hash is looked up by each band, and by the band with each of its bits turned. No step
    compares all with all; the search is exact. UsageError for a distance outside 0..7.
    """
    if not 0 <= distance <= FARTHEST:
        raise UsageError(f"duplicates: a distance of {distance} bits was asked for; give 0 to {FARTHEST}.")
    turns = [0] if distance < _BANDS else [0, *(1 << bit for bit in range(_BITS))]
    found = [_alike(hashes, band, turn, distance) for band in range(_BANDS) for turn in turns]
    keys = np.unique(np.concatenate(found)) if found else np.empty(0, dtype=np.int64)
    return keys // len(hashes), keys % len(hashes)


def deduplicated(hashes: Hashes, distance: int = DISTANCE) -> Ints:
    """Numbers of the pictures that are kept: each is more than ``distance`` bits from every other kept one.

    Of near-duplicates the first in the given order stays. A picture goes because of a kept one, never by a
    chain of pictures that went. Near-linear in n: equal hashes are met once, then :func:`near_pairs`.
    """
    distinct, first = np.unique(hashes, return_index=True)
    order = np.sort(first)
    near: dict[int, list[int]] = {}
    for a, b in zip(*(side.tolist() for side in near_pairs(hashes[order], distance)), strict=True):
        near.setdefault(b, []).append(a)
    kept: set[int] = set()
    for i in range(len(distinct)):
        if not kept.intersection(near.get(i, ())):
            kept.add(i)
    return order[sorted(kept)].astype(np.int64)


def _alike(hashes: Hashes, band: int, turn: int, distance: int) -> Ints:
    """Pairs whose ``band`` differs by exactly the bits of ``turn``, and the rest by little, as i * n + j."""
    part = ((hashes >> np.uint64(_BITS * band)) & np.uint64(0xFFFF)).astype(np.int64)
    order = np.argsort(part, kind="stable")
    starts = np.searchsorted(part[order], part ^ turn, side="left")
    sizes = np.searchsorted(part[order], part ^ turn, side="right") - starts
    found: list[Ints] = []
    for low, high in _chunks(sizes):
        rows = np.repeat(np.arange(low, high), sizes[low:high])
        inside = np.arange(len(rows)) - np.repeat(
            np.cumsum(sizes[low:high]) - sizes[low:high], sizes[low:high]
        )
        others = order[np.repeat(starts[low:high], sizes[low:high]) + inside]
        close = (
            (rows < others) & ~far_apart(hashes, rows, others, distance) & (hashes[rows] != hashes[others])
        )
        found.append(rows[close] * len(hashes) + others[close])
    return np.concatenate(found) if found else np.empty(0, dtype=np.int64)


def _chunks(sizes: Ints, most: int = 1 << 22) -> list[tuple[int, int]]:
    """Ranges of rows that together look at no more than ``most`` others, or hold one row."""
    total, cuts = np.cumsum(sizes), [0]
    while cuts[-1] < len(sizes):
        done = int(total[cuts[-1] - 1]) if cuts[-1] else 0
        cuts.append(max(cuts[-1] + 1, int(np.searchsorted(total, done + most, side="right"))))
    return list(pairwise(cuts))


def _lowest() -> tuple[Ints, Ints]:
    places = sorted(
        ((u, v) for u in range(_TERMS) for v in range(_TERMS) if u + v > 0), key=lambda p: (p[0] + p[1], p)
    )[:64]
    return np.asarray([u for u, _ in places]), np.asarray([v for _, v in places])


_LOWEST = _lowest()
