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
#: A message names so many lost files at most.
_NAMED = 6


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


@dataclass(frozen=True)
class Lack:
    """A part that a folder lacks: ``what`` follows the folder's name in a message, then ``advice``."""

    what: str
    advice: str


def read_checkpoint(folder: Path, name: str, options: LoadOptions) -> Checkpoint:
    """Check a folder: configuration, weights that are safe to open, processor, tokenizer.

    ``name`` is what the user typed; it stands in every message. Raises :class:`ModelError` that names every
    part that is missing, not the first one only.
    """
    if (folder / "adapter_config.json").is_file() and not (folder / "config.json").is_file():
        raise ModelError(
            f"{name!r} holds an adapter, not a model. Type the base model, and --adapter {name}."
        )
    lacking = missing_parts(folder, allow_pickle=options.allow_pickle)
    if lacking:
        raise ModelError(f"{name!r} {_joined(lacking)}")
    config = _config(folder, name)
    remote_code = options.trust_remote_code and "auto_map" in config
    return Checkpoint(folder, name, config, remote_code, options.allow_pickle)


def missing_parts(folder: Path, *, allow_pickle: bool, weights_only: bool = False) -> list[Lack]:
    """Everything that keeps ``folder`` from being loaded, in the order config, weights, processor, tokenizer.

    ``weights_only`` asks for configuration and weights alone, as for the second folder of a merge.
    """
    found = [_lost_config(folder), lost_weights(folder, allow_pickle=allow_pickle)]
    if not weights_only:
        found += [_lost_processor(folder), _lost_tokenizer(folder)]
    return [lack for lack in found if lack is not None]


def _joined(lacking: list[Lack]) -> str:
    if len(lacking) == 1:
        return f"{lacking[0].what}. {lacking[0].advice}"
    return f"{'; '.join(lack.what for lack in lacking)}. Copy or download what is missing, or save it again."


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


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files that a loader opens, sorted; they may be missing.

    Raises ValueError, KeyError, AttributeError or OSError where the index is damaged.
    """
    explicit = _explicit(folder)
    index = folder / (explicit if explicit.endswith(".index.json") else SAFE_WEIGHTS[1])
    single = folder / (explicit or SAFE_WEIGHTS[0])
    # A single file goes before an index, as it does for the loader.
    if not index.is_file() or (not explicit and single.is_file()):
        return [single]
    shards = set(json.loads(index.read_text("utf-8"))["weight_map"].values())
    return sorted(index.parent / str(shard) for shard in shards)


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


def _lost_config(folder: Path) -> Lack | None:
    if (folder / "config.json").is_file():
        return None
    return Lack("has no config.json", "Type a folder written by save_pretrained.")


def _config(folder: Path, name: str) -> dict[str, Any]:
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except (ValueError, OSError) as error:
        raise ModelError(f"{name!r}: config.json is not JSON. Write the checkpoint again.") from error
    if not isinstance(config, dict) or not config.get("model_type"):
        raise ModelError(f"{name!r}: config.json names no model_type. Write the checkpoint again.")
    return config


def lost_weights(folder: Path, *, allow_pickle: bool) -> Lack | None:
    """What is wrong with the weight files, or None."""
    if pickles_opened(folder):
        if allow_pickle:
            return None
        return Lack(
            f"has only pickled weights ({_first_pickle(folder)}), which can run code when opened",
            "Convert them to safetensors, or add --allow-pickle if you trust their source.",
        )
    try:
        files = weight_files(folder)
    except (ValueError, KeyError, AttributeError, OSError):
        return Lack("has a damaged index of its weight files", "Write the checkpoint again.")
    lost = [file.name for file in files if not file.is_file()]
    if not lost:
        return None
    if len(files) == 1 and not _indexed(folder):
        return Lack(
            f"has no safetensors weights ({lost[0]})",
            "Copy them into the folder; for a hub model with pickled weights only, add --allow-pickle if you "
            "trust its source.",
        )
    named = ", ".join(lost[:_NAMED]) + (", ..." if len(lost) > _NAMED else "")
    return Lack(
        f"lacks {len(lost)} of {len(files)} weight files: {named}", "Copy or download them into the folder."
    )


def _indexed(folder: Path) -> bool:
    return (folder / SAFE_WEIGHTS[1]).is_file() or _explicit(folder).endswith(".index.json")


def _first_pickle(folder: Path) -> str:
    if _explicit(folder) and not _explicit(folder).endswith(SAFE_ENDS):
        return _explicit(folder)
    return next((file for file in PICKLED_WEIGHTS if (folder / file).is_file()), "adapter_model.bin")


def _lost_processor(folder: Path) -> Lack | None:
    if any((folder / file).is_file() for file in PROCESSOR_FILES):
        return None
    return Lack(
        "has no processor (preprocessor_config.json or processor_config.json)",
        "Copy it from the base model, or call save_pretrained of its AutoProcessor on the folder.",
    )


def _lost_tokenizer(folder: Path) -> Lack | None:
    if any((folder / file).is_file() for file in TOKENIZER_FILES):
        return None
    return Lack(
        "has no tokenizer (tokenizer.json or tokenizer_config.json)",
        "Copy it from the base model, or call save_pretrained of its tokenizer on the folder.",
    )
