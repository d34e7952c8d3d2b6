"""Load a checkpoint folder as a generative or a contrastive model."""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medaudit.errors import ModelError
from medaudit.model import LoadOptions
from medaudit.models.adapter import attach, check_adapter
from medaudit.models.both_ways import NOTE as BOTH_WAYS
from medaudit.models.both_ways import look_both_ways
from medaudit.models.checkpoint import Checkpoint, read_checkpoint
from medaudit.models.decoder_prompts import DRAWN, draws_questions
from medaudit.models.fingerprint import File, checkpoint_files, fingerprint
from medaudit.models.inside import inner_config, unwrapped, wrapping_class
from medaudit.models.merging import Merge, merged, wanted_merge
from medaudit.models.one_by_one import ALONE, ONE_BY_ONE
from medaudit.models.readers import reader
from medaudit.models.vision_ops import huggingface
from medaudit.models.wording import wording

if TYPE_CHECKING:
    from medaudit.model import Model

#: Begins the note of a model that runs on weights which nobody trained; ``medaudit check`` looks for it.
NOT_LOADED = "WEIGHTS NOT LOADED"


@dataclass(frozen=True)
class Parts:
    """What a route needs to build a model; ``settings`` are those that decide an answer."""

    network: Any
    processor: Any
    name: str
    files: tuple[File, ...]
    settings: dict[str, Any]
    device: str
    dtype: str
    revision: str | None
    notes: tuple[str, ...]

    @property
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.network.parameters())

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.files, self.settings)


def load_folder(folder: Path, name: str, options: LoadOptions, *, revision: str | None = None) -> Model:
    """Load the checkpoint in ``folder``, shown as ``name``. No request leaves this machine."""
    wanted_merge(options)  # a mistyped option should show before files are read
    checkpoint = read_checkpoint(folder, name, options)
    if find_spec("torch") is None or find_spec("transformers") is None:
        raise ModelError('Local models need torch and transformers. Type: pip install "medaudit[hf]".')
    if options.adapter:
        check_adapter(Path(options.adapter), allow_pickle=options.allow_pickle)
    from medaudit.models.routes import CLASSIFIER, CONTRASTIVE, route_of

    route = route_of(checkpoint)
    parts = _load_parts(checkpoint, route, options, revision)
    if route == CONTRASTIVE:
        from medaudit.models.contrastive import ContrastiveModel

        return ContrastiveModel(parts)
    if route == CLASSIFIER:
        from medaudit.models.classifier import ClassifierModel

        return ClassifierModel(parts)
    from medaudit.models.generative import GenerativeModel

    return GenerativeModel(parts)


def _load_parts(checkpoint: Checkpoint, route: str, options: LoadOptions, revision: str | None) -> Parts:
    from medaudit.models.placement import choose_device, choose_dtype, input_device, placing
    from medaudit.models.routes import CONTRASTIVE

    device = choose_device(options.device)
    dtype = choose_dtype(options.dtype, device, checkpoint.config)
    placed, merge = placing(options, device), wanted_merge(options)
    with merged(checkpoint, merge) if merge else nullcontext(checkpoint) as source:
        network, processor, notes = _opened(source, route, options, dtype, placed)
    device = input_device(network, device)
    if not placed:
        network = network.to(device)
    settings: dict[str, Any] = {
        "dtype": dtype,
        "quantize": options.quantize,
        "route": route,
        "decoding": "greedy",
    }
    settings["wording"] = wording(contrastive=route == CONTRASTIVE)
    if merge:
        settings["merge_weight"] = merge.weight
        notes.append(f"weights: {1 - merge.weight:g} of the model, {merge.weight:g} of {merge.folder.name}")
    if route != CONTRASTIVE and checkpoint.type in ONE_BY_ONE:
        settings["one_by_one"] = True
        notes.append(f"{ALONE}: {ONE_BY_ONE[checkpoint.type]}")
    if look_both_ways(network):
        settings["image_attention"] = "both ways"
        notes.append(BOTH_WAYS)
    if draws_questions(processor):
        notes.append(DRAWN)
    files = _files(checkpoint, options, merge)
    return Parts(
        network.eval(), processor, checkpoint.name, files, settings, device, dtype, revision, tuple(notes)
    )


