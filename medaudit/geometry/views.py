"""What a vision tower is shown: views of the original image, each cut into patches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit.geometry.boxes import Box
from medaudit.geometry.lens import Lens
from medaudit.geometry.packed import packed_sources, segment_lengths
from medaudit.geometry.planes import plane_sources
from medaudit.geometry.ramps import Measured
from medaudit.geometry.sources import SourceMap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Integers = NDArray[np.int32]


@dataclass(frozen=True)
class View:
    """One look at the image: the whole, a tile, a thumbnail.

    ``frame`` is the rectangle of the original that its grid covers, and reaches beyond the image where
    the processor padded; ``patches`` the (rows, columns) that the tower sees; ``grid`` those of its
    tokens, None where it has none.
    """

    frame: Box
    patches: tuple[int, int]
    grid: tuple[int, int] | None
    name: str


@dataclass(frozen=True)
class Layout:
    """Views of one image size, and the place (view, row, column) of every patch in processed order.

    ``places`` is (n, 3), -1 where a patch holds padding of no view; None where the tower has no patches.
    """

    source: SourceMap
    views: tuple[View, ...]
    places: Integers | None

    @property
    def rows(self) -> list[int]:
        """How many patches each of the tower's sequences has, in order."""
        if self.places is None:
            return []
        shape = self.source.shape
        sequences = int(np.prod(shape[:-3] if len(shape) > 3 else shape[:-2]))
        return [len(self.places) // sequences] * sequences


def layout(measured: list[Measured], size: tuple[int, int], patch: int | None) -> Layout:
    """Views and patches of what was measured. ``patch``: side of a patch, None for a convolutional tower."""
    first, *further = (_one(tensor, size, patch) for tensor in measured)
    for more in further:
        first = _joined(first, more)
    return first


def _joined(first: Layout, more: Layout) -> Layout:
    """Views of a second tensor after those of the first, whose source map alone is kept."""
    if first.places is None or more.places is None:
        return replace(first, views=first.views + more.views, places=None)
    moved = more.places + np.array([len(first.views), 0, 0], dtype=np.int32)
    moved[more.places[:, 0] < 0] = -1
    return replace(first, views=first.views + more.views, places=np.concatenate([first.places, moved]))


def _one(measured: Measured, size: tuple[int, int], patch: int | None) -> Layout:
    shape = measured.x.shape
    if len(shape) <= 3:
        return _packed(measured, size, patch)
    if shape[-1] in (1, 3) and shape[-3] == shape[-2]:
        lengths = segment_lengths(measured.inputs, int(np.prod(shape[:-3])))
        if lengths is None and len(shape) == 5:  # (patches, frames, side, side, channels) of a still
            lengths = [shape[0]]
        if lengths is not None:
            return _squares(measured, size, lengths)
    if patch and shape[-2] == patch:
        strips = shape[-1] // patch
        lengths = segment_lengths(measured.inputs, int(np.prod(shape[:-3])) * strips)
        if lengths is not None and shape[-1] == strips * patch:
            return _strips(measured, size, patch, lengths)
    return _planes(plane_sources(measured.x, measured.y, size), patch)


def _planes(source: SourceMap, patch: int | None) -> Layout:
    if patch is None:
        views = tuple(_view(lens, lens.shape, 1, source.size) for lens in source.lenses)
        return Layout(source, views, None)
    rows, columns = source.shape[-2] // patch, source.shape[-1] // patch
    views = tuple(_view(lens, (rows, columns), patch, source.size) for lens in source.lenses)
    view, row, column = np.meshgrid(source.view.ravel(), np.arange(rows), np.arange(columns), indexing="ij")
    places = np.stack([view.ravel(), row.ravel(), column.ravel()], axis=1).astype(np.int32)
    places[places[:, 0] < 0] = -1
    return Layout(source, views, places)


def _packed(measured: Measured, size: tuple[int, int], patch: int | None) -> Layout:
    shape = measured.x.shape
    x, y = (part.reshape(-1, shape[-1]) for part in (measured.x, measured.y))
    lengths = [shape[-2]] * (len(x) // shape[-2])
    if len(lengths) == 1:
        lengths = segment_lengths(measured.inputs, len(x)) or lengths
    source, places = packed_sources(x, y, size, patch, lengths)
    return _patches(_reshaped(source, shape, lambda part: part.reshape(*shape[:-1], -1)), places)


def _squares(measured: Measured, size: tuple[int, int], lengths: list[int]) -> Layout:
    """One patch a plane, channels last: (n, side, side, channels), or (n, frames, side, side, channels)."""
    shape = measured.x.shape
    x, y = (part.reshape(sum(lengths), -1) for part in (measured.x, measured.y))
    source, places = packed_sources(x, y, size, shape[-2], lengths)

    def back(part: Any) -> Any:
        return np.broadcast_to(part, x.shape).reshape(shape)

    return _patches(_reshaped(source, shape, back), places)


def _strips(measured: Measured, size: tuple[int, int], patch: int, lengths: list[int]) -> Layout:
    """Patches side by side in long strips, (b, channels, patch, n * patch)."""
    shape = measured.x.shape
    lead, channels = int(np.prod(shape[:-3])), shape[-3]
    strips = shape[-1] // patch

    def rows(part: Any) -> Any:
        cut = part.reshape(lead, channels, patch, strips, patch)
        return cut.transpose(0, 3, 1, 2, 4).reshape(lead * strips, -1)

    def back(part: Any) -> Any:
        full = np.broadcast_to(part, (lead * strips, channels * patch * patch))
        cut = full.reshape(lead, strips, channels, patch, patch)
        return cut.transpose(0, 2, 3, 1, 4).reshape(shape)

    source, places = packed_sources(rows(measured.x), rows(measured.y), size, patch, lengths)
    return _patches(_reshaped(source, shape, back), places)


def _reshaped(source: SourceMap, shape: tuple[int, ...], reshape: Any) -> SourceMap:
    parts = (reshape(part) for part in (source.view, source.row, source.column, source.valid))
    return SourceMap(source.size, shape, source.lenses, *parts)


def _patches(source: SourceMap, places: Integers) -> Layout:
    views = []
    for number, lens in enumerate(source.lenses):
        rows, columns = places[places[:, 0] == number, 1:].max(axis=0) + 1
        views.append(_view(lens, (int(rows), int(columns)), lens.shape[0] // int(rows), source.size))
    return Layout(source, tuple(views), places)


def _view(lens: Lens, patches: tuple[int, int], patch: int, size: tuple[int, int]) -> View:
    frame = lens.box(0, 0, patches[1] * patch, patches[0] * patch)
    slack_x, slack_y = (abs(line.scale) * patch for line in (lens.x, lens.y))
    whole = (
        frame[0] < slack_x and frame[1] < slack_y
        and frame[2] > size[1] - slack_x and frame[3] > size[0] - slack_y
    )  # fmt: skip
    return View(frame, patches, None, "whole" if whole else "part")
