"""Region pooling: which tokens speak for a box, and how much each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from medaudit.geometry import NoGrid, TokenMap, geometry_of
from medaudit.whitebox.modules import kind
from medaudit.whitebox.reach import NotReached

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Boxes = Sequence[tuple[int, int, int, int]]


def region_weights(tokens: TokenMap, boxes: Boxes) -> Floats:
    """Weight of every token in every box, (boxes, tokens); a row sums to 1, or is NaN where no token looks.

    A token counts by the share of its cell that lies in the box. Cells are cut at the image's edges
    first, so the whole image gives every token that sees some of it the same weight. Tokens of no place
    count for nothing.
    """
    height, width = tokens.size
    image = np.array([0, 0, width, height], dtype=np.float64)
    low, high = np.maximum(tokens.cells[:, :2], image[:2]), np.minimum(tokens.cells[:, 2:], image[2:])
    area = _area(low, high)
    shares = np.empty((len(boxes), len(tokens)))
    for row, box in enumerate(np.asarray(boxes, dtype=np.float64).reshape(-1, 4)):
        inside = _area(np.maximum(low, box[:2]), np.minimum(high, box[2:]))
        shares[row] = np.divide(inside, area, out=np.zeros(len(tokens)), where=area > 0)
    totals = shares.sum(axis=1, keepdims=True)
    weights: Floats = np.where(totals > 0, shares / np.where(totals > 0, totals, 1), np.nan)
    return weights


def _area(low: Floats, high: Floats) -> Floats:
    """Areas (n,); 0 where nothing is left, and for cells of NaN."""
    area: Floats = np.nan_to_num((high - low).clip(min=0)).prod(axis=1)
    return area


class PatchRows:
    """Weights on the rows of a vision tower's blocks: class tokens, registers and window order heeded.

    Which row is which patch is measured (:meth:`medaudit.geometry.Geometry.sequence`) and remembered for
    every arrangement of patches, so that images of many sizes cost one measurement where the processor
    resizes them.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, bytes], NDArray[np.int64]] = {}

    def weights(self, model: object, size: tuple[int, int], boxes: Boxes, rows: int) -> Floats:
        """(boxes, rows). Raises NoGrid or NotReached where rows are not patches of the image."""
        geometry = geometry_of(model)
        tokens = geometry.token_map(size, "patch")
        key = (rows, tokens.places.tobytes())
        if key not in self._known:
            self._known[key] = geometry.sequence(size).tokens
        order = self._known[key]
        if len(order) != rows or order.max() >= len(tokens):
            raise NotReached(f"{kind(geometry.network)}: its vision blocks change the number of tokens")
        weights = np.zeros((len(boxes), rows))
        weights[:, order >= 0] = region_weights(tokens, boxes)[:, order[order >= 0]]
        return weights


def projector_weights(model: object, size: tuple[int, int], boxes: Boxes, tokens: int) -> Floats:
    """(boxes, tokens) over what enters the language model. Raises NoGrid where that has no places."""
    found = geometry_of(model).token_map(size, "projector")
    if len(found) != tokens:
        raise NoGrid(f"the map has {len(found)} tokens, the model {tokens}")
    return region_weights(found, boxes)


def region_means(states: Floats, weights: Floats) -> Floats:
    """Weighted means (boxes, d) of token states (tokens, d); NaN where no token looks.

    Raises ValueError where a state that counts is not finite: NaN must mean an unseen box alone.
    """
    means: Floats = weights @ states
    if not np.isfinite(means[~np.isnan(weights).any(axis=1)]).all():
        raise ValueError("a token's state is not finite")
    return means
