"""Convolutional towers: their last feature map is disturbed at one place, instead of the image.

A deep random convolutional network lets every pixel reach every token, so painting shows little. That a
feature map lies as its image does is what convolutions are; what is left to prove is the way from the
map's places to the tokens.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit.geometry.capture import hooked
from medaudit.geometry.errors import NoGrid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Read = Callable[[dict[str, Any]], Floats]


class FeatureMaps:
    """The last output of shape (views, channels, perhaps frames, rows, columns) on the way to the tokens."""

    def __init__(self, network: Any, read: Read, inputs: dict[str, Any], shape: tuple[int, int, int]) -> None:
        """``shape``: how many views, and the rows and columns of their token grid."""
        self._read, self._inputs = read, inputs
        seen: list[Any] = []

        def hook(module: Any, _arguments: Any, output: Any) -> None:
            if _is_map(output, shape):
                seen.append(module)

        with hooked([part.register_forward_hook(hook) for part in network.modules()]):
            self.plain = read(inputs)
        if not seen:
            raise NoGrid("no feature map of the tower has the tokens' grid")
        self._module, self._call = seen[-1], seen.count(seen[-1])

    def disturbed(self, view: int, row: int, column: int) -> Floats:
        """The tokens after a strong push at one place of one view's map."""
        import torch

        calls = 0

        def hook(_module: Any, _arguments: Any, output: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls != self._call:
                return None
            pushed = output.clone()
            # A code book, where there is one, must answer with another code: push by far more than is usual.
            generator = torch.Generator().manual_seed(row * 997 + column)
            noise = torch.randn(output.shape[1:-2], generator=generator).to(output)
            pushed[view, ..., row, column] += 10 * output.float().std().item() * noise
            return pushed

        with hooked([self._module.register_forward_hook(hook)]):
            return self._read(self._inputs)


def _is_map(output: Any, shape: tuple[int, int, int]) -> bool:
    views, rows, columns = shape
    return (
        hasattr(output, "dim")
        and output.dim() in (4, 5)
        and output.is_floating_point()
        and (output.shape[0], *output.shape[-2:]) == (views, rows, columns)
    )
