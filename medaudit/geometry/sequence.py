"""Which row of a vision tower's sequence belongs to which patch: class tokens, registers, windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit.geometry.capture import Captured, hooked, members, patch_states, run
from medaudit.geometry.errors import NoGrid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TowerSequence:
    """The rows that the tower's first block is given, all views in a row.

    ``tokens[row]`` is the token of stage ``patch`` at that row, -1 for class tokens, registers and padding.
    ``shape`` is that of the hidden states, width last; later blocks have the same rows unless they merge.
    """

    tokens: NDArray[np.int64]
    shape: tuple[int, ...]

    @property
    def prefix(self) -> int:
        """Rows before the first patch: where patches begin in a sequence."""
        return int(np.argmax(self.tokens >= 0))

    @property
    def in_order(self) -> bool:
        """Whether patches keep their processed order; windowed attention permutes them."""
        patches = self.tokens[self.tokens >= 0]
        return bool((np.diff(patches) > 0).all())

    def rows(self, tokens: list[int]) -> list[int]:
        """Rows of the given tokens of stage ``patch``."""
        return [int(row) for row in np.flatnonzero(np.isin(self.tokens, tokens))]


def tower_sequence(network: Any, first: dict[str, Any], second: dict[str, Any]) -> TowerSequence:
    """Match rows by what two pictures (inputs ``first`` and ``second``) change in them.

    Position embeddings cancel in the difference, so a row's difference is that of its patch embedding; a
    row that no picture changes is none. Where a normalisation comes between, rows are taken in order.
    """
    read = patch_states(network, first, second)
    patches = read(second) - read(first)
    one, other = _block_input(network, first), _block_input(network, second)
    change = (other - one).reshape(-1, one.shape[-1])
    alive, shown = (np.abs(part).max(axis=-1) > 1e-7 for part in (change, patches))
    tokens = np.full(len(change), -1)
    found = _matched(change[alive], patches[shown]) if change.shape[1] == patches.shape[1] else None
    if found is None and alive.sum() != shown.sum():
        raise NoGrid("the rows of the vision tower's blocks are not its patches")
    tokens[alive] = np.flatnonzero(shown) if found is None else np.flatnonzero(shown)[found]
    return TowerSequence(tokens, one.shape)


def _matched(rows: Floats, patches: Floats) -> NDArray[np.int64] | None:
    """For every row the patch that equals it, or None where they do not pair off."""
    if len(rows) != len(patches):
        return None
    direction = np.random.default_rng(0).standard_normal(rows.shape[1])
    by_row, by_patch = np.argsort(rows @ direction), np.argsort(patches @ direction)
    found = np.empty(len(rows), dtype=np.int64)
    found[by_row] = by_patch
    equal = np.allclose(rows, patches[found], rtol=1e-3, atol=1e-3 * float(np.abs(patches).max()))
    return found if equal else None


def _block_input(network: Any, inputs: dict[str, Any]) -> Floats:
    """Hidden states given to the first member of a module list that is called, as float32."""
    import torch

    found: list[Floats] = []

    def hook(_module: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        given = next((value for value in (*arguments, *named.values()) if torch.is_tensor(value)), None)
        if given is not None and given.is_floating_point() and given.dim() >= 2:
            found.append(np.asarray(given.detach().float().cpu().numpy()).copy())
            raise Captured

    handles = [part.register_forward_pre_hook(hook, with_kwargs=True) for part in members(network)]
    with hooked(handles):
        run(network, inputs)
    if not found:
        raise NoGrid("the vision tower has no blocks")
    return found[0]
