"""What a kept result depends on: one that would come out otherwise today is made anew."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medaudit.model import ModelInfo
    from medaudit.registry import Probe, Shift

Parameters = Mapping[str, Mapping[str, Any]]


def identity(
    info: ModelInfo, probes: Mapping[str, Probe], parameters: Parameters | None = None, **more: Any
) -> dict[str, Any]:
    """Weights, pictures, shifts, probes, and what their rules look at; ``more`` is the caller's own.

    Not the margins: findings are the same under any, and are judged when they are read.
    """
    from medaudit.phantoms.picture import GENERATOR
    from medaudit.registry import available
    from medaudit.shifting import library_versions

    found = {
        "model": info.fingerprint,
        "pictures": GENERATOR,
        "shifts": {name: _of(shift) for name, shift in available("shift").items() if _laid_on(shift)},
        "libraries": library_versions(),
        "probes": {name: probe.version for name, probe in probes.items()},
        "rules": [
            [name, rule.metric, rule.keys, rule.measure, rule.among]
            for name, probe in probes.items()
            for rule in probe.alarms
        ],
        "parameters": dict(parameters or {}),
        **more,
    }
    # As it will be read back: tuples are lists in a file.
    plain: dict[str, Any] = json.loads(json.dumps(found))
    return plain


def _laid_on(shift: Shift) -> bool:
    """By an audit that names no shift."""
    return shift.default and shift.preserves_label


def _of(shift: Shift) -> str | list[Any]:
    return [shift.version, dict(shift.doses)] if shift.doses else shift.version


def kept(path: Path, wanted: Mapping[str, Any]) -> dict[str, Any] | None:
    """The content of a file that was written for the same identity; None for any other, or none."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(document, dict) or document.get("identity") != wanted:
        return None
    return document


def keep(path: Path, wanted: Mapping[str, Any], content: Mapping[str, Any]) -> None:
    """Write content under its identity, in one step."""
    from medaudit.audit import write_text

    write_text(path, json.dumps({"identity": wanted, **content}, allow_nan=False))
