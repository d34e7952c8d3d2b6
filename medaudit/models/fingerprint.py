"""Fingerprint of a local model: changes when any answer could change, and with nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from medaudit.models.checkpoint import pickles_opened

File = Mapping[str, str | int]

#: Raise it when the same checkpoint would answer differently because this package asks differently.
ROUTE_VERSION = "2"

_SUFFIXES = {".json", ".safetensors", ".txt", ".model", ".jinja", ".py", ".spm", ".tiktoken", ".bpe"}
_PICKLED = {".bin", ".pt", ".pth", ".ckpt"}
_TRAINING = {"trainer_state.json", "training_args.bin", "optimizer.pt", "scheduler.pt", "optimizer.bin"}
_PIECE = 1 << 22


def checkpoint_files(folder: Path, prefix: str = "") -> tuple[File, ...]:
    """Digest every file that decides an answer: ``{"path", "sha256", "size"}``, paths inside the folder.

    Pickled weights count only where loading opens them. Leftovers of training do not.
    """
    suffixes = _SUFFIXES | _PICKLED if pickles_opened(folder) else _SUFFIXES
    found = []
    for path in folder.rglob("*"):
        relative = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in relative.parts)
        if not hidden and path.suffix in suffixes and path.name not in _TRAINING and path.is_file():
            found.append((prefix + relative.as_posix(), path))
    return tuple(
        {"path": name, "sha256": sha256(path), "size": path.stat().st_size} for name, path in sorted(found)
    )


def sha256(path: Path) -> str:
    """Digest of a file of any size, read in pieces."""
    hasher = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            hasher.update(piece)
    return hasher.hexdigest()


def fingerprint(files: tuple[File, ...], settings: Mapping[str, object]) -> str:
    """sha256 over (path, digest) of every file and the settings that decide an answer, 64 hex digits."""
    parts = {
        "route": ROUTE_VERSION,
        "files": [[file["path"], file["sha256"]] for file in files],
        "settings": dict(settings),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
