"""Contrastive models of video, asked about a picture: the clip in which nothing moves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

#: Of similarities, where a network has learnt none: the one that VideoPrism was released with.
TEMPERATURE = 0.01


def see_pictures(network: Any, processor: Any) -> None:
    """Give a model of clips the two routes of a model of pictures; one that has them is left alone.

    A picture is a clip of as many equal frames as the model was trained on, so that its positions in time are
    those it knows.
    """
    if hasattr(network, "get_image_features") or not hasattr(network, "get_video_features"):
        return
    frames = int(getattr(network.config.vision_config, "num_frames", 1))
    network.get_image_features = network.get_video_features
    processor.image_processor = StillClips(processor, frames)
    if not hasattr(network, "logit_scale") and not hasattr(network, "temperature"):
        network.temperature = TEMPERATURE


class StillClips:
    """Stands where an image processor would; ``frames`` equal frames a picture."""

    def __init__(self, processor: Any, frames: int) -> None:
        self._processor, self.frames = processor, frames

    def __call__(self, images: Sequence[Any], **arguments: Any) -> dict[str, Any]:
        """Tensors of ``(picture, frame, channel, height, width)`` from Pillow pictures."""
        clips = [np.stack([np.asarray(image)] * self.frames) for image in images]
        return dict(self._processor(videos=clips, do_sample_frames=False, **arguments))
