"""Tiny random checkpoints of real architectures, built offline in seconds: plumbing, not behaviour."""

from __future__ import annotations

import contextlib
import inspect
from importlib import import_module
from pathlib import Path
from typing import Any

from medaudit.architectures.calibration import calibrate
from medaudit.architectures.processor import build_processor
from medaudit.architectures.recipe import DROP, Recipe
from medaudit.architectures.recipes import recipe
from medaudit.architectures.shrink import HEAD_DIM, shrink
from medaudit.architectures.token_ids import IDS, ids_of, tables, texts, tokens_from
from medaudit.architectures.wake import wake
from medaudit.models.vision_ops import huggingface

#: More parameters than this are not tiny; counted before any memory is taken.
LARGEST = 30_000_000


def build(kind: str, folder: Path | str, *, contrastive: bool = False, seed: int = 0) -> Path:
    """Write a checkpoint of model type ``kind`` with random weights into ``folder``, and return it.

    ``contrastive`` chooses the zero-shot class of a type that has both. Raises ``NotBuildable`` for a type
    that the library itself cannot build from a configuration, with the reason.
    """
    made = recipe(f"{kind}:contrastive" if contrastive else kind)
    if made.why_not:
        raise NotBuildable(made.why_not)
    config = tiny_config(kind, made)
    processor = build_processor(kind, config, made, contrastive=contrastive)
    tokens_from(processor, config)
    for dotted, value in made.config.items():  # once more: token ids given by hand win
        if dotted.rsplit(".", 1)[-1].endswith(IDS):
            put(config, dotted, ids_of(processor, value))
    network = build_network(kind, config, contrastive=contrastive)
    wake(network, seed)
    for name, value in made.generation.items():
        setattr(network.generation_config, name, value)
    if not contrastive:
        calibrate(processor, network)
    folder = Path(folder)
    network.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


class NotBuildable(Exception):
    """A type that has no image-and-text checkpoint to build, and why."""


def tiny_config(kind: str, made: Recipe) -> Any:
    """The shrunk configuration of a type, the recipe's fields laid over it."""
    cls = huggingface().CONFIG_MAPPING[kind]
    default = cls()
    table = default.to_dict()
    for name, sub in getattr(cls, "sub_configs", {}).items():
        if table.get(name) is None and "vision" in name and hasattr(sub, "model_type"):
            with contextlib.suppress(Exception):  # a placeholder class cannot be made without arguments
                table[name] = sub().to_dict()
    small = shrink(table)
    if any(_sectioned(type(part)) for part in tables(default)):
        _sections(small)
    for dotted, value in made.config.items():
        if not texts(value) or not dotted.endswith(IDS):  # tokens have no id yet
            _put_table(small, dotted, value)
    return cls.from_dict(small)


def _sectioned(config_class: Any) -> bool:
    """Whether the type's code reads rotary sections, whose defaults fit real widths only."""
    module = config_class.__module__.replace("configuration_", "modeling_")
    with contextlib.suppress(ImportError):
        return "mrope_section" in inspect.getsource(import_module(module))
    return False


def _sections(table: dict[str, Any]) -> None:
    rotary = table.get("rope_parameters")
    if isinstance(rotary, dict) and "vocab_size" in table:
        half = int(HEAD_DIM // 2 * (rotary.get("partial_rotary_factor") or 1.0))
        rotary["mrope_section"] = [half - 2 * (half // 3), half // 3, half // 3]
    for sub in table.values():
        if isinstance(sub, dict):
            _sections(sub)


def _put_table(table: dict[str, Any], dotted: str, value: Any) -> None:
    *path, last = dotted.split(".")
    for name in path:
        table = table.setdefault(name, {})
    if value is DROP:
        table.pop(last, None)
    else:
        table[last] = value


def put(config: Any, dotted: str, value: Any) -> None:
    *path, last = dotted.split(".")
    for name in path:
        config = getattr(config, name)
    setattr(config, last, value)


def build_network(kind: str, config: Any, *, contrastive: bool) -> Any:
    """The network on the CPU in float32, refused where it is not tiny."""
    import torch

    from medaudit.models.routes import CLASSIFIER, CONTRASTIVE, GENERATIVE, architectures

    table = architectures()
    route = CONTRASTIVE if contrastive else GENERATIVE if kind in table[GENERATIVE] else CLASSIFIER
    cls = getattr(huggingface(), table[route][kind])
    for table in tables(config):
        table.dtype = torch.float32
    with torch.device("meta"):
        size = sum(p.numel() for p in cls._from_config(config).parameters())
    if size > LARGEST:
        raise ValueError(f"{size:,} parameters are not tiny")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return cls._from_config(config).eval()
