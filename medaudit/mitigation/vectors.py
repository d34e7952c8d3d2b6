"""Images and their regions in a contrastive model's own space, with a gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from medaudit.models.regions import PatchRows
from medaudit.models.token_states import split
from medaudit.models.vision_head import Watched, through_head

if TYPE_CHECKING:
    from torch import Tensor

    from medaudit.image import Image
    from medaudit.proposals import Box


class Sight:
    """The differentiable twin of ``Context.embed``: one pass gives images and regions.

    A region's vector is what the model's own norm, pooling and projection make of its mean token, as in
    :class:`medaudit.models.joint_embedding.JointEmbedder`. ``model`` is the model as it was: which token is
    which patch is measured on it, and holds for its copies.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._rows = PatchRows()

    def __call__(
        self, learner: Any, images: Sequence[Image], boxes: Sequence[Sequence[Box]]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Vectors of images (B, d), of boxes (R, d), and which boxes those are (R,), counted image by image.

        A box that the model does not look at has no vector and is left out. Raises NotReached or NoGrid for
        a type whose regions have none.
        """
        import torch

        pixels = learner._pixels(images)
        seen = Watched(learner.network, len(images))
        with seen.blocks():
            own = learner._image_vectors(pixels)
        whole = _mean(own)
        parts = [
            (weights, states.float())
            for states, image, several in zip(split(seen.states, len(images)), images, boxes, strict=True)
            if len(weights := self._weights(states, image, several))
        ]
        looked_at = [~weights.isnan().any(dim=1) for weights, _ in parts]
        kept = torch.cat(looked_at).nonzero()[:, 0] if parts else torch.zeros(0, dtype=torch.int64)
        if not len(kept):
            return whole, whole[:0], kept
        tokens = torch.cat(
            [weights[own] @ states for own, (weights, states) in zip(looked_at, parts, strict=True)]
        )
        owners = torch.tensor([at for at, several in enumerate(boxes) for _ in several])[kept.cpu()]
        each = len(seen.states) // seen.images
        filled = tokens.to(seen.states.dtype).repeat_interleave(each, dim=0)[:, None]
        states = filled.expand(-1, *seen.states.shape[1:])
        return whole, _mean(through_head(learner, seen, pixels, owners, states)), kept

    def _weights(self, states: Tensor, image: Image, boxes: Sequence[Box]) -> Tensor:
        import torch

        if not boxes:
            return states.new_zeros((0, len(states)), dtype=torch.float32)
        weights = self._rows.weights(self._model, image.size, boxes, len(states))
        return torch.from_numpy(weights).to(states.device, torch.float32)


def _mean(vectors: Tensor) -> Tensor:
    """(n, d), of several queries (n, queries, d) too."""
    return vectors if vectors.dim() == 2 else vectors.mean(dim=1)
