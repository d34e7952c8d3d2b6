"""Attention weights, read where they are computed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medaudit.errors import UsageError
from medaudit.model import Request
from medaudit.whitebox.forced import Forced, forced
from medaudit.whitebox.modules import answering_layers, crossing, kind, vision_blocks
from medaudit.whitebox.reach import NotReached
from medaudit.whitebox.registered import Watch, watching
from medaudit.whitebox.returned import returned_weights
from medaudit.whitebox.scene import scene_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Weights = NDArray[np.float32]

#: Largest distance of a row's sum from 1 that rounding explains, by dtype.
ROUNDING = {"float32": 1e-4, "float16": 1e-2, "bfloat16": 5e-2}


@dataclass(frozen=True)
class Attentions:
    """Softmax weights by layer number; layers without weights (linear attention) are absent.

    ``layers[k]`` of the decoder holds one array (heads, answer tokens, image tokens): from the position that
    predicts each answer token to each image token. Of the vision tower it holds one array (heads, n, n) for
    every image, tile or window, in the order in which the tower reads them.

    ``row_error`` is the largest distance of a full row's sum from 1 (rows of the decoder include text keys,
    so the shares kept here sum to less). ``agreement`` is the largest difference of a logit between the pass
    that was read and the implementation that the model runs in production: what is read is what is used
    where it is small.
    """

    where: str
    layers: Mapping[int, tuple[Weights, ...]]
    row_error: float
    agreement: float

    def stacked(self) -> tuple[tuple[int, ...], Weights]:
        """Layer numbers, and (layers, ...) of each layer's only array. Raises NotReached if shapes differ."""
        import numpy as np

        several = [arrays for arrays in self.layers.values() if len(arrays) != 1]
        if several or len({arrays[0].shape for arrays in self.layers.values()}) != 1:
            raise NotReached("layers hold several arrays or different shapes: read `layers` one by one")
        return tuple(self.layers), np.stack([arrays[0] for arrays in self.layers.values()])


def attend(model: Any, request: Request, answer: str, where: str = "decoder") -> Attentions:
    """Which image tokens does each answer token attend to (``decoder``), or each patch (``vision``)?

    In an encoder-decoder, and in a decoder with cross-attention layers, those are the weights of
    cross-attention. Raises NotReached where a type's attention cannot be read, or what can be read is no
    distribution.
    """
    import torch

    if where not in ("decoder", "vision"):
        raise UsageError.unknown("place to read attention", where, ("decoder", "vision"))
    network = model.network
    with torch.no_grad():
        if getattr(model, "builder", None) is None:
            if where == "decoder":
                raise NotReached(f"{kind(network)} answers by similarity, without answer tokens")
            inputs = model.placed_pixels(request.images)
            return _read(network, _Squares(network), lambda: network.get_image_features(**inputs))
        run = forced(model, request, answer)
        reader = _Squares(network) if where == "vision" else _Rows(model, run)
        return _read(network, reader, lambda: _logits(network, run))


def _read(network: Any, reader: _Reader, run: Callable[[], Any]) -> Attentions:
    production = _tensor(run())
    with watching(network, Watch(read=reader)):
        watched = _tensor(run())
    if not reader.layers:
        with returned_weights(network, reader):
            watched = _tensor(run())
    if not reader.layers:
        raise NotReached(f"{kind(network)}: its {reader.where} attention shows no weights")
    limit = ROUNDING.get(str(network.dtype).removeprefix("torch."), 1e-4)
    # "not <=" also refuses NaN.
    if not reader.row_error <= limit:
        raise NotReached(f"{kind(network)}: attention rows sum to 1 only within {reader.row_error:.2g}")
    layers = {layer: tuple(reader.layers[layer]) for layer in sorted(reader.layers)}
    agreement = float((production.float() - watched.float()).abs().max())
    return Attentions(reader.where, layers, reader.row_error, agreement)


class _Reader(ABC):
    """Keeps the weights of attention modules that belong to numbered layers."""

    where = ""

    def __init__(self, layers: Any) -> None:
        self.number = {id(part): i for i, layer in enumerate(layers) for part in layer.modules()}
        self.layers: dict[int, list[Weights]] = {}
        self.row_error = 0.0

    @abstractmethod
    def __call__(self, module: Any, weights: Any) -> None:
        """Keep what is wanted of one module's weights."""

    def keep(self, layer: int, weights: Any, wanted: Any) -> None:
        self.row_error = max(self.row_error, float((weights.float().sum(dim=-1) - 1).abs().max()))
        self.layers.setdefault(layer, []).extend(part.float().cpu().numpy() for part in wanted)


class _Squares(_Reader):
    """Weights inside the vision tower."""

    where = "vision"

    def __init__(self, network: Any) -> None:
        super().__init__(vision_blocks(network))

    def __call__(self, module: Any, weights: Any) -> None:
        if id(module) in self.number and weights.shape[-1] == weights.shape[-2]:
            self.keep(self.number[id(module)], weights, weights)


class _Rows(_Reader):
    """Weights from the positions that predict the answer to the image's keys."""

    where = "decoder"

    def __init__(self, model: Any, run: Forced) -> None:
        import torch

        network = model.network
        super().__init__(answering_layers(network))
        self.run, self.crossing = run, crossing(network)
        ids = run.arguments.get("input_ids")
        self.length = 0 if ids is None else int(ids.shape[1])
        try:
            (positions,) = scene_of(model, run.prompt).positions()
        except NotReached:
            positions = []
        self.positions = torch.tensor(positions, dtype=torch.long, device=run.ids.device)
        self.network = network

    def __call__(self, module: Any, weights: Any) -> None:
        if id(module) not in self.number or (self.crossing and id(module) not in self.crossing):
            return
        rows = weights[:, :, self.run.rows]
        self.keep(self.number[id(module)], rows, rows[..., self._columns(weights.shape[-1])])

    def _columns(self, keys: int) -> Any:
        """The image's keys: its positions, all keys of cross-attention, or those put before the sequence."""
        import torch

        if self.crossing and (self.length == 0 or not self.run.two_halves):
            return torch.arange(keys, device=self.positions.device)
        before = keys - self.length
        if len(self.positions):
            # Merged attention appends the encoder's keys to the decoder's own.
            return self.positions + before
        if before <= 0 or self.run.two_halves:
            raise NotReached(f"{kind(self.network)}: no key of its attention is known to be the image's")
        return torch.arange(before, device=self.positions.device)


def _logits(network: Any, run: Forced) -> Any:
    from medaudit.models.positions import forget

    forget(network)
    return network(
        **{name: value.clone() if hasattr(value, "clone") else value for name, value in run.arguments.items()}
    ).logits


def _tensor(output: Any) -> Any:
    return getattr(output, "pooler_output", output)
