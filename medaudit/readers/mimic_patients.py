"""What MIMIC-IV's tables say about the subjects of a study: sex, age, ethnicity, where each is one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from medaudit.case import MetaValue
from medaudit.readers.tables import read_header, read_table

TABLES = ("patients.csv", "admissions.csv")
GROUPS = {
    "WHITE": "white",
    "PORTUGUESE": "white",
    "BLACK": "black",
    "ASIAN": "asian",
    "HISPANIC": "hispanic",
}
_AGES = range(0, 121)


def ethnicity(races: set[str]) -> str | None:
    """The one group that a subject's entries name; None where none or several do.

    Entries that say nothing, and those outside the four groups (native, multiple, South American, other),
    give way to one that names a group; Portuguese, Russian and Brazilian entries count as white.
    """
    named = {_group(race) for race in races} - {None}
    return named.pop() if len(named) == 1 else None


def _group(race: str) -> str | None:
    upper = race.strip().upper()
    return next((group for word, group in GROUPS.items() if upper.startswith(word)), None)


def subjects(root: Path) -> Mapping[str, dict[str, MetaValue]]:
    """``gender`` (F or M), ``age`` and ``ethnicity`` by subject number, from the tables beside the data."""
    said: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for name in TABLES:
        path = root / name
        if not path.is_file() or "subject_id" not in read_header(path):
            continue
        for row in read_table(path).rows:
            for column in ("gender", "anchor_age", "race"):
                if cell := row.cells.get(column, "").strip():
                    said[row.cells["subject_id"]][column].add(cell)
    return {
        subject: {
            "gender": _one(columns["gender"], {"F", "M"}),
            "age": _age(columns["anchor_age"]),
            "ethnicity": ethnicity(columns["race"]),
        }
        for subject, columns in said.items()
    }


def _one(values: set[str], legal: set[str]) -> str | None:
    found = {value.upper() for value in values}
    return found.pop() if len(found) == 1 and found <= legal else None


def _age(values: set[str]) -> int | None:
    # The table tops ages at 91, which says "over 89".
    found = next(iter(values)) if len(values) == 1 else ""
    return int(found) if found.isdecimal() and int(found) in _AGES else None
