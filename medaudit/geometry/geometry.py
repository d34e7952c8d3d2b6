"""The map between the original image and a loaded model's tokens, measured once per image size."""

from __future__ import annotations

from collections import OrderedDict
from copy import deepcopy
from threading import RLock
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from medaudit.errors import ModelError, UsageError
from medaudit.geometry.arrangements import ARRANGEMENTS, NOWHERE, arrange
from medaudit.geometry.errors import NoGrid
from medaudit.geometry.exceptions import TOWER_SEQUENCES, no_grid
from medaudit.geometry.ramps import measure
from medaudit.geometry.tokens import TokenMap, place_cells
from medaudit.geometry.tower import patch_size, reach
from medaudit.geometry.views import Layout, View, layout
from medaudit.models.prompts import image_token_id

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.geometry.sequence import TowerSequence
    from medaudit.geometry.sources import SourceMap

    Pixels = NDArray[np.uint8]

STAGES = ("patch", "projector")
#: Layouts kept at a time: each holds a mask of the pixel tensor's size.
KEPT_LAYOUTS = 16
#: Class tokens do not depend on the size of an image; this one is quick to process.
PREFIX_SIZE = (64, 64)
CONVOLUTIONAL = "the vision tower is a convolutional network without patches"
PROMPT = "Describe the image."


