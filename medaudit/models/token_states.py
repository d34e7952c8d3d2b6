"""States of one image's tokens, read from a pass that ends as soon as they are there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

from medaudit.geometry.capture import handed_states
from medaudit.geometry.exceptions import TOWER_SEQUENCES
from medaudit.models.denoising import remarks
from medaudit.models.framed import closed
from medaudit.models.positions import forget
from medaudit.whitebox.language_points import past_length
from medaudit.whitebox.modules import features_owner, kind, sequence_module, vision_blocks, vision_tower
from medaudit.whitebox.reach import NotReached
from medaudit.whitebox.scene import scene_of

#: In names of outputs whose states are feature maps, channels second.
_CONVOLVED = ("NoAttention", "TimmWrapper")


#: Types whose image positions hold zeros until their layers add the features.
LATER = frozenset({"granite4_vision"})


class _Stop(Exception):
    """Ends a pass once the states are there."""


def routes(model: Any, inputs: dict[str, Any]) -> list[str]:
    """Ways to what enters the language model, the best first: ``sequence``, ``handed``, ``features``."""
    if kind(model.network) in TOWER_SEQUENCES:
        return ["handed"]
    found = []
    ways = [("sequence", _in_sequence), ("features", lambda *_: features_owner(model.network))]
    for name, ask in ways[1:] if kind(model.network) in LATER else ways:
        try:
            ask(model, inputs)
        except NotReached:
            continue
        found.append(name)
    return found


def _in_sequence(model: Any, inputs: dict[str, Any]) -> None:
    sequence_module(model.network)
    scene_of(model, inputs).positions()


def sequence_states(model: Any, inputs: dict[str, Any]) -> list[Any]:
    """What the language model receives at the image positions of every row, (tokens, d) each."""
    network = model.network
    positions = scene_of(model, inputs).positions()

    found: list[Any] = []

    def keep(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        embeds = args[0] if args else kwargs.get("inputs_embeds", kwargs.get("hidden_states"))
        if embeds is not None and embeds.is_floating_point() and not past_length(kwargs):
            found.append(embeds)
            raise _Stop

    with ExitStack() as stack:
        handle = sequence_module(network).register_forward_pre_hook(keep, with_kwargs=True)
        stack.callback(handle.remove)
        _run(network, inputs)
    embeds = _only(network, found)
    if embeds.shape[:2] != inputs["input_ids"].shape:
        raise NotReached(f"{kind(network)}: its sequence is longer than its prompt")
    return [embeds[row, places] for row, places in enumerate(positions)]


def handed(model: Any, inputs: dict[str, Any]) -> list[Any]:
    """The tower's sequence as the language model of one request is handed it, (tokens, d)."""
    import torch

    return [torch.from_numpy(handed_states(model.network)(inputs))]


def features(model: Any, inputs: dict[str, Any]) -> list[Any]:
    """Features of one request's image after the projector, (features, d)."""
    owner = features_owner(model.network)
    original = owner.get_image_features
    found: list[Any] = []

    def keep(*args: Any, **kwargs: Any) -> None:
        found.append(original(*args, **kwargs))
        raise _Stop

    with ExitStack() as stack:
        owner.get_image_features = keep
        stack.callback(owner.__dict__.pop, "get_image_features")
        _run(model.network, inputs)
    return [joined(_only(model.network, found))]


def tower_states(network: Any, inputs: dict[str, Any], rows: int) -> list[Any]:
    """What the vision tower gives, (tokens, d) for each of ``rows`` images: one row each of every tensor."""
    states = tokens_of(_output(network, inputs, vision_tower(network)))
    if rows == 1 or states.shape[0] == rows:
        return split(states, rows)
    # It packs the images of a batch into one sequence.
    each = [
        {name: value[row : row + 1] if len(value) == rows else value for name, value in inputs.items()}
        for row in range(rows)
    ]
    return [tokens for one in each for tokens in tower_states(network, one, 1)]


def block_states(network: Any, inputs: dict[str, Any]) -> Any:
    """Output of the vision tower's last block for one image, (tokens, d)."""
    output = _output(network, inputs, vision_blocks(network)[-1])
    states = output[0] if isinstance(output, tuple) else output
    return states.reshape(-1, states.shape[-1])


def answer_states(model: Any, group: Any) -> list[Any]:
    """What the output layer reads to choose the first token of each answer, (1, d) each."""
    network = model.network
    head = _output_layer(network)
    found: list[Any] = []

    def keep(_: Any, args: tuple[Any, ...]) -> None:
        found.append(args[0][:, -1:] if args[0].dim() == 3 else args[0][:, None])
        raise _Stop

    with ExitStack() as stack:
        stack.callback(forget, network)
        stack.callback(head.register_forward_pre_hook(keep).remove)
        forget(network)
        with suppress(_Stop):
            # One that denoises is read in order, as its option scores are.
            if remarks(network):
                network(**model._placed(group))
            else:
                network.generate(**closed(network.config, model._placed(group)), max_new_tokens=1)
    return list(_only(network, found))


def _output(network: Any, inputs: dict[str, Any], module: Any) -> Any:
    found: list[Any] = []

    def keep(_: Any, __: Any, output: Any) -> None:
        found.append(output)
        raise _Stop

    with ExitStack() as stack:
        stack.callback(module.register_forward_hook(keep).remove)
        _run(network, inputs)
    return _only(network, found)


def _run(network: Any, inputs: dict[str, Any]) -> None:
    with suppress(_Stop):
        network(**inputs)


def _only(network: Any, found: list[Any]) -> Any:
    if not found:
        raise NotReached(f"{kind(network)}: no image features appeared")
    return found[0]


def _output_layer(network: Any) -> Any:
    """The layer that scores the vocabulary; some types keep it in their decoder."""
    owners = [part for part in network.modules() if hasattr(part, "get_output_embeddings")]
    found = [layer for part in owners if (layer := part.get_output_embeddings()) is not None]
    if not found:
        raise NotReached(f"{kind(network)} has no output layer of its own")
    return found[0]


def tokens_of(output: Any) -> Any:
    """A tower's last hidden states, width last; pooled vectors where it gives nothing else."""
    for name in ("last_hidden_state", "pooler_output"):
        states = getattr(output, name, None)
        if states is not None:
            convolved = any(word in type(output).__name__ for word in _CONVOLVED) and states.dim() == 4
            return states.movedim(1, -1) if convolved else states
    return output


def split(states: Any, rows: int) -> list[Any]:
    """Token states (tokens, d) of each of ``rows`` images."""
    import torch

    if not isinstance(states, torch.Tensor):
        return [joined(states)] if rows == 1 else [joined(part) for part in states]
    if rows > 1 and states.shape[0] % rows:
        raise NotReached("its vision tower packs the images of a batch")
    width = states.shape[-1]
    return list(states.reshape(rows, -1, width))


def joined(output: Any) -> Any:
    """All tokens (n, d) of a tensor, a list, or an object with either; a pooled vector is none."""
    import torch

    for name in ("pooler_output", "deepstack_features", "last_hidden_state"):
        parts = list(_sequences(getattr(output, name, None)))
        if parts:
            break
    else:
        parts = list(_sequences(output))
    return torch.cat([part.reshape(-1, part.shape[-1]) for part in parts])


def _sequences(value: Any) -> Iterator[Any]:
    """Tensors of two and more dimensions anywhere in ``value``."""
    if hasattr(value, "dim"):
        if value.dim() >= 2:
            yield value
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _sequences(part)
