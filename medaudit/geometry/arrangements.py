"""Types whose image tokens are not their views' grids one after the other, as data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from medaudit.geometry.errors import NoGrid
from medaudit.geometry.grids import LARGEST_MERGE, gridded, merged_grids, row_major
from medaudit.geometry.views import View

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Integers = NDArray[np.int32]

#: Views with their token grids, and the place of every token.
Arranged = tuple[tuple[View, ...], "Integers"]
Size = tuple[int, int]

NOWHERE = (-1, -1, -1)


def in_order(views: Sequence[View], tokens: int, size: Size) -> Arranged:
    """The rule: every view's grid in reading order, view after view."""
    grids = gridded(views, tokens)
    return grids, row_major(grids)


def pooled_first(views: Sequence[View], tokens: int, size: Size) -> Arranged:
    """One token averaged over the image, then the grid."""
    grids, places = in_order(views, tokens - 1, size)
    return grids, np.concatenate([_nowhere(1), places])


def whole_last(views: Sequence[View], tokens: int, size: Size) -> Arranged:
    """Every view's grid in reading order, the first view, which is the whole image, after all others."""
    return in_order([*views[1:], views[0]], tokens, size)


def newline_rows(views: Sequence[View], tokens: int, size: Size, around: int = 1) -> Arranged:
    """Begin, every row closed by a separator, end; ``around`` counts the tokens of begin and of end."""
    for merge in range(1, LARGEST_MERGE + 1):
        grids = _merged(views, merge)
        if sum(rows * (columns + 1) for rows, columns in _sides(grids)) + 2 * around == tokens:
            return grids, np.concatenate([_nowhere(around), *_all_closed(grids), _nowhere(around)])
    raise NoGrid(f"{tokens} image tokens do not form rows that end in a separator")


def tiles_then_whole(views: Sequence[View], tokens: int, size: Size) -> Arranged:
    """All tiles as one grid, then the whole image, every row closed by a separator, and one at the end."""
    for merge in range(1, LARGEST_MERGE + 1):
        whole, *parts = _merged(views, merge)
        grids: tuple[View, ...] = (whole,)
        if parts:
            canvas = _canvas(parts)
            if canvas is None:
                continue
            grids = (canvas, whole)
        if sum(rows * (columns + 1) for rows, columns in _sides(grids)) + 1 == tokens:
            return grids, np.concatenate([*_all_closed(grids), _nowhere(1)])
    raise NoGrid(f"{tokens} image tokens do not form tiles and a whole image with separators")


def joined_tiles(views: Sequence[View], tokens: int, size: Size) -> Arranged:
    """The whole image, then all tiles as one grid without its padding, every row closed by a separator."""
    _, *tiles = views
    if not tiles:
        grids, places = in_order(views, tokens - 1, size)
        return grids, np.concatenate([places, _nowhere(1)])
    for merge in range(1, LARGEST_MERGE + 1):
        whole, *parts = _merged(views, merge)
        rows, columns = whole.grid or (0, 0)
        canvas = _canvas(parts)
        if canvas is None or rows * columns >= tokens:
            continue
        joined = _unpadded(canvas, tokens - rows * columns, size, rows)
        if joined is not None:
            found = (whole, joined)
            return found, np.concatenate([row_major([whole]), _closed(1, joined)])
    raise NoGrid(f"{tokens} image tokens do not form a whole image and a grid of {len(tiles)} tiles")


