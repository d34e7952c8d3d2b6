"""The side of a patch, as the vision tower was built."""

from __future__ import annotations

from typing import Any

#: Parts of configurations that describe a vision tower.
VISION_CONFIGS = ("vision_config", "vision_model_config", "image_config", "vit_config", "encoder")


def patch_size(network: Any) -> int | None:
    """Side of a patch in processed pixels, or None for a tower without patches (a convolutional one).

    The configuration is asked first, then the first convolution whose stride is its kernel.
    """
    for config in _configs(network.config):
        value = getattr(config, "patch_size", None)
        if isinstance(value, list | tuple):
            # (time, height, width) or (height, width); sizes per stage are those of a pyramid.
            square = 2 <= len(value) <= 3 and value[-1] == value[-2]
            return int(value[-1]) if square else _convolution(network)
        if isinstance(value, int) and value > 0:
            return value
    return _convolution(network)


def _configs(config: Any) -> list[Any]:
    nested = [getattr(config, name, None) for name in VISION_CONFIGS]
    thinker = getattr(config, "thinker_config", None)
    found = [part for part in nested if part is not None]
    return [*found, config, *(_configs(thinker) if thinker is not None else [])]


def _convolution(network: Any) -> int | None:
    import torch

    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Conv3d) and module.in_channels == 3:
            stride = module.stride[-1]
            return stride if tuple(module.kernel_size[-2:]) == tuple(module.stride[-2:]) else None
    return None
