"""The one way in which phantoms reach transformers."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from medaudit.models.vision_ops import ensure_torchvision


def transformers() -> Any:
    """The module, untyped as its own constructors are, with torchvision made importable first."""
    ensure_torchvision()
    return import_module("transformers")
