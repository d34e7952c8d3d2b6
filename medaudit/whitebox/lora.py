"""Low-rank adapters on the linear layers of one part of a network, found by the module tree.

Reference: E. Hu et al., LoRA: Low-Rank Adaptation of Large Language Models, ICLR 2022, arXiv 2106.09685.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from medaudit.errors import ModelError, UsageError
from medaudit.models.vision_ops import huggingface
from medaudit.whitebox.modules import decoder_layers, vision_blocks
from medaudit.whitebox.reach import NotReached

TARGETS = ("decoder", "vision", "both")


def linear_layers(network: Any, target: str) -> list[str]:
    """Names of every linear layer inside the target's blocks.

    ``target``: ``decoder`` (the language model, or the text tower of a contrastive model), ``vision``, or
    ``both``. Raises :class:`ModelError` where the part has no blocks, or no linear layer in them.
    """
    if target not in TARGETS:
        raise UsageError.unknown("target", target, TARGETS)
    wanted = ("decoder", "vision") if target == "both" else (target,)
    inside: set[int] = set()
    for part in wanted:
        inside |= {id(module) for module in _blocks(network, part).modules()}
    names = [name for name, module in network.named_modules() if id(module) in inside and _adapts(module)]
    attention = _fused_attention(network)
    names = [name for name in names if not name.startswith(attention)] if attention else names
    if not names:
        raise ModelError(f"{network.config.model_type}: no linear layer in its {target} blocks.")
    return names


def _blocks(network: Any, part: str) -> Any:
    if part == "decoder" and hasattr(network, "get_text_features") and hasattr(network, "text_model"):
        return network.text_model  # of a contrastive model, whose decoder may be one of segmentation
    try:
        return decoder_layers(network) if part == "decoder" else vision_blocks(network)
    except (NotReached, AttributeError) as error:
        raise ModelError(f"{network.config.model_type}: no {part} blocks to tune.") from error


def _adapts(module: Any) -> bool:
    import torch

    conv1d = huggingface().pytorch_utils.Conv1D
    # A router is a linear layer by descent that returns more than a product; an adapter would break it.
    linear = isinstance(module, torch.nn.Linear) and type(module).forward is torch.nn.Linear.forward
    return (linear or isinstance(module, conv1d)) and module.weight.dim() == 2


def _fused_attention(network: Any) -> tuple[str, ...]:
    """Modules that read their children's weights without calling them: an adapter there would be mute."""
    import torch

    kinds = torch.nn.MultiheadAttention
    return tuple(f"{name}." for name, module in network.named_modules() if isinstance(module, kinds))


def attach(network: Any, names: list[str], rank: int, seed: int) -> Any:
    """Put adapters on in place: A drawn from ``seed``, B zero, scale 2; nothing else may change."""
    if find_spec("peft") is None:
        raise ModelError('Tuning needs peft. Type: pip install "medaudit[hf]".')
    import peft
    import torch

    exact = "|".join(map(re.escape, names))
    config = peft.LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules=f"({exact})")
    try:
        with torch.random.fork_rng(devices=_devices(network)), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.manual_seed(seed)
            return peft.LoraModel(network, config, "default")
    except NotImplementedError as error:
        kind = network.config.model_type
        raise NotReached(
            f"{kind}: the library names no input embeddings for it, which peft asks for"
        ) from error
    except (ValueError, TypeError, RuntimeError, AttributeError, KeyError) as error:
        raise ModelError(
            f"{network.config.model_type}: peft puts no adapter on it ({type(error).__name__})."
        ) from error


def _devices(network: Any) -> list[Any]:
    device = next(network.parameters()).device
    return [device] if device.type == "cuda" else []


def digest(tensors: Mapping[str, Any]) -> str:
    """sha256 over names, dtypes, shapes and bytes of a state dict, 64 hex digits."""
    import torch

    hasher = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name]
        if not isinstance(value, torch.Tensor):
            continue
        hasher.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        flat = value.detach().cpu().contiguous().reshape(-1)
        hasher.update(flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b"")
    return hasher.hexdigest()
