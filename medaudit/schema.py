"""The shape of audit.json: the JSON Schema that ships with the package, and the check against it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medaudit.errors import DataError

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator, ValidationError

FILE = "audit.schema.json"


def audit_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of audit.json; a fresh copy."""
    text = Path(__file__).with_name(FILE).read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def validate_audit(document: Mapping[str, Any]) -> None:
    """Check a parsed audit.json.

    Raises :class:`DataError` naming the place and the demand of the fault nearest to the document's root.
    Values are never quoted: a broken document may hold a patient's words where a number belongs.
    """
    error = min(_validator().iter_errors(document), key=_depth, default=None)
    if error is not None:
        raise DataError(f"audit.json: {_place(error.absolute_path)}: {_demand(error)}.")
    for path in _faulty_numbers(document):
        raise DataError(f"audit.json: {_place(path)}: is not a finite number; write null with a reason.")
    for index, finding in enumerate(document["findings"]):
        interval = finding["interval"]
        if interval is not None and interval[0] > interval[1]:
            raise DataError(f"audit.json: findings/{index}/interval: the lower end stands above the upper.")


@lru_cache(maxsize=1)
def _validator() -> Draft202012Validator:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(audit_schema())


def _depth(error: ValidationError) -> tuple[int, str, str]:
    path = list(error.absolute_path)
    return len(path), _place(path), str(error.validator)


def _place(path: Iterable[object]) -> str:
    return "/".join(str(step) for step in path) or "(root)"


def _demand(error: ValidationError) -> str:
    """What the schema wants there, in words, without the value that was found."""
    rule = str(error.validator)
    wanted: Any = error.validator_value
    found: Any = error.instance
    if rule == "additionalProperties" and wanted is False:
        return _unknown_key(error)
    if rule == "required":
        lacking = [name for name in wanted if name not in found]
        return f"lacks {', '.join(repr(name) for name in lacking)}"
    if rule == "type":
        names = [wanted] if isinstance(wanted, str) else list(wanted)
        return f"must be {' or '.join(names)}"
    if rule in ("enum", "const"):
        legal = [wanted] if rule == "const" else list(wanted)
        return f"must be one of {', '.join(map(str, legal))}"
    if rule == "not":
        return f"must not be one of {', '.join(map(str, wanted.get('enum', [])))} here"
    if rule == "minLength":
        return "must not be empty here"
    return f"must meet {rule} {wanted}"


def _unknown_key(error: ValidationError) -> str:
    schema: Any = error.schema
    found: Any = error.instance
    legal = sorted(schema["properties"])
    given = sorted(str(name) for name in found if name not in legal)[0]
    near = get_close_matches(given, legal, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"unknown key {given[:60]!r}.{hint} Legal: {', '.join(legal)}"


def _faulty_numbers(value: Any, path: tuple[object, ...] = ()) -> Iterable[tuple[object, ...]]:
    if isinstance(value, float):
        if not math.isfinite(value):
            yield path
    elif isinstance(value, Mapping):
        for name, child in value.items():
            yield from _faulty_numbers(child, (*path, name))
    elif isinstance(value, list | tuple):
        for index, child in enumerate(value):
            yield from _faulty_numbers(child, (*path, index))
