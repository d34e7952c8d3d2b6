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
SAFE_WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
PICKLED_WEIGHTS = ("pytorch_model.bin", "pytorch_model.bin.index.json")
SAFE_ENDS = (".safetensors", ".safetensors.index.json")


@dataclass(frozen=True)
class Checkpoint:
    """A folder that has everything a vision-language model needs."""

    folder: Path
    name: str
    config: dict[str, Any]
    remote_code: bool
    allow_pickle: bool = False

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
    _check_weights(folder, name, config, options.allow_pickle)
    _check_parts(folder, name)
    remote_code = options.trust_remote_code and "auto_map" in config
    return Checkpoint(folder, name, config, remote_code, options.allow_pickle)


def pickles_opened(folder: Path) -> bool:
    """Whether a loader opens pickled weights here: those of the model, or of an adapter that lies with it.

    Only the names that the loaders themselves look for count; ``other.safetensors`` is never loaded.
    """
    if (folder / "adapter_config.json").is_file() and _pickled_adapter(folder):
        return True
    explicit = _explicit(folder)
    if explicit:
        return not explicit.endswith(SAFE_ENDS)
    safe = any((folder / file).is_file() for file in SAFE_WEIGHTS)
    return not safe and any((folder / file).is_file() for file in PICKLED_WEIGHTS)


def _pickled_adapter(folder: Path) -> bool:
    safe, pickled = (folder / f"adapter_model.{end}" for end in ("safetensors", "bin"))
    return pickled.is_file() and not safe.is_file()


def _explicit(folder: Path) -> str:
    """The weight file that config.json names, which goes before every other; "" where it names none."""
    path = folder / "config.json"
    try:
        config = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    except ValueError:
        return ""
    return str(config.get("transformers_weights") or "") if isinstance(config, dict) else ""


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


def _check_weights(folder: Path, name: str, config: dict[str, Any], allow_pickle: bool) -> None:
    if pickles_opened(folder):
        if not allow_pickle:
            raise ModelError(
                f"{name!r} has only pickled weights ({_first_pickle(folder)}), which can run code when "
                "opened. Convert them to safetensors, or add --allow-pickle if you trust their source."
            )
        return
    explicit = str(config.get("transformers_weights") or "")
    index = folder / (explicit if explicit.endswith(".index.json") else SAFE_WEIGHTS[1])
    if index.is_file():
        _check_shards(index, name)
    elif not (folder / (explicit or SAFE_WEIGHTS[0])).is_file():
        raise ModelError(
            f"{name!r} has no safetensors weights ({explicit or SAFE_WEIGHTS[0]}). Copy them into the "
            "folder; for a hub model with pickled weights only, add --allow-pickle if you trust its source."
        )


def _first_pickle(folder: Path) -> str:
    if _explicit(folder) and not _explicit(folder).endswith(SAFE_ENDS):
        return _explicit(folder)
    return next((file for file in PICKLED_WEIGHTS if (folder / file).is_file()), "adapter_model.bin")


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
