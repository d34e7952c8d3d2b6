"""Question files that are a JSON list of rows: found by their keys, read strictly, told by row number."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from medaudit.case import Case
from medaudit.errors import DataError
from medaudit.readers.drafts import Drafts
from medaudit.readers.json_rows import kind, parse_json

HEAD = 1 << 13
SPLITS = {"train": "train", "val": "val", "dev": "val", "test": "test"}


def head_of(path: Path, size: int = HEAD) -> bytes:
    """The first bytes of a file, for recognising it."""
    with path.open("rb") as stream:
        return stream.read(size)


def tables_in(path: Path, looks_right: Callable[[Path], bool]) -> list[Path]:
    """The JSON file itself, or those of a folder, that look right."""
    if path.is_file():
        return [path] if path.suffix == ".json" and looks_right(path) else []
    return sorted(found for found in path.glob("*.json") if found.is_file() and looks_right(found))


def rows_of(table: Path) -> list[Any]:
    """The rows of a table. DataError where it is no JSON list."""
    try:
        rows = parse_json(table.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(f"{table.name}: not UTF-8 text.") from error
    except DataError as error:
        raise DataError(f"{table.name}: {error}") from error
    if not isinstance(rows, list):
        raise DataError(f"{table.name}: a JSON list of rows was expected, found {kind(rows)}.")
    return rows


def numbered(table: Path, rows: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    """Rows with the place that messages name."""
    for number, row in enumerate(rows, start=1):
        yield f"{table.name}:row {number}", row


def add(drafts: Drafts, where: str, row: Any, build: Callable[[dict[str, Any]], Case | str]) -> None:
    """Take the case that ``build`` makes of a row; a text from it says why the row is left out."""
    try:
        if not isinstance(row, dict):
            raise DataError(f"a row must be an object, is {kind(row)}.")
        case = build(row)
    except DataError as error:
        drafts.refuse(where, str(error))
        return
    if isinstance(case, str):
        drafts.leave_out(where, case)
    else:
        drafts.add(where, case)


def text_of(row: dict[str, Any], key: str) -> str:
    """A text or number of a row as text. DataError where it is missing, empty or of another kind."""
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        found = "missing" if key not in row else kind(value)
        raise DataError(f"{key!r} must be text or a number, is {found}.")
    text = str(value).strip()
    if not text:
        raise DataError(f"{key!r} is empty.")
    return text


def folded(row: dict[str, Any], key: str) -> str | None:
    """A column for real-world splits: lower case, one blank between words, None where nothing is said."""
    value = row.get(key)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return " ".join(str(value).split()).casefold() or None


def located(root: Path, name: str, folders: Iterable[str]) -> str:
    """The path of an image below ``root``: in the first of the folders that holds it, else as it is named."""
    for folder in folders if ".." not in Path(name).parts else ():
        relative = f"{folder}/{name}" if folder else name
        if (root / relative).is_file():
            return relative
    return name


def split_of(name: str) -> str | None:
    """Training, validation or test, by the name of a file or the word in a column."""
    folded_name = name.strip().casefold()
    return next((split for word, split in SPLITS.items() if folded_name.startswith(word)), None)


def group_of(subject: str) -> str:
    """A group for a person, from which the person's number cannot be read off."""
    return "patient-" + hashlib.blake2b(subject.encode(), digest_size=8, key=b"medaudit").hexdigest()
