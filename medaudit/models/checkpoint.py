"""What lies in a checkpoint folder, checked before a heavy library looks at it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medaudit.errors import ModelError
from medaudit.model import LoadOptions

PROCESSOR_FILES = ("preprocessor_config.json", "processor_config.json", "image_processor_config.json")
TOKENIZER_FILES = (
    "tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model", "tekken.json",
    "sentencepiece.bpe.model", "source.spm", "tokenizer_config.json",
)  # fmt: skip


@dataclass(frozen=True)
class Checkpoint:
    """A folder that has everything a vision-language model needs."""

    folder: Path
    name: str
    config: dict[str, Any]
    remote_code: bool

    @property
    def type(self) -> str:
        return str(self.config.get("model_type", ""))

    @property
    def architectures(self) -> tuple[str, ...]:
        return tuple(self.config.get("architectures") or ())


def read_checkpoint(folder: Path, name: str, options: LoadOptions) -> Checkpoint:
    """Check a folder: configuration, weights that are safe to open, processor, tokenizer.

    ``name`` is what the user typed; it stands in every message.
    """
    config = _config(folder, name)
    _check_weights(folder, name, options.allow_pickle)
    _check_parts(folder, name)
    return Checkpoint(folder, name, config, options.trust_remote_code and "auto_map" in config)


def _config(folder: Path, name: str) -> dict[str, Any]:
    path = folder / "config.json"
    if not path.is_file():
        if (folder / "adapter_config.json").is_file():
            raise ModelError(
                f"{name!r} holds an adapter, not a model. Type the base model, and --adapter {name}."
            )
        raise ModelError(f"{name!r} has no config.json. Type a folder written by save_pretrained.")
    try:
        config = json.loads(path.read_text("utf-8"))
    except (ValueError, OSError) as error:
        raise ModelError(f"{name!r}: config.json is not JSON. Write the checkpoint again.") from error
    if not isinstance(config, dict) or not config.get("model_type"):
        raise ModelError(f"{name!r}: config.json names no model_type. Write the checkpoint again.")
    return config


def _check_weights(folder: Path, name: str, allow_pickle: bool) -> None:
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        _check_shards(index, name)
    elif any(folder.glob("*.safetensors")):
        return
    else:
        pickled = sorted(path.name for pattern in ("*.bin", "*.pt", "*.pth") for path in folder.glob(pattern))
        if pickled and not allow_pickle:
            raise ModelError(
                f"{name!r} has only pickled weights ({pickled[0]}), which can run code when opened. "
                "Convert them to safetensors, or add --allow-pickle if you trust their source."
            )
        if not pickled:
            raise ModelError(
                f"{name!r} has no safetensors weights (model.safetensors). Copy them into the folder; "
                "for a hub model with pickled weights only, add --allow-pickle if you trust its source."
            )


def _check_shards(index: Path, name: str) -> None:
    try:
        shards = set(json.loads(index.read_text("utf-8"))["weight_map"].values())
    except (ValueError, KeyError, AttributeError, OSError) as error:
        raise ModelError(f"{name!r}: {index.name} is damaged. Write the checkpoint again.") from error
    missing = sorted(shard for shard in shards if not (index.parent / str(shard)).is_file())
    if missing:
        raise ModelError(f"{name!r} lacks {len(missing)} of {len(shards)} weight files: {missing[0]}, ...")


def _check_parts(folder: Path, name: str) -> None:
    if not any((folder / file).is_file() for file in PROCESSOR_FILES):
        raise ModelError(
            f"{name!r} has no processor (preprocessor_config.json or processor_config.json). "
            "Copy it from the base model, or call save_pretrained of its AutoProcessor on the folder."
        )
    if not any((folder / file).is_file() for file in TOKENIZER_FILES):
        raise ModelError(
            f"{name!r} has no tokenizer (tokenizer.json or tokenizer_config.json). "
            "Copy it from the base model, or call save_pretrained of its tokenizer on the folder."
        )
