"""Reading hidden states of one image at a stage, with hooks that leave no trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit.geometry.errors import NoGrid
from medaudit.geometry.ramps import FURTHER_KEYS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


class Captured(Exception):
    """Ends a forward pass once what was wanted is known; the rest of it would be wasted."""


def run(network: Any, inputs: dict[str, Any]) -> None:
    """One forward pass of the image side, stopped by the first hook that raises :class:`Captured`."""
    import torch

    device, dtype = network.device, network.dtype
    placed = {
        name: value.to(device, dtype) if value.is_floating_point() else value.to(device)
        for name, value in inputs.items()
        if hasattr(value, "to")
    }
    with torch.inference_mode():
        try:
            if "input_ids" not in placed and hasattr(network, "get_image_features"):
                network.get_image_features(**placed)
            else:
                network(
                    **{**{k: v for k, v in inputs.items() if k not in placed}, **placed, **_started(network)}
                )
        except Captured:
            return


def _started(network: Any) -> dict[str, Any]:
    """What an encoder-decoder's decoder begins with."""
    import torch

    if not getattr(network.config, "is_encoder_decoder", False):
        return {}
    begin = getattr(network.generation_config, "decoder_start_token_id", None)
    return {"decoder_input_ids": torch.full((1, 1), begin or 0, dtype=torch.long, device=network.device)}


def rows(states: Any) -> Floats:
    """Hidden states as one row per token, (n, width); a convolution's output in reading order."""
    value = states.detach().float()
    return np.asarray(value.reshape(-1, value.shape[-1]).cpu().numpy())


def convolved(states: Any) -> Floats:
    """(b, channels, ...) to (b * places, channels)."""
    value = states.detach().float().flatten(2).transpose(1, 2)
    return rows(value)


def patch_states(network: Any, first: dict[str, Any], second: dict[str, Any]) -> Callable[[Any], Floats]:
    """A reader of the patch embedding's output: the first layer whose output the pixels change.

    ``first`` and ``second`` are inputs of two different images of one size.
    """
    module = _patch_embedding(network, first, second)

    def read(inputs: dict[str, Any]) -> Floats:
        once = not any(key in inputs for key in FURTHER_KEYS)
        found = [output for _, output in _outputs(network, [module], inputs, stop=once)]
        return np.concatenate(found)

    return read


def embedded_states(network: Any, image_token: int) -> Callable[[Any], Floats]:
    """A reader of what enters the language model at the image positions, (tokens, width)."""

    def read(inputs: dict[str, Any]) -> Floats:
        chosen = (inputs["input_ids"][0] == image_token).numpy()
        states: Floats = _embeddings(network, inputs, len(chosen))[chosen]
        return states

    return read


#: Names under which layers are handed what they attend to.
HANDED = ("encoder_hidden_states", "cross_attention_states", "key_value_states")


def handed_states(network: Any) -> Callable[[Any], Floats]:
    """A reader of the tower's sequence as a language model is handed it: to attend to, or as a prefix."""

    def read(inputs: dict[str, Any]) -> Floats:
        found: list[Floats] = []

        def before(_module: Any, _arguments: Any, named: dict[str, Any]) -> None:
            given = next((named[name] for name in HANDED if named.get(name) is not None), None)
            if given is not None:
                found.append(rows(given))
                raise Captured

        def after(_module: Any, _arguments: Any, output: Any) -> None:
            found.append(rows(output))
            raise Captured

        handles = [part.register_forward_pre_hook(before, with_kwargs=True) for part in network.modules()]
        projection = [part for name, part in network.named_modules() if name.endswith("visual_projection")]
        handles += [part.register_forward_hook(after) for part in projection]
        with hooked(handles):
            run(network, inputs)
        if not found:
            raise NoGrid("no language model is handed the vision tower's sequence")
        return found[0]

    return read


def _patch_embedding(network: Any, first: dict[str, Any], second: dict[str, Any]) -> Any:
    import torch

    kinds = (torch.nn.Conv2d, torch.nn.Conv3d, torch.nn.Linear)
    layers = [module for module in network.modules() if isinstance(module, kinds)]
    one, other = (_outputs(network, layers, inputs, stop=False) for inputs in (first, second))
    for (module, before), (_, after) in zip(one, other, strict=False):
        if before.shape != after.shape or not np.array_equal(before, after):
            return module
    raise NoGrid("no layer of the network answers to the image")


def _outputs(
    network: Any, modules: list[Any], inputs: dict[str, Any], *, stop: bool
) -> list[tuple[Any, Floats]]:
    import torch

    found: list[tuple[Any, Floats]] = []

    def hook(module: Any, _arguments: Any, output: Any) -> None:
        states = output[0] if isinstance(output, tuple) else output
        found.append((module, rows(states) if isinstance(module, torch.nn.Linear) else convolved(states)))
        if stop:
            raise Captured

    with hooked([module.register_forward_hook(hook) for module in modules]):
        run(network, inputs)
    if not found:
        raise NoGrid("the patch embedding was not called")
    return found


def _embeddings(network: Any, inputs: dict[str, Any], length: int) -> Floats:
    """The embeddings that the first module called with any is given, or else the first decoder layer."""
    for modules, of in ((list(network.modules()), _named), (members(network), _first)):
        found = _given(network, modules, inputs, length, of)
        if found is not None:
            return found
    raise NoGrid("no embeddings of the prompt enter a language model")


def members(network: Any) -> list[Any]:
    """Everything in a module list, in order: the layers of towers and decoders."""
    import torch

    lists = [part for part in network.modules() if isinstance(part, torch.nn.ModuleList)]
    return list({id(child): child for part in lists for child in part}.values())


def _named(_arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
    return named.get("inputs_embeds")


def _first(arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
    return arguments[0] if arguments else named.get("hidden_states")


def _given(network: Any, modules: list[Any], inputs: dict[str, Any], length: int, of: Any) -> Floats | None:
    found: list[Floats] = []

    def hook(_module: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        given = of(arguments, named)
        if hasattr(given, "dim") and given.dim() == 3 and given.shape[1] == length:
            found.append(rows(given[:1]).copy())
            raise Captured

    with hooked([part.register_forward_pre_hook(hook, with_kwargs=True) for part in modules]):
        run(network, inputs)
    return found[0] if found else None


@contextmanager
def hooked(handles: list[Any]) -> Iterator[None]:
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