class Geometry:
    """Asks a model's own processor where its tokens look; runs no network and changes no state.

    Four calls of the processor per image size, on copies of what it keeps. Safe from any thread.
    """

    def __init__(self, model: Any) -> None:
        self.network = model.network
        self.generative = hasattr(model, "builder")
        self._processor = model.processor
        self._builder: Any = None
        self._lock = RLock()
        self._layouts: OrderedDict[tuple[int, int], tuple[Layout, int]] = OrderedDict()
        self._maps: dict[tuple[int, int, str], TokenMap | NoGrid] = {}

    def source(self, size: tuple[int, int]) -> SourceMap:
        """Where each element of the pixel tensor of an image of ``size`` (height, width) comes from."""
        return self._measured(size)[0].source

    def views(self, size: tuple[int, int]) -> tuple[View, ...]:
        """The views of an image of ``size``, before the projector."""
        return self._measured(size)[0].views

    def patched(self, size: tuple[int, int]) -> bool:
        """Whether the vision tower reads patches; a convolutional one has places of a feature map."""
        return self._measured(size)[0].places is not None

    def reach(self, stage: str = "projector") -> int:
        """The radius that a mask needs at a stage: 1 where overlapping convolutions lie before it, else 0."""
        return reach(self.network) if stage == "projector" else 0

    def token_map(self, size: tuple[int, int], stage: str = "projector") -> TokenMap:
        """Where the tokens of an image of ``size`` (height, width) look.

        ``stage`` is ``patch`` (output of the patch embedding, in processed order, padding included) or
        ``projector`` (what enters the language model for the image, in order). Raises NoGrid where tokens
        stand for no place, ModelError where the processor takes no such image.
        """
        if stage not in STAGES:
            raise UsageError.unknown("stage", stage, STAGES)
        key = (*size, stage)
        with self._lock:
            if key not in self._maps:
                try:
                    self._maps[key] = self._made(size, stage)
                except NoGrid as reason:
                    self._maps[key] = reason
            found = self._maps[key]
        if isinstance(found, NoGrid):
            raise NoGrid(found.reason)
        return found

    def sequence(self, size: tuple[int, int]) -> TowerSequence:
        """Which row of the vision tower's hidden states is which token of stage ``patch``.

        Runs the tower's first layers four times. Raises NoGrid for towers without patches.
        """
        from medaudit.geometry.sequence import tower_sequence

        if self._measured(size)[0].places is None:
            raise NoGrid(CONVOLUTIONAL)
        rng = np.random.default_rng(0)
        first, second = (self.process(rng.integers(0, 256, (*size, 3), dtype=np.uint8)) for _ in range(2))
        return tower_sequence(self.network, first, second)

    @property
    def prefix_tokens(self) -> int:
        """Class tokens and registers before the first patch in the tower's sequence."""
        return self.sequence(PREFIX_SIZE).prefix

    def process(self, pixels: Pixels) -> dict[str, Any]:
        """What the model is given for one image, as the ordinary route makes it."""
        from PIL import Image as Pillow

        if not self.generative:
            inputs = self._processor.image_processor(images=[Pillow.fromarray(pixels)], return_tensors="pt")
            return dict(inputs)
        from medaudit.image import ArrayImage
        from medaudit.model import Capability, Request
        from medaudit.models.inputs import InputBuilder

        with self._lock:
            if self._builder is None:
                # Its own: a fast tokenizer cannot be shared by threads, and a builder remembers placeholders.
                self._builder = InputBuilder(deepcopy(self._processor), self.network)
            (group,) = self._builder.groups([Request(Capability.GENERATE, (ArrayImage(pixels),), PROMPT)])
        if group.error is not None:
            height, width = pixels.shape[:2]
            raise ModelError(f"The model's processor takes no image of {width} x {height} pixels.")
        return dict(group.inputs)

    def _measured(self, size: tuple[int, int]) -> tuple[Layout, int]:
        with self._lock:
            if size not in self._layouts:
                measured = measure(self.process, size)
                made = layout(measured, size, patch_size(self.network))
                self._layouts[size] = made, self._counted(measured[0].inputs)
                while len(self._layouts) > KEPT_LAYOUTS:
                    self._layouts.popitem(last=False)
            return self._layouts[size]

    def _counted(self, inputs: dict[str, Any]) -> int:
        known = image_token_id(self.network.config)
        ids = inputs.get("input_ids")
        return 0 if known is None or ids is None else int((ids == known).sum())

    def _made(self, size: tuple[int, int], stage: str) -> TokenMap:
        if stage == "projector" and not self.generative:
            raise NoGrid("the image becomes one pooled embedding")
        kind = self.network.config.model_type
        reason = no_grid(self.network, stage)
        if reason is not None:
            raise NoGrid(reason)
        seen, tokens = self._measured(size)
        if stage == "patch":
            if seen.places is None:
                raise NoGrid(CONVOLUTIONAL)
            return _mapped(size, stage, seen.views, seen.places)
        if kind in TOWER_SEQUENCES:
            return _mapped(size, stage, seen.views, _sequence(seen, TOWER_SEQUENCES[kind]))
        if tokens == 0:
            raise NoGrid("its prompts hold no image tokens")
        if kind not in ARRANGEMENTS and seen.places is not None and len(seen.places) == tokens:
            return _mapped(size, stage, seen.views, seen.places)  # one token a patch, padding included
        return _mapped(size, stage, *arrange(kind, seen.views, tokens, size))


_known: WeakKeyDictionary[Any, Geometry] = WeakKeyDictionary()
_lock = RLock()


def geometry_of(model: Any) -> Geometry:
    """The geometry of a loaded generative or contrastive model; the same object for the same model."""
    if not hasattr(model, "network") or not hasattr(model, "processor"):
        raise ModelError("Only a local model has tokens to map. Load a checkpoint folder.")
    with _lock:
        if model not in _known:
            _known[model] = Geometry(model)
        return _known[model]


def _mapped(
    size: tuple[int, int], stage: str, views: tuple[View, ...], places: NDArray[np.int32]
) -> TokenMap:
    return TokenMap(size, stage, views, places, place_cells(views, places))


def _sequence(seen: Layout, before: int) -> NDArray[np.int32]:
    """Places of a tower's whole output: tokens of no place, then the patches, for every view."""
    if seen.places is None:
        raise NoGrid(CONVOLUTIONAL)
    if before == 0:
        return seen.places
    parts, start = [], 0
    for length in seen.rows:
        parts += [np.array([NOWHERE] * before, dtype=np.int32), seen.places[start : start + length]]
        start += length
    return np.concatenate(parts)