def _opened(
    source: Checkpoint, route: str, options: LoadOptions, dtype: str, placed: dict[str, Any]
) -> tuple[Any, Any, list[str]]:
    """Network, processor and notes on what was not in the files."""
    from medaudit.models.quiet import quiet_loading

    with quiet_loading(offline=True) as caught:
        processor = _processor(source)
        network, notes = _network(source, route, dtype, placed)
        if options.adapter:
            network = attach(network, Path(options.adapter), merge=options.quantize == "none")
            notes += _adapter_notes(caught)
    return network, processor, notes


def _files(checkpoint: Checkpoint, options: LoadOptions, merge: Merge | None) -> tuple[File, ...]:
    files = checkpoint_files(checkpoint.folder)
    if options.adapter:
        files += checkpoint_files(Path(options.adapter), "adapter/")
    if merge:
        files += checkpoint_files(merge.folder, "merge/")
    return files


def _processor(checkpoint: Checkpoint) -> Any:
    try:
        return reader(
            huggingface().AutoProcessor.from_pretrained(
                checkpoint.folder, local_files_only=True, trust_remote_code=checkpoint.remote_code
            )
        )
    except Exception as error:  # processors raise anything on a folder with a part missing
        raise ModelError(
            f"{checkpoint.name!r}: its processor does not load ({_short(error)}). Copy the processor and "
            "tokenizer files from the base model."
        ) from error


def _network(checkpoint: Checkpoint, route: str, dtype: str, placed: dict[str, Any]) -> tuple[Any, list[str]]:
    import torch

    try:
        network, report = _auto_class(checkpoint, route).from_pretrained(
            checkpoint.folder,
            dtype=getattr(torch, dtype),
            local_files_only=True,
            trust_remote_code=checkpoint.remote_code,
            use_safetensors=None if checkpoint.allow_pickle else True,
            output_loading_info=True,
            **inner_config(checkpoint),
            **placed,
        )
    except Exception as error:  # damaged files raise anything, down to the reader of safetensors
        raise ModelError(
            f"{checkpoint.name!r}: its weights do not load ({_short(error)}). Write or download the "
            "checkpoint again."
        ) from error
    network = unwrapped(checkpoint.type, network)
    missing = sorted(report.get("missing_keys", ()))
    if not missing:
        return network, []
    return network, [
        f"{NOT_LOADED}: {len(missing)} tensors are not in the checkpoint and hold random numbers, "
        f"such as {missing[0]}. Answers mean nothing."
    ]


def _auto_class(checkpoint: Checkpoint, route: str) -> Any:
    from medaudit.models.routes import CLASSIFIER, CONTRASTIVE, image_text_types

    transformers, wrapping = huggingface(), wrapping_class(checkpoint.type)
    if wrapping is not None:
        return wrapping
    if route == CONTRASTIVE:
        return transformers.AutoModelForZeroShotImageClassification
    if route == CLASSIFIER:
        return transformers.AutoModelForVisualQuestionAnswering
    if checkpoint.type in image_text_types() or not hasattr(transformers, "AutoModelForMultimodalLM"):
        return transformers.AutoModelForImageTextToText
    return transformers.AutoModelForMultimodalLM


def _adapter_notes(caught: list[warnings.WarningMessage]) -> list[str]:
    lost = [str(item.message) for item in caught if "missing adapter keys" in str(item.message)]
    return [f"{NOT_LOADED}: the adapter lacks tensors that it declares."] if lost else []


def _short(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:160]}" if lines else type(error).__name__