def cut_tiles_then_whole(views: Sequence[View], tokens: int, size: Size) -> Arranged:
    """All tiles as one grid cut where the image ends, a separator, the whole; every row closed by one."""
    whole, *parts = _merged(views, 2)
    canvas = _canvas(parts) if parts else None
    if canvas is not None:
        rest = tokens - 1 - sum(rows * (columns + 1) for rows, columns in _sides([whole]))
        rows, columns = canvas.patches
        x0, y0, x1, y1 = canvas.frame
        wider = x1 - size[1] > y1 - size[0]
        grid = (rows, rest // rows - 1) if wider else (rest // (columns + 1), columns)
        if grid[0] * (grid[1] + 1) == rest and 0 < grid[0] <= rows and 0 < grid[1] <= columns:
            frame = (x0, y0, x0 + (x1 - x0) * grid[1] / columns, y0 + (y1 - y0) * grid[0] / rows)
            found = (replace(canvas, grid=grid, frame=frame), whole)
            tiles, last = _all_closed(found)
            return found, np.concatenate([tiles, _nowhere(1), last])
    raise NoGrid(f"{tokens} image tokens do not form tiles and a whole image with separators")


def stitched_tiles(views: Sequence[View], tokens: int, size: Size) -> Arranged:
    """The whole image, then one grid over all tiles, which overlap: each token is kept from one tile."""
    whole, *parts = views
    for merge in range(1, LARGEST_MERGE + 1):
        (first,) = _merged([whole], merge)
        rows, columns = first.grid or (0, 0)
        canvas = _stitched(parts, merge)
        if canvas is not None and rows * columns + _cells(canvas) == tokens:
            return (first, canvas), row_major([first, canvas])
    raise NoGrid(f"{tokens} image tokens do not form a whole image and a grid over {len(parts)} tiles")


def _stitched(parts: Sequence[View], merge: int) -> View | None:
    if not parts:
        return None
    edges = np.array([part.frame for part in parts])
    x0, y0 = map(float, edges[:, :2].min(axis=0))
    x1, y1 = map(float, edges[:, 2:].max(axis=0))
    frame = parts[0].frame
    across = (frame[2] - frame[0]) / parts[0].patches[1] * merge
    down = (frame[3] - frame[1]) / parts[0].patches[0] * merge
    grid = (round((y1 - y0) / down), round((x1 - x0) / across))
    return View((x0, y0, x1, y1), grid, grid, "tiles")


def _cells(view: View) -> int:
    return (view.grid or (0, 0))[0] * (view.grid or (0, 0))[1]


#: Types that break the rule, and what they do instead.
ARRANGEMENTS: dict[str, Callable[[Sequence[View], int, Size], Arranged]] = {
    "llava_next": joined_tiles,
    "llava_next_video": joined_tiles,
    "llava_onevision": joined_tiles,
    "granite4_vision": joined_tiles,
    "florence2": pooled_first,
    "emu3": partial(newline_rows, around=0),
    "hunyuan_vl": newline_rows,
    "molmo2": stitched_tiles,
    "phi4_multimodal": cut_tiles_then_whole,
    "step3p7": whole_last,
    "unlimited_ocr": tiles_then_whole,
}


def arrange(kind: str, views: Sequence[View], tokens: int, size: Size) -> Arranged:
    """Grids and token places of the image of a model of type ``kind``. Raises NoGrid where none fits."""
    return ARRANGEMENTS.get(kind, in_order)(views, tokens, size)


def _merged(views: Sequence[View], merge: int) -> tuple[View, ...]:
    grids = [tuple(-(-side // merge) for side in view.patches) for view in views]
    total = sum(rows * columns for rows, columns in grids)
    found = merged_grids(views, total)
    return tuple(views) if found is None else found


def _sides(views: Sequence[View]) -> list[tuple[int, int]]:
    return [view.grid or view.patches for view in views]


def _nowhere(count: int) -> Integers:
    return np.array([NOWHERE] * count, dtype=np.int32).reshape(-1, 3)


def _all_closed(views: Sequence[View]) -> list[Integers]:
    return [_closed(number, view) for number, view in enumerate(views)]


def _closed(number: int, view: View) -> Integers:
    """Places of a grid in reading order, a token of no place after every row."""
    rows, columns = view.grid or view.patches
    places = row_major([view]).reshape(rows, columns, 3)
    places[..., 0] = number
    closing = np.broadcast_to(np.array(NOWHERE, dtype=np.int32), (rows, 1, 3))
    return np.concatenate([places, closing], axis=1).reshape(-1, 3)


def _canvas(tiles: Sequence[View]) -> View | None:
    """All tiles as one view, or None where some are missing."""
    frames = np.array([tile.frame for tile in tiles])
    near = 0.5 * (frames[0, 2:] - frames[0, :2])
    across = len(set(np.round((frames[:, 0] - frames[0, 0]) / near[0] / 2).astype(int)))
    down = len(set(np.round((frames[:, 1] - frames[0, 1]) / near[1] / 2).astype(int)))
    if across * down != len(tiles):
        return None
    low, high = frames[:, :2].min(axis=0), frames[:, 2:].max(axis=0)
    rows, columns = tiles[0].grid or tiles[0].patches
    frame = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    return View(frame, (rows * down, columns * across), (rows * down, columns * across), "tiles")


def _unpadded(canvas: View, tokens: int, size: Size, side: int) -> View | None:
    """The canvas without the rows or columns of padding, as ``tokens`` tokens with separators."""
    full_rows, full_columns = canvas.patches
    if size[1] / size[0] > full_columns / full_rows:
        rows, rest = divmod(tokens, full_columns + 1)
        columns = full_columns
    else:
        columns, rest = divmod(tokens, full_rows)
        rows, columns = full_rows, columns - 1
    fits = rest == 0 and 0 < rows <= full_rows and 0 < columns <= full_columns
    if fits and (full_rows - rows) % 2 == 0 and (full_columns - columns) % 2 == 0:
        return _trimmed(canvas, (rows, columns))
    return _shrunk(canvas, tokens, size, side)


def _trimmed(canvas: View, grid: tuple[int, int]) -> View:
    x0, y0, x1, y1 = canvas.frame
    down, across = (y1 - y0) / canvas.patches[0], (x1 - x0) / canvas.patches[1]
    above, left = (canvas.patches[0] - grid[0]) / 2, (canvas.patches[1] - grid[1]) / 2
    frame = (x0 + left * across, y0 + above * down, x1 - left * across, y1 - above * down)
    return replace(canvas, frame=frame, grid=grid)


def _shrunk(canvas: View, tokens: int, size: Size, side: int) -> View | None:
    """Some types interpolate a grid of more than nine tiles down to about nine tiles' worth of tokens."""
    full_rows, full_columns = canvas.patches
    rows, columns = full_rows, full_columns
    if size[1] / size[0] > full_columns / full_rows:
        rows -= (full_rows - int(round(size[0] * full_columns / size[1], 7))) // 2 * 2
    else:
        columns -= (full_columns - int(round(size[1] * full_rows / size[0], 7))) // 2 * 2
    ratio = sqrt(rows * columns / (9 * side**2))
    small = (int(rows // ratio), int(columns // ratio))
    if ratio <= 1.1 or small[0] * (small[1] + 1) != tokens:
        return None
    return replace(_trimmed(canvas, (rows, columns)), grid=small)
