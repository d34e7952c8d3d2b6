"""Edits in force for the length of a context, and proof that they took place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from medaudit.whitebox.edits import Edit, Edits
from medaudit.whitebox.hidden_keys import hidden_keys
from medaudit.whitebox.language_points import embedding, projector
from medaudit.whitebox.reach import InterventionError
from medaudit.whitebox.scene import Scene, scene_of
from medaudit.whitebox.vision_points import blocks, patches

_POINTS: dict[str, Callable[[Scene, Edit], AbstractContextManager[None]]] = {
    "patch": patches,
    "block": blocks,
    "projector": projector,
    "embedding": embedding,
    "attention": hidden_keys,
    "kv": hidden_keys,
}


@contextmanager
def intervening(model: Any, inputs: dict[str, Any], edits: Sequence[Edits]) -> Iterator[tuple[Edit, ...]]:
    """Run a batch with ``edits`` in force.

    ``model`` is a loaded generative or contrastive model, ``inputs`` the batch's tensors on its device. Every
    pass over this batch inside the context is edited: scoring, generation, each step of cached decoding.
    On leaving, also by an exception, no hook, wrapped method or attention setting is left behind.

    Raises :class:`NotReached` where the type has no such point, and :class:`InterventionError` where an edit
    never ran, touched no token, or did not fit the tokens that it met.
    """
    scene = scene_of(model, inputs)
    active = tuple(Edit(one, words=_words(scene, one)) for one in edits)
    with ExitStack() as stack:
        for edit in active:
            place = _POINTS.get(edit.edits.point.partition(":")[0])
            if place is None:
                raise InterventionError(f"{edit.edits.point} is no point inside a network")
            stack.enter_context(place(scene, edit))
        yield active
    for edit in active:
        _check_fired(edit)


def _check_fired(edit: Edit) -> None:
    if not edit.tally.ran:
        raise InterventionError(f"{edit.edits.point}: the edit never ran")
    if not edit.edits.empty and not edit.tally.touched:
        raise InterventionError(f"{edit.edits.point}: the edit touched no token")


def _words(scene: Scene, edits: Edits) -> Any:
    """Embeddings (n, d) of the text that takes the tokens' place."""
    if edits.fill != "text":
        return None
    import torch

    from medaudit.models.prompts import plain_ids

    ids = plain_ids(scene.tokenizer, edits.text)
    if not ids:
        raise InterventionError("fill 'text' needs a text")
    table = scene.network.get_input_embeddings()
    with torch.no_grad():
        return table(torch.tensor(ids, device=table.weight.device))
