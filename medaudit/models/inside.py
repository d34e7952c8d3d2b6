"""Checkpoints that hold more than the network that reads an image and answers in text."""

from __future__ import annotations

from typing import Any

from medaudit.models.checkpoint import Checkpoint
from medaudit.models.vision_ops import huggingface

#: By model type, the field with the configuration of the part that answers. Omni models also hold a voice,
#: which no audit hears; its weights are not even read.
INSIDE = {"qwen2_5_omni": "thinker_config", "qwen3_omni_moe": "thinker_config"}
#: By model type, a class around the network, and where the network is. The names in ShieldGemma's files are
#: those of its classifier; the class in the library's table does not find most of them.
WRAPPED = {"shieldgemma2": ("ShieldGemma2ForImageClassification", "model")}


def inner_config(checkpoint: Checkpoint) -> dict[str, Any]:
    """``{"config": configuration of the answering part}``, or nothing where the checkpoint is one network."""
    name = INSIDE.get(checkpoint.type)
    if name is None:
        return {}
    whole = huggingface().AutoConfig.from_pretrained(checkpoint.folder, local_files_only=True)
    return {"config": getattr(whole, name)}


def wrapping_class(kind: str) -> Any:
    """The class that reads the files of a wrapped type, or None."""
    return getattr(huggingface(), WRAPPED[kind][0]) if kind in WRAPPED else None


def unwrapped(kind: str, network: Any) -> Any:
    """The network that generates, out of what was loaded."""
    return getattr(network, WRAPPED[kind][1]) if kind in WRAPPED else network
