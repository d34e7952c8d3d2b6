"""Two checkpoints of one architecture become one: their weights, interpolated.

Tensor by tensor, with weight ``w`` in [0, 1]::

    merged = (1 - w) * model + w * other        computed in float32, kept in the wider of the two dtypes

``w = 0`` is the model and ``w = 1`` the other, bit for bit. Between a base model and its fine-tuned child,
the curve over ``w`` shows what fine-tuning gained and what it cost.

Reference: M. Wortsman et al., Robust fine-tuning of zero-shot models (WiSE-FT), CVPR 2022, arXiv 2109.01903.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from medaudit.errors import ModelError, UsageError
from medaudit.model import LoadOptions
from medaudit.models.checkpoint import Checkpoint, missing_parts, pickles_opened, weight_files
from medaudit.models.merging_fit import check_fit

#: What is never needed beside the mixture.
_HEAVY = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".gguf", ".h5", ".msgpack", ".onnx")


@dataclass(frozen=True)
class Merge:
    """What is mixed in: a checkpoint folder, and its share of the weights."""

    folder: Path
    weight: float


def wanted_merge(options: LoadOptions) -> Merge | None:
    """The merge that the options ask for, or None.

    Raises :class:`UsageError` for half a merge or a weight outside [0, 1].
    """
    if options.merge is None and options.merge_weight is None:
        return None
    if options.merge is None or options.merge_weight is None:
        raise UsageError("--merge FOLDER and --merge-weight W go together. Give both, or neither.")
    if not 0 <= options.merge_weight <= 1:
        raise UsageError(f"--merge-weight {options.merge_weight}: give a number from 0 to 1.")
    return Merge(Path(options.merge).expanduser(), float(options.merge_weight))


@contextmanager
def merged(checkpoint: Checkpoint, merge: Merge) -> Iterator[Checkpoint]:
    """Yield a checkpoint whose weights are the mixture; its folder is temporary.

    The mixture is written to disk in the files of the model, one tensor at a time, so that memory never holds
    two models. Raises :class:`ModelError` that names the first tensor that keeps the two from being mixed.
    """
    _check_readable(checkpoint, merge)
    check_fit(checkpoint, merge.folder)
    with TemporaryDirectory(prefix="medaudit-merge-", ignore_cleanup_errors=True) as place:
        folder = Path(place)
        files = weight_files(checkpoint.folder)
        _check_space(files, folder)
        _copy_rest(checkpoint.folder, folder, {file.name for file in files})
        with ExitStack() as stack:
            other = _Tensors(weight_files(merge.folder), stack)
            for file in files:
                _write_mixture(file, other, merge.weight, folder / file.name)
        yield replace(checkpoint, folder=folder)


def _check_readable(checkpoint: Checkpoint, merge: Merge) -> None:
    if not merge.folder.is_dir():
        raise ModelError(f"--merge {merge.folder}: no such folder. Type a folder written by save_pretrained.")
    lacking = missing_parts(merge.folder, allow_pickle=False, weights_only=True)
    if lacking:
        raise ModelError(f"--merge {merge.folder} {'; '.join(lack.what for lack in lacking)}.")
    if pickles_opened(checkpoint.folder):
        raise ModelError(
            f"{checkpoint.name!r}: pickled weights cannot be merged. Convert them to safetensors."
        )


def _check_space(files: list[Path], folder: Path) -> None:
    needed, free = sum(file.stat().st_size for file in files), shutil.disk_usage(folder).free
    if needed > free:
        raise ModelError(
            f"Merging needs {needed / 2**30:.1f} GiB in {folder.parent}, where {free / 2**30:.1f} GiB are "
            "free. Set TMPDIR to a larger disk."
        )


def _copy_rest(source: Path, target: Path, weights: set[str]) -> None:
    """Everything of the model that is no weight, down to its code; never an adapter's files."""
    for path in source.iterdir():
        if path.name in weights or path.name.startswith((".", "adapter_")) or path.suffix in _HEAVY:
            continue
        if path.is_file():
            shutil.copy2(path, target / path.name)
        else:
            heavy = shutil.ignore_patterns(".*", *(f"*{suffix}" for suffix in _HEAVY))
            shutil.copytree(path, target / path.name, ignore=heavy)


class _Tensors:
    """Tensors by name over all shards of a folder, each read when it is asked for."""

    def __init__(self, files: list[Path], stack: ExitStack) -> None:
        from safetensors import safe_open

        self._owner: dict[str, Any] = {}
        for file in files:
            opened = stack.enter_context(safe_open(file, framework="pt"))
            self._owner.update(dict.fromkeys(opened.keys(), opened))

    def __getitem__(self, name: str) -> Any:
        return self._owner[name].get_tensor(name)


def _write_mixture(file: Path, other: _Tensors, weight: float, target: Path) -> None:
    from safetensors import safe_open
    from safetensors.torch import save_file

    with safe_open(file, framework="pt") as own:
        mixture = {name: mixed(own.get_tensor(name), other[name], weight, name) for name in own.keys()}  # noqa: SIM118
        metadata = own.metadata() or {"format": "pt"}
    save_file(mixture, target, metadata=metadata)


def mixed(own: Any, other: Any, weight: float, name: str) -> Any:
    """One tensor of the mixture. Raises :class:`ModelError` where buffers of whole numbers differ."""
    import torch

    if not own.is_floating_point():
        if not torch.equal(own, other):
            raise ModelError(
                f"--merge: {name} holds whole numbers and differs, so it cannot be interpolated."
            )
        return own
    kept = torch.promote_types(own.dtype, other.dtype)
    # The ends are copied: 0 * inf is not 0, and rounding has no place there.
    if weight in (0, 1):
        return (own if weight == 0 else other).to(kept).contiguous()
    wide = torch.promote_types(kept, torch.float32)
    return ((1 - weight) * own.to(wide) + weight * other.to(wide)).to(kept).contiguous()
