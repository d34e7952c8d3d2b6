"""The side of a patch, and how far past its cell a token sees, as the vision tower was built."""

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


def reach(network: Any) -> int:
    """Tokens beyond a cell's own that see it before any block mixes them: 1 where convolutions overlap.

    A convolution with kernel 3 and stride 2 after the patches (SAM's neck) gives every other patch to two
    tokens, so a mask of such a type needs this radius.
    """
    import torch

    convolutions = [part for part in network.modules() if isinstance(part, torch.nn.Conv2d)]
    overlaps = (part.kernel_size[0] > part.stride[0] > 1 and part.in_channels > 3 for part in convolutions)
    return int(any(overlaps))
