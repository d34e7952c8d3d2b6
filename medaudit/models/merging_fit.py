"""Whether two checkpoint folders hold the same architecture and the same vocabulary."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from medaudit.errors import ModelError
from medaudit.models.checkpoint import Checkpoint, weight_files

#: Settings that a checkpoint may write differently without being another architecture.
_FREE = {
    "transformers_version", "dtype", "torch_dtype", "_name_or_path", "use_cache", "initializer_range",
    "initializer_factor", "architectures", "_attn_implementation", "attn_implementation", "id2label",
    "label2id", "problem_type", "return_dict", "output_attentions", "output_hidden_states",
}  # fmt: skip
_FREE_ENDS = ("_token_id", "dropout", "_dropout_rate", "drop_path_rate")
#: Tensors that can be interpolated, by the names that safetensors gives dtypes.
_MIXED = {"F16", "BF16", "F32", "F64"}
_WHOLE = {"BOOL", "U8", "I8", "U16", "I16", "U32", "I32", "U64", "I64"}


def check_fit(checkpoint: Checkpoint, folder: Path) -> None:
    """Raise :class:`ModelError` that names the first difference: type, setting, vocabulary or tensor.

    Only headers are read, so a misfit shows before gigabytes are.
    """
    refusal = _config_misfit(checkpoint, folder) or _vocabulary_misfit(checkpoint.folder, folder)
    refusal = refusal or _tensor_misfit(shapes(checkpoint.folder), shapes(folder))
    if refusal:
        raise ModelError(f"--merge {folder} does not fit {checkpoint.name!r}: {refusal}.")


def shapes(folder: Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    """(dtype, shape) of every tensor in a folder's weight files, from their headers."""
    found: dict[str, tuple[str, tuple[int, ...]]] = {}
    for file in weight_files(folder):
        found.update(_header(file))
    return dict(sorted(found.items()))


def _header(file: Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    try:
        with file.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > file.stat().st_size:
                raise ValueError("longer than the file")
            header = json.loads(stream.read(length))
        header.pop("__metadata__", None)
    except (ValueError, OSError, struct.error) as error:
        raise ModelError(
            f"{file}: not a safetensors file. Write or download the checkpoint again."
        ) from error
    return {name: (entry["dtype"], tuple(entry["shape"])) for name, entry in header.items()}


def _config_misfit(checkpoint: Checkpoint, folder: Path) -> str:
    try:
        other = json.loads((folder / "config.json").read_text("utf-8"))
    except (ValueError, OSError):
        return "its config.json is not JSON"
    kind = other.get("model_type") if isinstance(other, Mapping) else None
    if kind != checkpoint.type:
        return f"model type {kind!r}, where {checkpoint.type!r} is needed"
    named = tuple(other.get("architectures") or ())
    if named and checkpoint.architectures and named != checkpoint.architectures:
        return f"architecture {named[0]}, where {checkpoint.architectures[0]} is needed"
    ours, theirs = dict(_leaves(checkpoint.config)), dict(_leaves(other))
    changed = sorted(key for key in ours.keys() & theirs.keys() if ours[key] != theirs[key])
    return f"{changed[0]} differs in its config.json" if changed else ""


def _leaves(config: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        if key in _FREE or key.endswith(_FREE_ENDS):
            continue
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{before}{key}.")
        else:
            yield before + key, value


def _vocabulary_misfit(own: Path, other: Path) -> str:
    """Ids that stand for other texts; a folder without a tokenizer of its own is read with the model's."""
    ours, theirs = _vocabulary(own), _vocabulary(other)
    if ours is None or theirs is None or ours == theirs:
        return ""
    changed = [text for text in ours.keys() | theirs.keys() if ours.get(text) != theirs.get(text)]
    first = min(known[text] for known in (ours, theirs) for text in changed if text in known)
    return f"token {first} stands for another text in its tokenizer"


def _vocabulary(folder: Path) -> dict[str, int] | None:
    """Text to id, from tokenizer.json; None where there is none or it keeps its vocabulary another way."""
    try:
        table = json.loads((folder / "tokenizer.json").read_text("utf-8"))
        known = table["model"]["vocab"]
        texts = known if isinstance(known, dict) else {entry[0]: i for i, entry in enumerate(known)}
        return texts | {token["content"]: token["id"] for token in table.get("added_tokens", [])}
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None


def _tensor_misfit(
    ours: Mapping[str, tuple[str, tuple[int, ...]]], theirs: Mapping[str, tuple[str, tuple[int, ...]]]
) -> str:
    for name in sorted(ours.keys() | theirs.keys()):
        if name not in theirs:
            return f"it has no tensor {name}"
        if name not in ours:
            return f"it has a tensor more, {name}"
        (kind, shape), (other_kind, other_shape) = ours[name], theirs[name]
        if shape != other_shape:
            return f"{name} has shape {other_shape}, where {shape} is needed"
        floats, others = kind in _MIXED, other_kind in _MIXED
        if floats != others or not (floats or {kind, other_kind} <= _WHOLE):
            return f"{name} is kept as {other_kind} and {kind}, which cannot be interpolated"
    return ""
