"""Image tokens hidden as attention keys: no query reads them, while every position stays where it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from medaudit.whitebox.edits import Edit, sequence_spans
from medaudit.whitebox.language_points import past_length
from medaudit.whitebox.modules import crossing, decoder, decoder_layers, kind, sequence_module
from medaudit.whitebox.reach import NotReached
from medaudit.whitebox.registered import Watch, watching
from medaudit.whitebox.scene import Scene

#: Layers that carry hidden tokens onwards in a state that has no keys.
STATEFUL = ("linear", "conv", "mamba", "recurrent", "delta")


@dataclass
class Clock:
    """Where the pass now running is: ``total`` tokens seen at its end, the cache's included."""

    total: int = 0


@contextmanager
def hidden_keys(scene: Scene, edit: Edit) -> Iterator[None]:
    """Hide keys from every query (``attention``), or from queries after the prompt (``kv``).

    A hidden token's own query keeps its own key, so no row of the softmax is empty; nobody reads that row.
    """
    network = scene.network
    _refuse_states(network)
    if edit.edits.empty:
        # Eager and fused attention round differently, and an empty edit changes nothing at all.
        edit.tally.ran += 1
        yield
        return
    positions, clock = scene.positions(), Clock()
    columns = [span.chosen for span in sequence_spans(edit.edits, positions, scene.length)]
    hiding = _Hiding(scene, edit, clock, _by_row(columns, scene.length, len(positions)))
    watch = Watch(hide=hiding)
    module = decoder(network) if not network.config.is_encoder_decoder else sequence_module(network)
    handle = module.register_forward_pre_hook(
        lambda _, args, kwargs: _tick(clock, args, kwargs), with_kwargs=True
    )
    try:
        with watching(network, watch):
            yield
    finally:
        handle.remove()
    _check_layers(network, watch)


class _Hiding:
    """Gives each attention call its hidden keys."""

    def __init__(self, scene: Scene, edit: Edit, clock: Clock, columns: list[list[int]]) -> None:
        self.scene, self.edit, self.clock, self.columns = scene, edit, clock, columns
        network = scene.network
        self.late = edit.edits.point == "kv"
        self.two_halves = bool(network.config.is_encoder_decoder)
        readers = [sequence_module(network)] if self.two_halves else decoder_layers(network)
        self.own = {id(part) for reader in readers for part in reader.modules()}
        self.crossing = crossing(network) if self.two_halves else set()

    def __call__(self, module: Any, query: Any, key: Any) -> Any:
        if id(module) in self.crossing:
            self._count()
            # Merged attention appends the encoder's keys to the decoder's own.
            return self._mask(key, key.shape[2] - self.scene.length)
        if id(module) not in self.own or (self.two_halves and self.late):
            return None
        self._count()
        keys, queries, total = key.shape[2], query.shape[2], self.clock.total
        if keys > total:
            raise NotReached(f"{kind(self.scene.network)}: its attention has keys beside the sequence's")
        hidden = self._mask(key, keys - total)
        import torch

        place = torch.arange(total - queries, total, device=key.device)[:, None]
        own = place == torch.arange(total - keys, total, device=key.device)
        hidden = hidden & ~own
        return hidden & (place >= self.scene.length) if self.late else hidden

    def _mask(self, key: Any, offset: int) -> Any:
        """(b, 1, 1, keys), True at hidden keys; position p of the prompt is key p + offset."""
        import torch

        hidden = torch.zeros(len(self.columns), key.shape[2], dtype=torch.bool, device=key.device)
        for row, columns in enumerate(self.columns):
            hidden[row, [column + offset for column in columns if column + offset >= 0]] = True
        return hidden[:, None, None, :]

    def _count(self) -> None:
        self.edit.tally.ran += 1
        self.edit.tally.touched += sum(map(len, self.columns))


def _tick(clock: Clock, args: Any, kwargs: dict[str, Any]) -> None:
    given = kwargs.get("inputs_embeds")
    given = given if given is not None else kwargs.get("input_ids")
    given = given if given is not None else args[0]
    clock.total = past_length(kwargs) + int(given.shape[1])


def _by_row(columns: list[Any], width: int, rows: int) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in range(rows)]
    for chosen in columns:
        for token in chosen:
            found[token // width].append(token % width)
    return found


def _refuse_states(network: Any) -> None:
    text = network.config.get_text_config()
    kinds = {str(kind) for kind in getattr(text, "layer_types", None) or ()}
    stateful = sorted(name for name in kinds if any(word in name for word in STATEFUL))
    parts = {type(part).__name__ for layer in decoder_layers(network) for part in layer.modules()}
    stateful += sorted(name for name in parts if "Conv" in name)
    if stateful:
        raise NotReached(f"{kind(network)}: layers of type {stateful[0]} carry tokens on without keys")


def _check_layers(network: Any, watch: Watch) -> None:
    for number, layer in enumerate(decoder_layers(network)):
        if not watch.calls & {id(part) for part in layer.modules()}:
            raise NotReached(
                f"{kind(network)}: layer {number} never called the registered attention function"
            )
