"""JSON objects from hostile lines: one sentence about what is wrong, never a traceback, never the content."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from medaudit.errors import DataError

#: A case is a question and some names; a longer line is another format, or an attack on memory.
MAX_LINE = 1 << 20
_KEY = re.compile(r"[\w.-]{1,40}")


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes | None]]:
    """Lines with their number from 1, without end of line; ``None`` for one longer than ``MAX_LINE``."""
    with path.open("rb") as stream:
        number = 0
        while raw := stream.readline(MAX_LINE + 1):
            number += 1
            if len(raw) > MAX_LINE:
                # The rest is dropped piece by piece, so that the next line keeps its number.
                while raw and not raw.endswith(b"\n"):
                    raw = stream.readline(MAX_LINE)
                yield number, None
                continue
            line = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
            if line.strip():
                yield number, line.strip()


def parse_object(raw: bytes) -> dict[str, Any]:
    """One JSON object with unique keys and encodable text; DataError says which of these fails."""
    value = parse_json(_decoded(raw))
    if not isinstance(value, dict):
        raise DataError(f"a JSON object was expected, found {kind(value)}.")
    return value


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"not UTF-8 text (byte {error.start}); save the file as UTF-8.") from error


def parse_json(text: str) -> Any:
    """Strict JSON: no NaN, no repeated key, no half of a surrogate pair, no bottomless nesting."""
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
        # Digests and reports encode every text: what cannot be encoded must not come in.
        json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise DataError(f"not JSON ({error.msg}, column {error.colno}).") from error
    except UnicodeEncodeError as error:
        raise DataError("holds half of a surrogate pair, which is no text.") from error
    except RecursionError as error:
        raise DataError("nested too deeply.") from error
    except ValueError as error:
        raise DataError("holds a number with too many digits.") from error
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise DataError(f"key {quoted(repeated)} is given twice.")
    return found


def _no_constant(name: str) -> NoReturn:
    raise DataError(f"{name} is not JSON; leave the value out or write null.")


def quoted(key: str) -> str:
    """A key for messages; a sentence where a key belongs may be about a patient and is not repeated."""
    return repr(key) if _KEY.fullmatch(key) else f"of {len(key)} characters"


def check_keys(
    noun: str, row: Mapping[str, Any], legal: Collection[str], required: Collection[str] = ()
) -> None:
    """Refuse unknown keys, naming the nearest legal one, and missing required ones."""
    for key in row:
        if key not in legal:
            near = get_close_matches(key, legal, n=1, cutoff=0.5)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise DataError(f"unknown {noun} {quoted(key)}.{hint} Legal: {', '.join(legal)}.")
    missing = [key for key in required if key not in row]
    if missing:
        raise DataError(f"{noun} {missing[0]!r} is missing.")


def kind(value: object) -> str:
    """The JSON name of a value's type, for messages that must not quote the value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    names = {str: "text", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return names.get(type(value), type(value).__name__)
