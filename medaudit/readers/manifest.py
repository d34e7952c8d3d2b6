"""``dataset.json``: what a data folder says about itself as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from medaudit.errors import DataError
from medaudit.readers.json_rows import check_keys, kind, parse_object
from medaudit.readers.options import ReadOptions

T = TypeVar("T")
LEGAL = ("name", "public", "licence")


@dataclass(frozen=True)
class Manifest:
    """Name of the data set, and whether its pictures may be shown."""

    name: str
    public: bool


def manifest_of(root: Path, options: ReadOptions, *, public: bool = False) -> Manifest:
    """Read ``dataset.json`` if there is one. Public only where the user, it or the reader says so."""
    name = root.name or "data"
    path = root / "dataset.json"
    if path.is_file():
        try:
            row = parse_object(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
            check_keys("key", row, LEGAL)
            name = _typed(row, "name", str, name)
            public = _typed(row, "public", bool, public)
            _typed(row, "licence", str, "")
        except DataError as error:
            raise DataError(f"dataset.json: {error}") from error
    return Manifest(name, public if options.public is None else options.public)


def _typed(row: dict[str, Any], key: str, wanted: type[T], default: T) -> T:
    value = row.get(key, default)
    if not isinstance(value, wanted):
        name = "true or false" if wanted is bool else "text"
        raise DataError(f"'{key}' must be {name}, is {kind(value)}.")
    return value
