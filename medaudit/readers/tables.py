"""CSV tables: rows with their line, checked for shape, and columns with types."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from medaudit.case import MetaValue
from medaudit.errors import DataError

MISSING = frozenset({"", "nan", "na", "n/a", "unknown", "unk"})
TRUTH = {"true": True, "false": False}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf(inity)?", re.IGNORECASE)


@dataclass(frozen=True)
class Row:
    """One row: the line it begins on, its cells by column, and what is wrong with its shape."""

    line: int
    cells: dict[str, str]
    fault: str | None = None


@dataclass(frozen=True)
class Table:
    """A CSV file with a header."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def column(self, name: str) -> list[str]:
        return [row.cells.get(name, "") for row in self.rows]


def read_header(path: Path) -> tuple[str, ...]:
    """Column names of a CSV file, or none where it does not look like one. Reads one line."""
    with path.open("rb") as stream:
        line = stream.readline(1 << 16).removeprefix(b"\xef\xbb\xbf")
    try:
        return tuple(cell.strip() for cell in next(csv.reader([line.decode("utf-8")])))
    except (UnicodeDecodeError, csv.Error, StopIteration):
        return ()


def read_table(path: Path) -> Table:
    """Read a UTF-8 CSV with a header; rows of another length carry a fault, not an exception."""
    rows: list[Row] = []
    before = 0
    columns: tuple[str, ...] | None = None
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            for cells in reader:
                # A quoted cell may span lines; users look for the line where the row begins.
                line, before = before + 1, reader.line_num
                if not cells:
                    continue
                if columns is None:
                    columns = _columns(path, cells)
                else:
                    rows.append(_row(line, columns, cells))
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name}: not UTF-8 text; save the table as UTF-8.") from error
    except csv.Error as error:
        raise DataError(f"{path.name}:{before + 1}: not CSV ({error}).") from error
    if columns is None:
        raise DataError(f"{path.name}: the table is empty; its first line must name the columns.")
    return Table(columns, tuple(rows))


def _columns(path: Path, cells: list[str]) -> tuple[str, ...]:
    names = tuple(cell.strip() for cell in cells)
    if len(set(names)) != len(names):
        raise DataError(f"{path.name}:1: two columns have the same name; name each column once.")
    return names


def _row(line: int, columns: tuple[str, ...], cells: list[str]) -> Row:
    fault = None
    if len(cells) != len(columns):
        fault = f"{len(cells)} cells where the header has {len(columns)}; quote cells that hold commas."
    return Row(line, dict(zip(columns, (cell.strip() for cell in cells), strict=False)), fault)


def missing(cell: str) -> bool:
    """Whether a cell says nothing: empty, NaN, NA, unknown."""
    return cell.strip().casefold() in MISSING


def numeric(cells: Sequence[str]) -> bool:
    """Whether every cell that says something is a number."""
    said = [cell for cell in cells if not missing(cell)]
    return bool(said) and all(_NUMBER.fullmatch(cell) for cell in said)


def typed(cells: Sequence[str]) -> list[MetaValue]:
    """A column as numbers, truth values or text, whichever fits all of it; None where nothing is said."""
    if numeric(cells):
        return [None if missing(cell) else _number(cell) for cell in cells]
    if all(missing(cell) or cell.casefold() in TRUTH for cell in cells):
        return [TRUTH.get(cell.casefold()) for cell in cells]
    return [None if missing(cell) else cell for cell in cells]


def _number(cell: str) -> int | float | None:
    if re.fullmatch(r"[+-]?\d{1,18}", cell):
        return int(cell)
    value = float(cell)
    # A bound such as "over range" written as inf: no JSON number says that.
    return value if math.isfinite(value) else None
