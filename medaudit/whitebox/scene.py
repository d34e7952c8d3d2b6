"""What an intervention needs to know of one batch: network, inputs, where its image tokens stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from medaudit.whitebox.modules import crossing, kind
from medaudit.whitebox.reach import NotReached


@dataclass(frozen=True)
class Scene:
    """One batch. ``inputs`` are on the model's device; ``run`` makes one pass over them."""

    network: Any
    inputs: dict[str, Any]
    run: Callable[[], Any]
    image_id: int | None = None
    tokenizer: Any = None

    @property
    def length(self) -> int:
        """Length of the padded prompt, in tokens."""
        return int(self.inputs["input_ids"].shape[1])

    def positions(self) -> list[list[int]]:
        """Positions of image tokens in every row. Raises NotReached where the sequence holds none."""
        network = self.network
        if self.image_id is not None and not network.config.is_encoder_decoder and crossing(network):
            raise NotReached(f"{kind(network)}: the image enters by cross-attention, not as tokens")
        mask = self.inputs.get("image_embeds_position_mask")
        if mask is None and self.image_id is not None and "input_ids" in self.inputs:
            mask = self.inputs["input_ids"] == self.image_id
        if mask is None or not bool(mask.any()):
            raise NotReached(f"{kind(network)}: the sequence holds no image tokens")
        return [row.nonzero()[:, 0].tolist() for row in mask.bool()]


def scene_of(model: Any, inputs: dict[str, Any]) -> Scene:
    """The scene of a loaded model and the tensors of one batch."""
    network, builder = model.network, getattr(model, "builder", None)
    if builder is None:
        return Scene(network, inputs, lambda: network.get_image_features(**inputs))
    image_id = builder.image_id
    if image_id is None:
        image_id = getattr(getattr(network.config, "vision_config", None), "image_token_id", None)
    return Scene(network, inputs, lambda: network(**inputs), image_id, builder.tokenizer)
