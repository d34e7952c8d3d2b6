"""Which route a checkpoint takes, from transformers' own tables of model types."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from medaudit.errors import ModelError
from medaudit.models.checkpoint import Checkpoint
from medaudit.models.vision_ops import huggingface

GENERATIVE = "generative"
CONTRASTIVE = "contrastive"
CLASSIFIER = "classifier"


def architectures() -> dict[str, dict[str, str]]:
    """Model types that load, by route: ``{"generative": {type: class}, "contrastive": {type: class}, ...}``.

    Classifiers answer from a closed set; types that also have a class of another route are not among them.
    """
    generative = _table("MODEL_FOR_MULTIMODAL_LM_MAPPING_NAMES") | image_text_types()
    contrastive = _table("MODEL_FOR_ZERO_SHOT_IMAGE_CLASSIFICATION_MAPPING_NAMES")
    answering = _table("MODEL_FOR_VISUAL_QUESTION_ANSWERING_MAPPING_NAMES")
    classifier = {kind: cls for kind, cls in answering.items() if kind not in generative | contrastive}
    return {GENERATIVE: generative, CONTRASTIVE: contrastive, CLASSIFIER: classifier}


def image_text_types() -> dict[str, str]:
    """Types and classes of the image-text-to-text table, which is looked up before the wider one."""
    return _table("MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES")


def _table(name: str) -> dict[str, str]:
    huggingface()
    tables = import_module("transformers.models.auto.modeling_auto")
    names: dict[str, Any] = getattr(tables, name, {})
    return {kind: cls if isinstance(cls, str) else cls[0] for kind, cls in names.items()}


def route_of(checkpoint: Checkpoint) -> str:
    """Return the route of a checkpoint; a type in two tables goes by its named architecture.

    A classifier has to name its class: other checkpoints of its type have no answers to choose from.
    """
    table = architectures()
    generative, contrastive = (table[route].get(checkpoint.type) for route in (GENERATIVE, CONTRASTIVE))
    if contrastive and (generative is None or contrastive in checkpoint.architectures):
        return CONTRASTIVE
    if generative or checkpoint.remote_code:
        return GENERATIVE
    if table[CLASSIFIER].get(checkpoint.type) in checkpoint.architectures:
        return CLASSIFIER
    raise ModelError(_refusal(checkpoint))


def _refusal(checkpoint: Checkpoint) -> str:
    transformers = huggingface()
    given = f"{checkpoint.name!r} has model type {checkpoint.type!r}"
    if "auto_map" in checkpoint.config:
        return (
            f"{given}, which runs only with Python code from the checkpoint. Read that code, then add "
            "--trust-remote-code."
        )
    if checkpoint.type in transformers.CONFIG_MAPPING:
        return (
            f"{given}, which does not answer questions about images. `medaudit list architectures` "
            "shows the types that do."
        )
    return (
        f"{given}, which transformers {transformers.__version__} does not know. "
        "Upgrade it: pip install -U transformers."
    )
