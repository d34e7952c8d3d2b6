"""What a contrastive model makes of given tokens: its own norm, pooling and projection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit.models.token_states import split, tokens_of
from medaudit.whitebox.modules import kind, vision_blocks, vision_tower
from medaudit.whitebox.reach import NotReached

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

#: Regions that go through the head together.
TOGETHER = 64
#: Largest distance between an image's vector and the one that its last states give by the head alone.
SAME = {"float32": 1e-3, "float16": 2e-2, "bfloat16": 5e-2}


class Watched:
    """What one pass over several images leaves: the tower's output and its last block's states."""

    def __init__(self, network: Any, images: int) -> None:
        self.network, self.images = network, images
        self.output: Any = None
        self.states: Any = None
        self.tuples: list[bool] = []

    @contextmanager
    def tower(self) -> Iterator[None]:
        """Keep the tower's output."""

        def keep(_: Any, __: Any, output: Any) -> None:
            self.output = output

        handle = vision_tower(self.network).register_forward_hook(keep)
        try:
            yield
        finally:
            handle.remove()

    @contextmanager
    def blocks(self) -> Iterator[None]:
        """Keep the last block's states, (sequences, tokens, d), and which blocks wrap theirs in a tuple."""

        def keep(_: Any, __: Any, output: Any) -> None:
            self.tuples.append(isinstance(output, tuple))
            self.states = output[0] if isinstance(output, tuple) else output

        with ExitStack() as stack:
            for block in vision_blocks(self.network):
                stack.callback(block.register_forward_hook(keep).remove)
            yield

    def tower_means(self) -> Floats:
        """Mean over the tower's last hidden states, (images, d); none where they were not kept."""
        if self.output is None:
            return np.empty((0, 0))
        states = split(tokens_of(self.output), self.images)
        return np.stack([tokens.double().mean(dim=0).cpu().numpy() for tokens in states])

    def block_states(self, image: int) -> Floats:
        """Last block's states of one image, (tokens, d)."""
        if self.states is None:
            raise NotReached(f"{kind(self.network)}: its vision blocks never ran")
        found: Floats = split(self.states, self.images)[image].double().cpu().numpy()
        return found


class VisionHead:
    """Runs the image route with every block passing its input on and the last one giving what it is told.

    Proved before its first use: given the states that an image had, it must give the image's own vector.
    """

    def __init__(self) -> None:
        self._proved = False

    def vectors(
        self, model: Any, seen: Watched, pixels: dict[str, Any], own: Any, tokens: Floats, owners: Any
    ) -> Floats:
        """Unit vectors (n, d) of images whose every token is a row of ``tokens``; NaN rows stay NaN.

        ``owners`` (n,) are the images whose pixels go in front; no block lets them through. Raises
        NotReached for a type whose image vector depends on more than the last block's states.
        """
        import torch

        if any(len(value) != seen.images for value in pixels.values()):
            raise NotReached(f"{kind(model.network)}: its images are not one row each")
        if not self._proved:
            self._prove(model, seen, pixels, own)
        each = len(seen.states) // seen.images
        found = []
        for start in range(0, len(tokens), TOGETHER):
            some = torch.from_numpy(np.nan_to_num(tokens[start : start + TOGETHER])).to(seen.states)
            filled = some.repeat_interleave(each, dim=0)[:, None].expand(-1, *seen.states.shape[1:])
            found.append(self._run(model, seen, pixels, owners[start : start + TOGETHER], filled))
        vectors: Floats = np.concatenate(found)
        vectors[np.isnan(tokens).any(axis=1)] = np.nan
        return vectors

    def _prove(self, model: Any, seen: Watched, pixels: dict[str, Any], own: Any) -> None:
        each = len(seen.states) // seen.images
        try:
            again = self._run(model, seen, pixels, np.array([0]), seen.states[:each])[0]
        except (RuntimeError, ValueError, TypeError, IndexError, StopIteration) as error:
            raise NotReached(f"{kind(model.network)}: its head does not run apart from its blocks") from error
        limit = SAME.get(str(model.network.dtype).removeprefix("torch."), SAME["float32"])
        if not float(np.linalg.norm(again - averaged(own)[0])) <= limit:
            raise NotReached(f"{kind(model.network)}: its head reads more than its last block's states")
        self._proved = True

    def _run(self, model: Any, seen: Watched, pixels: dict[str, Any], owners: Any, states: Any) -> Floats:
        return averaged(through_head(model, seen, pixels, owners, states))


def through_head(model: Any, seen: Watched, pixels: dict[str, Any], owners: Any, states: Any) -> Any:
    """Vectors of the images ``owners`` if the last block gave ``states``; differentiable in them."""
    chosen = {name: value[owners] for name, value in pixels.items()}
    with _passing(vision_blocks(model.network), seen.tuples, states):
        return model._image_vectors(chosen)


def averaged(vectors: Any) -> Floats:
    """(n, d) of unit vectors (n, d), or (n, queries, d) where a type has several for an image."""
    found: Floats = (vectors if vectors.dim() == 2 else vectors.mean(dim=1)).double().cpu().numpy()
    return found


@contextmanager
def _passing(blocks: Any, tuples: list[bool], last: Any) -> Iterator[None]:
    """Blocks that hand on what they get, but for the last one, which gives ``last``."""
    with ExitStack() as stack:
        for number, block in enumerate(blocks):
            given = last if number == len(blocks) - 1 else None
            before = block.__dict__.get("forward")
            block.forward = _handing_on(given, tuples[number])
            stack.callback(_restore, block, before)
        yield


def _handing_on(given: Any, wrapped: bool) -> Any:
    def forward(*args: Any, **kwargs: Any) -> Any:
        states = args[0] if args else next(v for name, v in kwargs.items() if name.startswith("hidden_state"))
        states = states if given is None else given
        return (states,) if wrapped else states

    return forward


def _restore(block: Any, before: Any) -> None:
    if before is None:
        del block.forward
    else:
        block.forward = before
