"""The dose that each severity stands for, by shift and modality: equal steps of visible harm.

``severities.json`` is written by ``benchmarks/severities.py``.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

_TABLE = Path(__file__).with_name("severities.json")
STEPS = 5
#: The least and the largest dose of every shift that has a ladder.
RANGES: dict[str, tuple[float, float]] = {}


@cache
def _table() -> dict[str, dict[str, list[float]]]:
    if not _TABLE.is_file():
        return {}
    table: dict[str, dict[str, list[float]]] = json.loads(_TABLE.read_text(encoding="utf-8"))["doses"]
    return table


def ladder(name: str, *, low: float, high: float) -> dict[str, tuple[float, ...]]:
    """Five doses for each measured modality, and "" for any other; equal steps to ``high`` where unmeasured.

    ``low`` is the dose that changes nothing, ``high`` the most that the clinic would see.
    """
    RANGES[name] = low, high
    even = tuple(low + (high - low) * step / STEPS for step in range(1, STEPS + 1))
    measured = {kind: tuple(doses) for kind, doses in _table().get(name, {}).items()}
    # A shift for one modality alone was measured there, and is asked elsewhere only where it is named.
    return {"": next(iter(measured.values()), even), **measured}
