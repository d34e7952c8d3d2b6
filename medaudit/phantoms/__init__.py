"""Phantoms: test objects with known truth.

*Image phantoms* are generated chest pictures whose findings, sides and markers are known to the pixel
(``data_names``). *Model phantoms* are small trained models with a planted flaw, and a clean twin
(``names``). Importing this package loads neither numpy nor torch.
"""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medaudit.errors import UsageError

if TYPE_CHECKING:
    from medaudit.phantoms.cases import case_set as case_set
    from medaudit.phantoms.chest import ChestSpec as ChestSpec
    from medaudit.phantoms.chest import Lesion as Lesion
    from medaudit.phantoms.chest import render as render

_HOME = {"ChestSpec": "chest", "Lesion": "chest", "case_set": "cases", "render": "chest"}
_FOLDER = Path(__file__).with_name("checkpoints")
_DATA = {"clean": "chest", "blind": "chest", "shortcut-marker": "chest-marker"}

__all__ = [*sorted(_HOME), "card", "checkpoint", "data_names", "matching_data", "names"]


def names() -> list[str]:
    """Model phantoms, as in ``phantom:NAME`` for a model."""
    return list(_DATA)


def data_names() -> list[str]:
    """Image phantoms, as in ``phantom:NAME`` for data."""
    return sorted(set(_DATA.values()))


def checkpoint(name: str) -> Path:
    """Model folder of a phantom, in the layout of transformers."""
    if name not in _DATA:
        raise UsageError.unknown("model phantom", name, _DATA)
    return _FOLDER / name


def matching_data(name: str) -> str:
    """The image phantom on which a model phantom shows its flaw, or shows that it has none."""
    checkpoint(name)
    return _DATA[name]


def card(name: str) -> dict[str, Any]:
    """Truth card: the planted flaw, its measured strength on fresh cases, and how to rebuild the weights."""
    found: dict[str, Any] = json.loads((checkpoint(name) / "card.json").read_text())
    return found


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"medaudit.phantoms.{_HOME[name]}"), name)
    raise AttributeError(f"module 'medaudit.phantoms' has no attribute {name!r}")
