"""One vector per image from a generative model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from medaudit.errors import ModelError
from medaudit.model import Capability, Request
from medaudit.models.memory import memory_guard
from medaudit.models.positions import forget
from medaudit.whitebox.modules import features_owner, vision_tower
from medaudit.whitebox.reach import NotReached

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from medaudit.image import Image

    Vectors = NDArray[np.float32]

PROMPT = "Describe the image."


class _Stop(Exception):
    """Ends a pass once the features are there."""


def embed_images(model: Any, images: Sequence[Image]) -> Vectors:
    """Unit vectors, (n, d) float32: the mean over an image's features, divided by its length.

    The features are those that enter the language model (after the projector), or the vision tower's output
    where a type has no such step; :func:`embedding_note` says which. Raises ModelError for an image that the
    processor does not take.
    """
    import numpy as np
    import torch

    vectors = []
    for image in images:
        (group,) = model.builder.groups([Request(Capability.GENERATE, (image,), PROMPT)])
        if group.error is not None:
            raise ModelError(f"{model.info.id!r}: its processor takes no image of {image.size} pixels.")
        with torch.inference_mode(), memory_guard():
            forget(model.network)
            features = _features(model.network, model._placed(group)).float()
            vectors.append((features / features.norm().clamp(min=1e-12)).cpu().numpy())
    return np.stack(vectors).astype(np.float32)


def embedding_note(network: Any) -> str:
    """Which features :func:`embed_images` takes the mean of."""
    try:
        features_owner(network)
    except NotReached:
        return "embeddings: mean over the vision tower's output"
    return "embeddings: mean over image features after the projector"


def _features(network: Any, inputs: dict[str, Any]) -> Any:
    """Mean feature (d,) of the one image in ``inputs``; the language model does not run."""
    found: list[Any] = []

    def keep(output: Any) -> Any:
        found.append(output)
        raise _Stop

    with ExitStack() as stack:
        try:
            _wrap(stack, features_owner(network), keep)
        except NotReached:
            tower = vision_tower(network)
            stack.callback(tower.register_forward_hook(lambda _, __, output: keep(output)).remove)
        try:
            network(**inputs)
        except _Stop:
            return _mean(found[0])
    raise NotReached(f"{network.config.model_type}: no image features appeared")


def _wrap(stack: ExitStack, owner: Any, keep: Any) -> None:
    original = owner.get_image_features
    owner.get_image_features = lambda *args, **kwargs: keep(original(*args, **kwargs))
    stack.callback(owner.__dict__.pop, "get_image_features")


def _mean(output: Any) -> Any:
    """Mean over all tokens of what a tower or projector gives: a tensor, a list, or an object with either."""
    import torch

    for name in ("pooler_output", "deepstack_features", "last_hidden_state"):
        parts = list(_sequences(getattr(output, name, None)))
        if parts:
            break
    else:
        parts = list(_sequences(output))
    return torch.cat([part.reshape(-1, part.shape[-1]) for part in parts]).mean(dim=0)


def _sequences(value: Any) -> Iterator[Any]:
    """Tensors of two and more dimensions anywhere in ``value``; a pooled vector is none."""
    if hasattr(value, "dim"):
        if value.dim() >= 2:
            yield value
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _sequences(part)
