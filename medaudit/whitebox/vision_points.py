"""Edits inside the vision tower: patch embedding and blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from math import prod
from typing import Any

from medaudit.whitebox.edits import Edit, Edits, Span, stage_spans
from medaudit.whitebox.modules import kind, patch_embedding, vision_blocks
from medaudit.whitebox.reach import NotReached
from medaudit.whitebox.scene import Scene

#: Share of the largest change below which a token did not move: another memory layout rounds differently.
ROUNDING = 1e-3


class _Stop(Exception):
    """Ends a pass once the tensor that it was run for is there."""


@contextmanager
def patches(scene: Scene, edit: Edit) -> Iterator[None]:
    """Edit the output of the patch embedding."""
    handle = patch_embedding(scene.network).register_forward_hook(
        lambda module, _, output: _patched(module, output, edit), prepend=True
    )
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def blocks(scene: Scene, edit: Edit) -> Iterator[None]:
    """Edit the output of vision block k (point ``block:k``), or of every block (``block:*``)."""
    all_blocks, which = vision_blocks(scene.network), edit.edits.point.partition(":")[2]
    if which != "*" and int(which) >= len(all_blocks):
        raise NotReached(f"{kind(scene.network)} has vision blocks 0 to {len(all_blocks) - 1}")
    chosen = all_blocks if which == "*" else [all_blocks[int(which)]]
    shape, spans = traced(scene, edit.edits)
    with ExitStack() as stack:
        for block in chosen:
            # First in line: transformers collects hidden states by hooks of its own, and LLaVA reads those.
            handle = block.register_forward_hook(
                lambda _, __, output: _blocked(scene.network, output, edit, shape, spans), prepend=True
            )
            stack.callback(handle.remove)
        yield


def traced(scene: Scene, edits: Edits) -> tuple[tuple[int, ...], list[Span]]:
    """Shape of the first block's input, and where each image's patches are in it.

    Towers put class tokens before the patches or reorder them into windows. Nothing between patch embedding
    and first block mixes tokens, so the tokens that move when some patches are disturbed are those patches.
    """
    calm = _first_input(scene, None)
    places = [image for row in edits.counts for image in range(len(row))]
    places = places or [0] * (1 if edits.whole else len(edits.rows))
    spans = []
    for image, place in enumerate(places):
        moved = []
        for chosen_only in (False, True):
            changed, wanted = _disturbed(scene, edits, image, chosen_only)
            difference = (changed - calm).abs().amax(dim=-1).flatten()
            tokens = (difference > ROUNDING * difference.max()).nonzero()[:, 0].tolist()
            if len(tokens) != wanted:
                raise NotReached(f"{kind(scene.network)}: its vision blocks do not hold one token per patch")
            moved.append(tokens)
        spans.append(Span(moved[0], moved[1], place))
    return tuple(calm.shape), spans


def _disturbed(scene: Scene, edits: Edits, image: int, chosen_only: bool) -> tuple[Any, int]:
    """The first block's input with one image's patches disturbed, and how many patches that were."""
    wanted = 0

    def disturb(module: Any, _: Any, output: Any) -> Any:
        nonlocal wanted
        import torch

        tokens, items, each = _tokens(module, output)
        span = stage_spans(edits, items, each)[image]
        chosen = list(span.chosen if chosen_only else span.tokens)
        wanted = len(chosen)
        tokens = tokens.clone()
        generator = torch.Generator().manual_seed(0)
        noise = torch.randn(wanted, tokens.shape[-1], generator=generator).to(tokens)
        tokens[chosen] += noise * (1 + tokens.float().abs().mean()).to(tokens.dtype)
        return _shaped(module, output, tokens)

    return _first_input(scene, disturb), wanted


def _first_input(scene: Scene, disturb: Any) -> Any:
    import torch

    found: list[Any] = []

    def stop(_: Any, args: Any, kwargs: Any) -> None:
        given = args[0] if args else next(kwargs[name] for name in kwargs if name.startswith("hidden_state"))
        found.append(given.detach().clone())
        raise _Stop

    with ExitStack() as stack, torch.no_grad():
        first = vision_blocks(scene.network)[0]
        stack.callback(first.register_forward_pre_hook(stop, with_kwargs=True).remove)
        if disturb is not None:
            stack.callback(patch_embedding(scene.network).register_forward_hook(disturb).remove)
        try:
            scene.run()
        except _Stop:
            return found[0]
    raise NotReached(f"{kind(scene.network)}: its vision blocks never ran")


def _patched(module: Any, output: Any, edit: Edit) -> Any:
    tokens, items, each = _tokens(module, output)
    return _shaped(module, output, edit.apply(tokens, stage_spans(edit.edits, items, each)))


def _blocked(network: Any, output: Any, edit: Edit, shape: tuple[int, ...], spans: Sequence[Span]) -> Any:
    states = output[0] if isinstance(output, tuple) else output
    if tuple(states.shape) != shape:
        raise NotReached(f"{kind(network)}: its vision blocks change the number of tokens")
    edited = edit.apply(states.reshape(-1, shape[-1]), spans).reshape(shape)
    return (edited, *output[1:]) if isinstance(output, tuple) else edited


def _tokens(module: Any, output: Any) -> tuple[Any, int, int]:
    """Patches as (items x each, d): a convolution has its channels second, anything else has them last."""
    if "Conv" in type(module).__name__:
        each = prod(output.shape[2:])
        return output.flatten(2).transpose(1, 2).reshape(-1, output.shape[1]), output.shape[0], each
    each = output.shape[-2] if output.dim() > 2 else 1
    flat = output.reshape(-1, output.shape[-1])
    return flat, flat.shape[0] // each, each


def _shaped(module: Any, output: Any, tokens: Any) -> Any:
    if "Conv" not in type(module).__name__:
        return tokens.reshape(output.shape)
    items, width = output.shape[:2]
    return tokens.reshape(items, -1, width).transpose(1, 2).reshape(output.shape)
