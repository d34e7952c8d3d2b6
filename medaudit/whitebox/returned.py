"""Attention weights that modules return, for types with attention code of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

#: A row whose sum is further from 1 is no distribution, but something else in its place.
DISTRIBUTION = 1e-2


@contextmanager
def returned_weights(network: Any, read: Callable[[Any, Any], None]) -> Iterator[None]:
    """Show ``read(module, weights)`` what attention modules return beside their output.

    Only the types that never call a registered function need it. A tensor counts as weights where it has the
    shape (b, heads, queries, keys) and every row is a distribution; wrappers that hand on the same tensor are
    passed over.
    """
    seen: list[Any] = []

    def look(module: Any, _: Any, output: Any) -> None:
        for weights in output[1:] if isinstance(output, tuple) else ():
            if _is_attention(weights) and not any(weights is known for known in seen):
                seen.append(weights)
                read(module, weights)

    with ExitStack() as stack:
        for part in network.modules():
            stack.callback(part.register_forward_hook(look).remove)
        yield


def _is_attention(weights: Any) -> bool:
    if getattr(weights, "ndim", 0) != 4 or not weights.is_floating_point():
        return False
    return bool((weights.float().sum(dim=-1) - 1).abs().max() < DISTRIBUTION)
