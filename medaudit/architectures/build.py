"""Tiny random checkpoints of real architectures, built offline in seconds: plumbing, not behaviour."""

from __future__ import annotations

import contextlib
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from medaudit.architectures.processor import build_processor
from medaudit.architectures.recipe import DROP, Recipe
from medaudit.architectures.recipes import recipe
from medaudit.architectures.shrink import HEAD_DIM, VOCABULARY, WIDTH, shrink
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
        if dotted.rsplit(".", 1)[-1].endswith(_IDS):
            put(config, dotted, _ids(processor, value))
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
        if not _texts(value) or not dotted.endswith(_IDS):  # tokens have no id yet
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


def tables(config: Any) -> Iterator[Any]:
    """The configuration and every sub-configuration."""
    yield config
    for name in getattr(config, "sub_configs", {}):
        sub = getattr(config, name, None)
        if sub is not None:
            yield from tables(sub)


def tokens_from(processor: Any, config: Any) -> None:
    """Write the tokenizer's ids over those of the default configuration."""
    tokenizer = getattr(processor, "tokenizer", processor)
    extra = getattr(tokenizer, "extra_special_tokens", None) or {}
    known = {name: text for name, text in dict(tokenizer.special_tokens_map).items() if isinstance(text, str)}
    if isinstance(extra, dict):
        known |= extra
    for owner in (tokenizer, processor):
        for name in dir(owner):
            if name.endswith("_token") and isinstance(getattr(owner, name, None), str):
                known[name] = getattr(owner, name)
    ids = {name: tokenizer.convert_tokens_to_ids(str(text)) for name, text in known.items()}
    for name in dir(processor):  # a processor may write another token than the one that marks an image
        if name.endswith("_token_id") and isinstance(getattr(processor, name, None), int):
            ids[name.removesuffix("_id")] = getattr(processor, name)
    marking = getattr(processor, "image_token_ids", None) or []
    if len(marking) == 1 and isinstance(marking[0], int):  # nor need its image token be what it writes
        ids["image_token"] = marking[0]
    for table in tables(config):
        for name, value in list(table.to_dict().items()):
            stem = re.sub(r"(_token)?_(id|index|idx)$", "", name)
            if not name.endswith(("_id", "_index", "_idx", "_ids")) or "layer" in name:
                continue
            found = ids.get(f"{stem}_token")
            if found is not None:
                setattr(table, name, [found] if isinstance(value, list) else found)
            elif isinstance(value, int) and value >= VOCABULARY:
                setattr(table, name, _free(tokenizer, value))


_IDS = ("_id", "_ids", "_index")


def _texts(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(v, str) for v in value))


def _ids(processor: Any, value: Any) -> Any:
    """Ids of tokens that a recipe gives by their texts; ids stay."""
    tokenizer = getattr(processor, "tokenizer", processor)
    return tokenizer.convert_tokens_to_ids(value) if _texts(value) else value


def _free(tokenizer: Any, value: int) -> int:
    """An id inside the vocabulary for a token that the processor does not know."""
    return len(tokenizer) + value % max(VOCABULARY - len(tokenizer), 1)


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
    torch.manual_seed(0)
    return cls._from_config(config).eval()


_COUNTS = re.compile(r"tokens:?\s*(\d+).*?features:?\s*(\d+)", re.IGNORECASE | re.DOTALL)
_LENGTHS = ("image_seq_length", "image_seq_len", "num_image_tokens")


def calibrate(processor: Any, network: Any) -> None:
    """Make the processor write as many image tokens as the network has features, where the two disagree."""
    from medaudit.architectures.trial import run_once

    for _ in range(2):
        try:
            run_once(processor, network)
        except ValueError as error:
            counts = _COUNTS.search(str(error))
            if counts is None or not _scaled(processor, *map(int, counts.groups())):
                raise
        else:
            return
    run_once(processor, network)


def _scaled(processor: Any, tokens: int, features: int) -> bool:
    """Fit the processor's own count of image tokens; libraries report features or all their numbers."""
    if features >= tokens * WIDTH // 2:
        features //= WIDTH
    done = False
    if getattr(processor, "num_additional_image_tokens", None) is not None and abs(features - tokens) == 1:
        processor.num_additional_image_tokens += features - tokens
        return True
    for owner in (processor, getattr(processor, "image_processor", None)):
        for name in _LENGTHS:
            value = getattr(owner, name, None)
            if isinstance(value, int) and value and features != tokens and tokens:
                setattr(owner, name, max(1, value * features // tokens))
                done = True
    return done
