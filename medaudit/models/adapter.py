"""A PEFT adapter on top of a base model."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from medaudit.errors import ModelError


def check_adapter(folder: Path, *, allow_pickle: bool) -> None:
    """Refuse a folder that is no adapter, and one whose weights are pickled."""
    if find_spec("peft") is None:
        raise ModelError(f"--adapter {folder} needs peft. Type: pip install peft.")
    if not (folder / "adapter_config.json").is_file():
        raise ModelError(f"--adapter {folder}: no adapter_config.json there. Type an adapter's folder.")
    if not (folder / "adapter_model.safetensors").is_file():
        if not (folder / "adapter_model.bin").is_file():
            raise ModelError(f"--adapter {folder}: no adapter_model.safetensors there.")
        if not allow_pickle:
            raise ModelError(
                f"--adapter {folder} has only pickled weights (adapter_model.bin), which can run code when "
                "opened. Convert them, or add --allow-pickle if you trust their source."
            )


def attach(model: Any, folder: Path, *, merge: bool) -> Any:
    """Put the adapter on; merged into the weights unless the base is quantised."""
    import peft

    try:
        adapted = peft.PeftModel.from_pretrained(model, str(folder), local_files_only=True)
        # Merging keeps every layer an ordinary one, so scoring and hooks see the plain architecture.
        return adapted.merge_and_unload() if merge else adapted
    except (ValueError, RuntimeError, KeyError, OSError) as error:
        raise ModelError(
            f"--adapter {folder} does not fit this base model ({type(error).__name__}). "
            "Check base_model_name_or_path in its adapter_config.json."
        ) from error
