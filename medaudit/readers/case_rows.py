"""One row of the case format, a JSON object, checked field by field and turned into a case."""

from __future__ import annotations

import math
from typing import Any

from medaudit.case import Case, MetaValue, Region
from medaudit.errors import DataError
from medaudit.readers.identity import identifying
from medaudit.readers.json_rows import check_keys, kind, quoted
from medaudit.readers.paths import ImagePool

LEGAL = ("id", "images", "question", "options", "answer", "group", "meta", "regions", "pair", "split")
REQUIRED = ("id", "images", "question", "answer")


def case_from(row: dict[str, Any], pool: ImagePool) -> Case:
    """Build a case; what identifies a person is left out of its meta.

    Raises DataError naming the field, its legal type and what was found, never the value.
    """
    check_keys("key", row, LEGAL, REQUIRED)
    images = _texts(row, "images")
    if not images:
        raise DataError("'images' is empty; a case needs one image or more.")
    case = Case(
        id=_text(row, "id"),
        images=tuple(pool.find(image) for image in images),
        question=_text(row, "question"),
        answer=_text(row, "answer"),
        options=tuple(_texts(row, "options")),
        group=_text(row, "group"),
        meta=_meta(row),
        regions=tuple(_region(item) for item in _list(row, "regions")),
        pair=_text(row, "pair") or None,
        split=_text(row, "split") or None,
    )
    if not case.answer.strip():
        raise DataError("'answer' is empty; every case needs a reference answer.")
    return case


def _text(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    if value is None and key not in REQUIRED:
        return ""
    if not isinstance(value, str):
        raise DataError(f"'{key}' must be text, is {kind(value)}.")
    return value


def _list(row: dict[str, Any], key: str) -> list[Any]:
    value = row.get(key)
    if value is None and key not in REQUIRED:
        return []
    if not isinstance(value, list):
        raise DataError(f"'{key}' must be a list, is {kind(value)}.")
    return value


def _texts(row: dict[str, Any], key: str) -> list[str]:
    values = _list(row, key)
    for value in values:
        if not isinstance(value, str) or not value.strip():
            found = "empty text" if isinstance(value, str) else kind(value)
            raise DataError(f"'{key}' must be a list of text, holds {found}.")
    return values


def _meta(row: dict[str, Any]) -> dict[str, MetaValue]:
    meta = row.get("meta")
    if meta is None:
        return {}
    if not isinstance(meta, dict):
        raise DataError(f"'meta' must be an object, is {kind(meta)}.")
    for key, value in meta.items():
        if isinstance(value, list | dict):
            raise DataError(
                f"meta {quoted(key)} must be text, a number, true, false or null, is {kind(value)}."
            )
        if isinstance(value, float) and not math.isfinite(value):
            raise DataError(f"meta {quoted(key)} is beyond the range of numbers.")
    return {key: value for key, value in meta.items() if not identifying(key)}


def _region(item: Any) -> Region:
    if not isinstance(item, dict):
        raise DataError(f"a region must be an object, is {kind(item)}.")
    check_keys("region key", item, ("label", "box"), ("label", "box"))
    box = item["box"]
    whole = isinstance(box, list) and all(isinstance(n, int) and not isinstance(n, bool) for n in box)
    if not whole or len(box) != 4:
        raise DataError("a region's 'box' must be four whole numbers, [x0, y0, x1, y1].")
    x0, y0, x1, y1 = box
    if not isinstance(item["label"], str):
        raise DataError(f"a region's 'label' must be text, is {kind(item['label'])}.")
    return Region(item["label"], (x0, y0, x1, y1))
