"""A vision model of the user's own as the reference for *looks different*."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit.errors import ModelError
from medaudit.mining.reference import distinct

if TYPE_CHECKING:
    from medaudit.image import Image
    from medaudit.mining.vectors import Units

#: Pictures in one pass.
BATCH = 32
ADVICE = "Name the folder of a vision model with safetensors weights, or leave `reference` empty."


@dataclass(frozen=True)
class Encoder:
    """A vision tower in evaluation mode, what prepares its pictures, and what a finding says of it."""

    tower: Any
    processor: Any
    record: dict[str, str]

    def vectors(self, images: Sequence[Image]) -> Units:
        """One row per picture, ``(n, d) float32``: the mean of the tower's last states over tokens or places.

        The mean, since a pooler is often untrained in published checkpoints, and not every tower has a class
        token. Pictures of equal digest are encoded once; a row depends on its own picture alone.
        """
        pictures, places = distinct(images)
        return np.concatenate(list(self._passes(pictures)))[places] if pictures else np.empty((0, 0), "f4")

    def _passes(self, images: Sequence[Image]) -> Iterator[Units]:
        import torch
        from PIL import Image as Pillow

        for start in range(0, len(images), BATCH):
            pictures = [Pillow.fromarray(image.pixels()) for image in images[start : start + BATCH]]
            given = self.processor(images=pictures, return_tensors="pt")
            with torch.inference_mode():
                states = self.tower(pixel_values=given["pixel_values"].float()).last_hidden_state
            # (b, tokens, d), or (b, d, h, w) of a convolutional tower.
            axes = (2, 3) if states.ndim == 4 else (1,)
            yield np.asarray(states.mean(dim=axes), dtype=np.float32)


def load_encoder(name: str) -> Encoder:
    """Load the vision tower of a checkpoint: a local folder, or a Hugging Face id in the local cache.

    Vision models (ViT, DINOv2, ConvNeXt, ...) and the vision half of a contrastive model (CLIP, SigLIP).
    Nothing is fetched, no code of the checkpoint runs, and only safetensors are opened. ModelError where the
    folder is missing, holds no vision tower, only pickled weights, or lacks some of the tower's weights:
    parts drawn at random would be no reference.
    """
    if find_spec("torch") is None or find_spec("transformers") is None:
        raise ModelError("A reference encoder needs torch and transformers: pip install 'medaudit[hf]'.")
    from medaudit.models.checkpoint import PROCESSOR_FILES, missing_parts
    from medaudit.models.fingerprint import checkpoint_files, fingerprint

    folder = _folder(name)
    lacking = missing_parts(folder, allow_pickle=False, weights_only=True)
    if not any((folder / file).is_file() for file in PROCESSOR_FILES):
        raise ModelError(f"reference = {name!r} has no preprocessor_config.json. {ADVICE}")
    if lacking:
        raise ModelError(f"reference = {name!r} {lacking[0].what}. {ADVICE}")
    tower, processor = _opened(folder, name)
    record = {
        "encoder": folder.name if Path(name).is_dir() else name,
        "model_type": str(tower.config.model_type),
        "pooling": "mean of the last states",
        "fingerprint": fingerprint(checkpoint_files(folder), {"pooling": "mean"}),
    }
    return Encoder(tower, processor, record)


def _folder(name: str) -> Path:
    if Path(name).is_dir():
        return Path(name)
    hub: Any = importlib.import_module("huggingface_hub")
    try:
        return Path(hub.snapshot_download(name, local_files_only=True))
    except (OSError, ValueError, hub.errors.HfHubHTTPError) as error:
        raise ModelError(
            f"reference = {name!r}: no such folder, and no such model in the local cache (nothing is "
            f"fetched). {ADVICE}"
        ) from error


def _opened(folder: Path, name: str) -> tuple[Any, Any]:
    from medaudit.models.quiet import quiet_loading
    from medaudit.models.vision_ops import huggingface

    transformers = huggingface()
    try:
        with quiet_loading(offline=True):
            network, told = transformers.AutoModel.from_pretrained(
                folder, use_safetensors=True, local_files_only=True, output_loading_info=True
            )
            processor = transformers.AutoImageProcessor.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise ModelError(
            f"reference = {name!r} does not load as a vision model ({type(error).__name__}). {ADVICE}"
        ) from error
    path, tower = _tower(network)
    if tower is None:
        kind = network.config.model_type
        raise ModelError(f"reference = {name!r} is a model of type {kind!r} without a vision tower. {ADVICE}")
    own = [key for key in told["missing_keys"] if key.startswith(path) and "pooler" not in key]
    if own or told.get("mismatched_keys"):
        raise ModelError(
            f"reference = {name!r} lacks {len(own) or 'fitting'} weights of its vision tower"
            f"{f' ({own[0]}, ...)' if own else ''}. {ADVICE}"
        )
    return tower.float().eval(), processor


def _tower(network: Any) -> tuple[str, Any]:
    """The path of the part that reads pixels alone, and that part."""
    import inspect

    for path in ("", "vision_model", "vision_tower", "visual"):
        part = getattr(network, path, None) if path else network
        if part is None:
            continue
        taken = inspect.signature(part.forward).parameters
        if "pixel_values" in taken and "input_ids" not in taken:
            return path, part
    return "", None
