"""A small set of human verdicts on open answers: a CSV table or JSON lines, one row per case and rater."""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medaudit.errors import DataError
from medaudit.grading.judge import RIGHT_FROM, SCALES

_FORM = "Give columns case_id, human (0/1 or 1-5) and, with several raters, rater."
_CASE = ("case_id", "case", "id")
_SCORE = {"human": "", "human_0_1": "0-1", "human_1_5": "1-5"}


@dataclass(frozen=True)
class HumanLabels:
    """Scores from 0 to 1 (floor removed) by rater and case, and the scale on which they were given."""

    by_rater: Mapping[str, Mapping[str, float]]
    scale: str

    @property
    def scores(self) -> dict[str, float]:
        """Mean over the raters of each case."""
        cases: dict[str, list[float]] = {}
        for given in self.by_rater.values():
            for case, score in given.items():
                cases.setdefault(case, []).append(score)
        return {case: sum(scores) / len(scores) for case, scores in cases.items()}

    @property
    def right(self) -> dict[str, float]:
        """1 or 0 per case: whether the raters' mean is ``RIGHT_FROM`` or more. Two who differ make a 0."""
        return {case: float(score >= RIGHT_FROM) for case, score in self.scores.items()}


def read_humans(path: Path | str, known: Collection[str] = ()) -> HumanLabels:
    """Read human verdicts from CSV or JSON lines.

    The scale follows from the values: a 0 means 0/1, a number above 1 means 1-5; where all are 1 the column
    must be called ``human_0_1`` or ``human_1_5``. Rows without a score are skipped. DataError for anything
    else that does not fit, and for a case that is not among ``known`` (where that is given).
    """
    path = Path(path)
    rows = list(_rows(path))
    found: dict[tuple[str, str], float] = {}
    named = ""
    for number, row in rows:
        where = f"{path.name}, row {number}"
        column = next((name for name in _SCORE if name in row), None)
        case = next((str(row[name]) for name in _CASE if row.get(name) not in (None, "")), None)
        if column is None or case is None:
            raise DataError(f"{where}: no case id or no human score. {_FORM}")
        if known and case not in known:
            raise DataError(f"{where}: case {case!r} is none of the judged open questions.")
        if row[column] in (None, ""):
            continue
        named = named or _SCORE[column]
        key = (str(row.get("rater") or "1"), case)
        if key in found:
            raise DataError(f"{where}: case {case!r} has two scores of one rater. {_FORM}")
        found[key] = _number(row[column], where)
    if not found:
        raise DataError(f"{path.name}: holds no human score. {_FORM}")
    return _labels(found, named or _scale(found.values(), path.name), path.name)


def _labels(found: Mapping[tuple[str, str], float], scale: str, name: str) -> HumanLabels:
    low, high = SCALES[scale]
    by_rater: dict[str, dict[str, float]] = {}
    for (rater, case), value in found.items():
        if not low <= value <= high or (scale == "0-1" and value not in (0, 1)):
            raise DataError(f"{name}: case {case!r} has the score {value:g}, which is off the scale {scale}.")
        by_rater.setdefault(rater, {})[case] = (value - low) / (high - low)
    return HumanLabels(by_rater, scale)


def _scale(values: Iterable[float], name: str) -> str:
    given = set(values)
    if given == {1.0}:
        raise DataError(f"{name}: every score is 1. Call the column human_0_1 or human_1_5.")
    return "0-1" if min(given) < 1 else "1-5"


def _number(value: Any, where: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: the human score is not a number. {_FORM}") from error


def _rows(path: Path) -> Iterable[tuple[int, dict[str, Any]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: human scores cannot be read ({type(error).__name__}).") from error
    if path.suffix.casefold() == ".csv":
        yield from enumerate(csv.DictReader(text.splitlines()), start=2)
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise DataError(f"{path.name}, row {number}: not JSON. {_FORM}") from error
        if not isinstance(row, dict):
            raise DataError(f"{path.name}, row {number}: not a JSON object. {_FORM}")
        yield number, row
