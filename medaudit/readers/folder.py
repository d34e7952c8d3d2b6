"""The house format: ``cases.jsonl`` or ``cases.csv`` with images beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from medaudit.case import CaseSet
from medaudit.errors import DataError
from medaudit.readers.case_rows import LEGAL, REQUIRED, case_from
from medaudit.readers.drafts import Drafts
from medaudit.readers.identity import identifying
from medaudit.readers.json_rows import MAX_LINE, numbered_lines, parse_json, parse_object
from medaudit.readers.manifest import manifest_of
from medaudit.readers.options import ReadOptions
from medaudit.readers.paths import ImagePool
from medaudit.readers.tables import read_table, typed
from medaudit.registry import reader

NAMES = ("cases.jsonl", "cases.csv")


def recognises(path: Path) -> bool:
    """A folder that holds ``cases.jsonl`` or ``cases.csv``, or one of these files."""
    if path.is_dir():
        return any((path / name).is_file() for name in NAMES)
    return path.suffix == ".jsonl" or path.name == "cases.csv"


@reader("folder", recognises=recognises)
def read_folder(path: Path, options: ReadOptions) -> CaseSet:
    """A folder with cases.jsonl (or cases.csv) and images beside it.

    Keys of ``meta``, and extra columns, that look as if they named a person, a place, a day or a document
    (``patient_name``, ``dob``, ``accession``) are left out of the cases.
    """
    source = _source(path)
    manifest = manifest_of(source.parent.resolve(), options)
    drafts = Drafts(options)
    pool = ImagePool(source.parent)
    if source.suffix == ".csv":
        _read_csv(source, pool, drafts)
    else:
        _read_jsonl(source, pool, drafts)
    return drafts.case_set(manifest.name, "folder", manifest.public)


def _source(path: Path) -> Path:
    if path.is_file():
        return path
    found = [name for name in NAMES if (path / name).is_file()]
    if len(found) > 1:
        raise DataError(
            f"{path.name}: holds both {found[0]} and {found[1]}; remove one, or name the file to read."
        )
    if not found:
        raise DataError(f"{path.name}: holds neither cases.jsonl nor cases.csv.")
    return path / found[0]


def _read_jsonl(source: Path, pool: ImagePool, drafts: Drafts) -> None:
    for number, line in numbered_lines(source):
        where = f"{source.name}:{number}"
        if line is None:
            drafts.refuse(where, f"longer than {MAX_LINE:,} bytes; one case is one line.")
            continue
        try:
            case = case_from(parse_object(line), pool)
        except DataError as error:
            drafts.refuse(where, str(error))
        else:
            drafts.add(where, case)


def _read_csv(source: Path, pool: ImagePool, drafts: Drafts) -> None:
    table = read_table(source)
    absent = [name for name in REQUIRED if name not in table.columns]
    if absent:
        raise DataError(f"{source.name}:1: no column {absent[0]!r}; it needs {', '.join(REQUIRED)}.")
    extra = {name: typed(table.column(name)) for name in table.columns if _is_meta(name)}
    for index, row in enumerate(table.rows):
        where = f"{source.name}:{row.line}"
        meta = {name.removeprefix("meta."): values[index] for name, values in extra.items()}
        try:
            if row.fault:
                raise DataError(row.fault)
            case = case_from({**_fields(row.cells), "meta": meta}, pool)
        except DataError as error:
            drafts.refuse(where, str(error))
        else:
            drafts.add(where, case)


def _is_meta(column: str) -> bool:
    """Extra columns describe the case, with or without ``meta.``, unless they look like identity."""
    stated = column.startswith("meta.")
    return stated or (column not in LEGAL and bool(column) and not identifying(column))


def _fields(cells: dict[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = {name: cell for name, cell in cells.items() if name in LEGAL and name != "meta"}
    row["images"] = _listed(cells["images"], "images")
    row["options"] = _listed(cells.get("options", ""), "options")
    regions = cells.get("regions", "")
    row["regions"] = _json_cell(regions, "regions") if regions else []
    return row


def _listed(cell: str, name: str) -> Any:
    if cell.startswith("["):
        return _json_cell(cell, name)
    return [part.strip() for part in cell.split(";") if part.strip()]


def _json_cell(cell: str, name: str) -> Any:
    try:
        return parse_json(cell)
    except DataError as error:
        raise DataError(f"'{name}': {error}") from error
