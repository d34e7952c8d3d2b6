"""A Hugging Face id becomes a local folder: the only place where loading may use the network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from medaudit.errors import ModelError
from medaudit.model import LoadOptions
from medaudit.models.checkpoint import PROCESSOR_FILES, TOKENIZER_FILES, missing_parts, weight_files
from medaudit.models.quiet import quiet_loading

UNUSED = ["*.h5", "*.msgpack", "*.onnx", "*.ot", "*.gguf", "*.tflite", "original/*", "onnx/*", "*.md", ".*"]
PICKLED = ["*.bin", "*.pt", "*.pth", "*.ckpt"]


def download(model_id: str, options: LoadOptions) -> tuple[Path, str]:
    """Return the snapshot folder of a model id and its commit; taken from the local cache where it is there.

    Pickled weights are not even fetched unless ``allow_pickle`` says so. Raises :class:`ModelError`; where
    the network is what fails, it says which parts of the model the local cache holds and which it lacks.
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
            f"({_reason(error)}). {_advice(error, model_id, options)}"
        ) from error
    return Path(folder), Path(folder).name


def _reason(error: Exception) -> str:
    name = type(error).__name__
    known = {
        "LocalEntryNotFoundError": "no network, and not in the local cache",
        "IncompleteSnapshotError": "no network, and the local cache holds a part of it only",
        "OfflineModeIsEnabled": "offline mode, and not in the local cache",
        "RepositoryNotFoundError": "no such model, or it needs a login: `hf auth login`",
        "GatedRepoError": "access must be granted on its page, then `hf auth login`",
        "RevisionNotFoundError": "no such revision",
    }
    if (
        isinstance(error.__cause__, BaseException)
        and type(error.__cause__).__name__ == "OfflineModeIsEnabled"
    ):
        return known.get(name, name).replace("no network", "offline mode")
    return known.get(name, name)


def _advice(error: Exception, model_id: str, options: LoadOptions) -> str:
    if type(error).__name__ not in {
        "LocalEntryNotFoundError", "IncompleteSnapshotError", "OfflineModeIsEnabled",
    }:  # fmt: skip
        return "Type the path of a folder, or check the id, the revision and the network."
    snapshot = getattr(error, "snapshot_path", None)
    folder = Path(snapshot) if snapshot else _cached(model_id, options.revision)
    return (
        f"{_inventory(folder, allow_pickle=options.allow_pickle)} Type the path of a folder, or run "
        f"`hf download {model_id}` where there is a network."
    )


def _cached(model_id: str, revision: str | None) -> Path | None:
    """The newest snapshot folder of a model in the local cache; of ``revision`` where one is named."""
    from huggingface_hub import constants

    home = Path(constants.HF_HUB_CACHE) / f"models--{model_id.replace('/', '--')}"
    named = home / "refs" / (revision or "main")
    commit = named.read_text("utf-8").strip() if named.is_file() else revision
    if commit and (home / "snapshots" / commit).is_dir():
        return home / "snapshots" / commit
    if revision is not None:
        return None
    found = [folder for folder in home.glob("snapshots/*") if folder.is_dir()]
    return max(found, key=lambda folder: folder.stat().st_mtime, default=None)


def _inventory(folder: Path | None, *, allow_pickle: bool) -> str:
    """Which parts a cached snapshot holds, and which it lacks, in one sentence."""
    if folder is None or not any(folder.iterdir()):
        return "The local cache lacks config, weights, processor and tokenizer."
    lacking = "; ".join(lack.what for lack in missing_parts(folder, allow_pickle=allow_pickle))
    held = ", ".join(_held(folder))
    return f"The local cache holds {held or 'no part of use'}; it {lacking or 'lacks files of the listing'}."


def _held(folder: Path) -> list[str]:
    held = ["config"] if (folder / "config.json").is_file() else []
    try:
        files = weight_files(folder)
    except (ValueError, KeyError, AttributeError, OSError):
        files = []
    there = sum(file.is_file() for file in files)
    if there:
        held.append("weights" if there == len(files) else f"{there} of {len(files)} weight files")
    parts = {"processor": PROCESSOR_FILES, "tokenizer": TOKENIZER_FILES}
    return held + [part for part, names in parts.items() if any((folder / name).is_file() for name in names)]
