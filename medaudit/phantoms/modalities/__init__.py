"""Kinds of picture, one file each: what a normal one shows, and what can be found in it."""

from __future__ import annotations

from functools import cache
from importlib import import_module

from medaudit.errors import UsageError
from medaudit.phantoms.modalities.base import Modality

NAMES = ("chest", "ct", "ultrasound", "dermoscopy", "histology", "fundus")


@cache
def modality(name: str) -> Modality:
    """The modality of this name; its file is imported on first use."""
    if name not in NAMES:
        raise UsageError.unknown("modality", name, NAMES)
    found: Modality = import_module(f"medaudit.phantoms.modalities.{name}").MODALITY
    return found
