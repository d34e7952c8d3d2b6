"""Edits where image features meet the language model: projector, embeddings, attention keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from medaudit.whitebox.edits import Edit, packed_spans, sequence_spans
from medaudit.whitebox.modules import features_owner, sequence_module
from medaudit.whitebox.reach import InterventionError
from medaudit.whitebox.scene import Scene


@contextmanager
def projector(scene: Scene, edit: Edit) -> Iterator[None]:
    """Edit what ``get_image_features`` returns, deepstack features with it.

    The method is wrapped rather than called: its arguments differ between types, and the network knows them.
    """
    owner, lengths = features_owner(scene.network), [len(row) for row in scene.positions()]
    original = owner.get_image_features

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        output = original(*args, **kwargs)
        return _features(output, edit, lengths)

    owner.get_image_features = wrapped
    try:
        yield
    finally:
        del owner.get_image_features


@contextmanager
def embedding(scene: Scene, edit: Edit) -> Iterator[None]:
    """Edit the language model's input at image positions, in the prefill alone; deepstack features too."""
    module, positions = sequence_module(scene.network), scene.positions()

    def edited(_: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        name = "inputs_embeds" if "inputs_embeds" in kwargs else "hidden_states"
        embeds = args[0] if args else kwargs.get(name)
        if embeds is None or not embeds.is_floating_point() or past_length(kwargs):
            return None
        flat = embeds.reshape(-1, embeds.shape[-1])
        flat = edit.apply(flat, sequence_spans(edit.edits, positions, embeds.shape[1]))
        embeds = flat.reshape(embeds.shape)
        args, kwargs = ((embeds, *args[1:]), kwargs) if args else (args, {**kwargs, name: embeds})
        lengths = [len(row) for row in positions]
        for name in [name for name in kwargs if name.startswith("deepstack")]:
            kwargs[name] = _deep(kwargs[name], edit, lengths)
        return args, kwargs

    handle = module.register_forward_pre_hook(edited, with_kwargs=True)
    with ExitStack() as stack:
        stack.callback(handle.remove)
        yield


def past_length(kwargs: dict[str, Any]) -> int:
    """Tokens that the cache holds already."""
    cache = kwargs.get("past_key_values")
    return 0 if cache is None else int(cache.get_seq_length())


def _features(output: Any, edit: Edit, lengths: Sequence[int]) -> Any:
    if hasattr(output, "pooler_output") and hasattr(output, "last_hidden_state"):
        # The few types whose projector comes later hand on the tower's output itself.
        name = "last_hidden_state" if output.pooler_output is None else "pooler_output"
        if getattr(output, name) is not None:
            setattr(output, name, _sequence(getattr(output, name), edit, lengths))
        if getattr(output, "deepstack_features", None) is not None:
            output.deepstack_features = _deep(output.deepstack_features, edit, lengths)
        return output
    return _sequence(output, edit, lengths)


def _deep(features: Any, edit: Edit, lengths: Sequence[int]) -> Any:
    """One entry a layer: a list, a dict, or (layer, features) pairs."""
    if features is None:
        return None
    if isinstance(features, dict):
        return {layer: _sequence(entry, edit, lengths) for layer, entry in features.items()}
    return [
        (entry[0], _sequence(entry[1], edit, lengths))
        if isinstance(entry, tuple) and isinstance(entry[0], int)
        else _sequence(entry, edit, lengths)
        for entry in features
    ]


def _sequence(features: Any, edit: Edit, lengths: Sequence[int]) -> Any:
    """Edit the features of all images in a row: one tensor, or one tensor an image."""
    import torch

    parts = [features] if isinstance(features, torch.Tensor) else list(features)
    flat = torch.cat([part.reshape(-1, part.shape[-1]) for part in parts])
    if len(flat) != sum(lengths):
        raise InterventionError(
            f"{edit.edits.point}: {len(flat)} image features for {sum(lengths)} image tokens"
        )
    flat = edit.apply(flat, packed_spans(edit.edits, lengths))
    sizes = [part.numel() // part.shape[-1] for part in parts]
    pieces = [new.reshape(old.shape) for new, old in zip(flat.split(sizes), parts, strict=True)]
    if isinstance(features, torch.Tensor):
        return pieces[0]
    return tuple(pieces) if isinstance(features, tuple) else pieces
