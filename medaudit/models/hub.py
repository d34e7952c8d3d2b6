"""A Hugging Face id becomes a local folder: the only place where loading may use the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from medaudit.errors import ModelError
from medaudit.model import LoadOptions
from medaudit.models.quiet import quiet_loading

UNUSED = ["*.h5", "*.msgpack", "*.onnx", "*.ot", "*.gguf", "*.tflite", "original/*", "onnx/*", "*.md", ".*"]
PICKLED = ["*.bin", "*.pt", "*.pth", "*.ckpt"]


def download(model_id: str, options: LoadOptions) -> tuple[Path, str]:
    """Return the snapshot folder of a model id and its commit; taken from the local cache where it is there.

    Pickled weights are not even fetched unless ``allow_pickle`` says so.
    """
    hub: Any = __import__("huggingface_hub")
    unwanted = UNUSED if options.allow_pickle else [*UNUSED, *PICKLED]
    try:
        with quiet_loading(offline=False):
            folder = hub.snapshot_download(
                model_id, revision=options.revision, ignore_patterns=unwanted, etag_timeout=10
            )
    except (OSError, ValueError, hub.errors.HfHubHTTPError) as error:
        raise ModelError(
            f"{model_id!r} is neither a local folder nor a Hugging Face model that could be reached "
            f"({_reason(error)}). Type the path of a folder, or check the id, the revision and the network."
        ) from error
    return Path(folder), Path(folder).name


def _reason(error: Exception) -> str:
    name = type(error).__name__
    known = {
        "LocalEntryNotFoundError": "no network, and not in the local cache",
        "OfflineModeIsEnabled": "offline mode, and not in the local cache",
        "RepositoryNotFoundError": "no such model, or it needs a login: `hf auth login`",
        "GatedRepoError": "access must be granted on its page, then `hf auth login`",
        "RevisionNotFoundError": "no such revision",
    }
    return known.get(name, name)
