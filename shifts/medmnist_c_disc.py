"""Mean over a disc, by runs: columns of all heights are summed once and laid side by side."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from medaudit.shifts.coarse import on_means, own_variance
from medaudit.shifts.library import by_plane
from medaudit.shifts.medmnist_c_kernels import gauss, stretch

if TYPE_CHECKING:
    from medaudit.image import Pixels

#: A disc of this radius holds 253 pixels, and 257 bytes are summed in 16 bits.
_LARGEST = 9.0

#: A neighbour's weight below which a smoothed rim moves no byte by half a grey value.
_NO_RIM = 0.01


def mean_over_disc(picture: Pixels, radius: float, alias: float, scale: float) -> Pixels:
    """Mean over the disc of ``radius`` pixels, its rim smoothed by a Gaussian of sd ``alias * scale``."""
    k = 1
    while radius / k > _LARGEST:
        k *= 2
    # The variance of a disc is a quarter of its squared radius: what the grid adds is taken from it.
    inner = max(radius**2 - 4 * own_variance(k), 1.0) ** 0.5 / k

    def blurred(means: Pixels) -> Pixels:
        return by_plane(_rim(means, alias, scale / k), lambda plane: _disc_mean(plane, inner))

    return on_means(picture, k, blurred)


def _rim(picture: Pixels, alias: float, scale: float) -> Pixels:
    """The picture smoothed as the rim of the disc is: means commute."""
    import cv2

    edge = gauss(3, alias)
    if edge[0] < _NO_RIM:
        return picture
    weights = (stretch(3, scale) @ edge).astype(np.float32)
    return np.asarray(cv2.sepFilter2D(picture, -1, weights, weights), dtype=np.uint8)


@lru_cache(maxsize=64)
def heights(radius: float) -> tuple[int, ...]:
    """By column from the centre: half the height of the disc of whole pixels, without the middle row."""
    return tuple(int((radius**2 - x**2) ** 0.5 + 1e-9) for x in range(int(radius + 1e-9) + 1))


def _disc_mean(plane: Pixels, radius: float) -> Pixels:
    import cv2

    columns = heights(radius)
    reach = max(columns[0], len(columns) - 1)
    wide = cv2.copyMakeBorder(plane, reach, reach, reach, reach, cv2.BORDER_REFLECT_101).astype(np.uint16)
    rows, across = plane.shape[0], plane.shape[1]
    column = wide[reach : reach + rows].copy()
    total = np.zeros(plane.shape, np.uint16)
    done = 0
    for x in sorted(range(len(columns)), key=lambda x: columns[x]):
        for y in range(done + 1, columns[x] + 1):
            for top in (reach - y, reach + y):
                cv2.add(column, wide[top : top + rows], dst=column)
        done = columns[x]
        for left in {reach - x, reach + x}:
            cv2.add(total, column[:, left : left + across], dst=total)
    count = sum((2 * height + 1) * (1 + (x > 0)) for x, height in enumerate(columns))
    return np.asarray(cv2.convertScaleAbs(total, alpha=1 / count))
