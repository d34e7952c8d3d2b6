"""From a box in the original image to the tokens of every view, and back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from medaudit.geometry.boxes import Box, checked, overlaps
from medaudit.geometry.views import View

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class TokenMap:
    """Where the tokens of one image look, at one stage.

    ``size``: height and width of the original. ``places`` (n, 3): view, row and column of each token, -1
    where it has none (newlines, class tokens, padding). ``cells`` (n, 4): its box in original pixels, NaN
    where it has no place; a cell may reach into padding beyond the image.
    """

    size: tuple[int, int]
    stage: str
    views: tuple[View, ...]
    places: Integers
    cells: Floats

    def __len__(self) -> int:
        return len(self.places)

    def tokens(self, box: Box, radius: int = 0) -> list[int]:
        """Tokens of every view whose cell shares area with the box, in order.

        ``radius`` adds the tokens within that Chebyshev distance on the same view's grid. A box that lies
        where no view looks (a cropped border) has none. Raises UsageError for an empty box.
        """
        hit = overlaps(self.cells, checked(box))
        if radius > 0:
            hit = self._dilated(hit, radius)
        return [int(token) for token in np.flatnonzero(hit)]

    def box(self, token: int) -> Box | None:
        """The token's cell in original pixels, or None where it has no place."""
        if self.places[token, 0] < 0:
            return None
        x0, y0, x1, y1 = (float(edge) for edge in self.cells[token])
        return x0, y0, x1, y1

    def area(self, tokens: Iterable[int]) -> float:
        """Share of the tokens that have a place: what masking them takes from the model."""
        placed = int((self.places[:, 0] >= 0).sum())
        chosen = {token for token in tokens if self.places[token, 0] >= 0}
        return len(chosen) / placed if placed else 0.0

    def _dilated(self, hit: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
        grown = hit.copy()
        for number, view in enumerate(self.views):
            here = self.places[:, 0] == number
            rows, columns = view.grid or view.patches
            board = np.zeros((rows + 2 * radius, columns + 2 * radius), dtype=bool)
            for _, row, column in self.places[here & hit]:
                board[row : row + 2 * radius + 1, column : column + 2 * radius + 1] = True
            grown[here] = board[self.places[here, 1] + radius, self.places[here, 2] + radius]
        return grown


def place_cells(views: Sequence[View], places: Integers) -> Floats:
    """Cells (n, 4) of tokens at ``places``, every view's frame cut evenly by its grid (or its patches)."""
    cells = np.full((len(places), 4), np.nan)
    for number, view in enumerate(views):
        here = places[:, 0] == number
        rows, columns = view.grid or view.patches
        x0, y0, x1, y1 = view.frame
        row, column = places[here, 1], places[here, 2]
        across, down = (x1 - x0) / columns, (y1 - y0) / rows
        cells[here] = np.stack(
            [x0 + column * across, y0 + row * down, x0 + (column + 1) * across, y0 + (row + 1) * down], axis=1
        )
    return cells
