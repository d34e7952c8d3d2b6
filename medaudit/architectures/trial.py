"""One forward pass of a network and its processor, as the ordinary route would do it."""

from __future__ import annotations

from typing import Any

import numpy as np


def run_once(processor: Any, network: Any) -> Any:
    """Logits of one prompt with one picture; whatever the network raises is let through."""
    import torch

    from medaudit.image import ArrayImage
    from medaudit.model import Capability, Request
    from medaudit.models.denoising import read_in_order
    from medaudit.models.inputs import InputBuilder
    from medaudit.models.readers import reader

    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    request = Request(Capability.GENERATE, (ArrayImage(pixels, name="noise"),), "What is seen?")
    network = answering(network)
    network = read_in_order(network)
    (group,) = InputBuilder(reader(processor), network).groups([request])
    if group.error is not None:
        raise RuntimeError(group.error)
    inputs = {  # some processors make half-precision pixels whatever the network is
        name: value.to(network.dtype) if torch.is_tensor(value) and value.is_floating_point() else value
        for name, value in group.inputs.items()
    }
    if network.config.is_encoder_decoder:
        inputs.setdefault("decoder_input_ids", torch.zeros((1, 1), dtype=torch.long))
    with torch.inference_mode():
        return network(**inputs)


def answering(network: Any) -> Any:
    """The part of a composite that reads an image and answers; the network itself where it is one."""
    from medaudit.models.inside import INSIDE

    name = INSIDE.get(network.config.model_type, "").removesuffix("_config")
    return getattr(network, name) if name else network
