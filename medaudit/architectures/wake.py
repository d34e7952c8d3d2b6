"""Random weights through which everything is felt.

Freshly initialised networks can be blind: gates and projectors start at zero, or so small that an image moves
no logit. A test of sensitivity would then pass or fail without meaning anything.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def wake(network: Any, seed: int = 0) -> None:
    """Overwrite every parameter: matrices N(0, 1/fan-in), vectors near what they were, tables N(0, 1).

    Norm weights get a jitter as well, so that the network does not pass for one that nobody trained.
    """
    import torch

    random = np.random.default_rng(seed)
    tables = {id(part.weight) for part in network.modules() if isinstance(part, torch.nn.Embedding)}
    maps = {id(part.weight) for part in network.modules() if isinstance(part, torch.nn.Conv2d)}
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if not parameter.is_floating_point():
                continue
            noise = torch.from_numpy(random.standard_normal(tuple(parameter.shape), dtype=np.float32))
            noise = noise.to(parameter.dtype)
            if parameter.dim() < 2:
                parameter.copy_(_vector(name, parameter, noise))
            elif "quantize" in name:  # of long codes, the shortest is the nearest to everything
                parameter.copy_(0.1 * noise)
            elif id(parameter) in tables or "embed" in name:
                parameter.copy_(noise)
            elif ("query" in name or "latents" in name) and id(parameter) not in maps:
                # Sharp attention tells short texts apart; in a deep stack of convolutions it is chaos.
                parameter.copy_(noise)
            else:
                parameter.copy_(noise * _gain(parameter) * _fan_in(name, parameter) ** -0.5)


def _vector(name: str, parameter: Any, noise: Any) -> Any:
    if parameter.numel() == 1 or "gate" in name or "logit" in name or "temperature" in name:
        # Scalars are gates and temperatures: one that is zero closes the image path.
        return parameter if bool((parameter != 0).all()) else 0.5 + 0.1 * noise
    return parameter + 0.05 * noise


def _gain(parameter: Any) -> float:
    # Stacks of convolutions have gates of one half and no attention to keep what passes from fading.
    return 1.5 if parameter.dim() == 4 else 1.0


def _fan_in(name: str, parameter: Any) -> int:
    # Experts are stored as (experts, rows, columns).
    return max(int(parameter[0].numel() if "expert" not in name else parameter.shape[-1]), 1)
