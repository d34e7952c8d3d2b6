"""Phantoms: test objects with known truth.

*Image phantoms* are generated pictures whose findings, places and nuisance factors are known to the pixel
(``data_names``). *Model phantoms* are small trained models with a planted flaw, and clean twins (``names``):
one base and an adapter for each flaw, and contrastive twins. Importing this package loads neither numpy nor
torch.
"""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medaudit.errors import ModelError, UsageError

if TYPE_CHECKING:
    from medaudit.phantoms.cases import Planted as Planted
    from medaudit.phantoms.cases import case_set as case_set
    from medaudit.phantoms.flaws import Flaw as Flaw
    from medaudit.phantoms.picture import Lesion as Lesion
    from medaudit.phantoms.picture import Picture as Picture
    from medaudit.phantoms.planting import plant as plant
    from medaudit.phantoms.rendering import render as render

_HOME = {
    "Flaw": "flaws",
    "Lesion": "picture",
    "Picture": "picture",
    "Planted": "cases",
    "case_set": "cases",
    "plant": "planting",
    "render": "rendering",
}
_PACKAGED = Path(__file__).with_name("checkpoints")
#: The model that adapters sit on.
BASE = "clean"

__all__ = [*sorted(_HOME), "adapter", "card", "checkpoint", "data_names", "matching_data", "names"]


def names() -> list[str]:
    """Model phantoms at hand, packaged and built, as in ``phantom:NAME`` for a model."""
    from medaudit.phantoms.cache import built

    packaged = [path.parent.name for path in _PACKAGED.glob("*/card.json")]
    return sorted({*packaged, *built()}, key=lambda name: (name != BASE, name.startswith("clip"), name))


def data_names() -> list[str]:
    """Image phantoms, as in ``phantom:NAME`` for data."""
    from medaudit.phantoms.cases import SETS

    return sorted(SETS)


def folder(name: str) -> Path:
    """Where a phantom's truth card and its own weights lie."""
    from medaudit.phantoms.cache import cache_folder

    for home in (_PACKAGED, cache_folder()):
        if (home / name / "card.json").is_file():
            return home / name
    flaw, _, seed = name.partition("@")
    if seed.isdecimal() and (_PACKAGED / flaw / "card.json").is_file():
        raise ModelError(
            f"phantom:{name} is not built yet. Type: medaudit phantoms build {flaw} --seed {seed}"
        )
    raise UsageError.unknown("model phantom", name, names())


def checkpoint(name: str) -> Path:
    """Model folder of a phantom, in the layout of transformers; that of the base for an adapter."""
    own = folder(name)
    return own if (own / "config.json").is_file() else folder(BASE)


def adapter(name: str) -> Path | None:
    """Folder of the LoRA adapter that holds the flaw, None where the phantom is a model of its own."""
    own = folder(name)
    return None if (own / "config.json").is_file() else own


def matching_data(name: str) -> str:
    """The image phantom on which a model phantom shows its flaw, or shows that it has none."""
    return str(card(name)["data"])


def card(name: str) -> dict[str, Any]:
    """Truth card: the planted flaw, its measured strength on fresh cases, and how to rebuild the weights."""
    found: dict[str, Any] = json.loads((folder(name) / "card.json").read_text())
    return found


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"medaudit.phantoms.{_HOME[name]}"), name)
    raise AttributeError(f"module 'medaudit.phantoms' has no attribute {name!r}")
