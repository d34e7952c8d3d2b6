"""One pair of MediConfusion: its columns checked, and what they say of each image."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from medaudit.case import MetaValue
from medaudit.errors import DataError
from medaudit.readers.json_rows import kind
from medaudit.readers.json_tables import text_of
from medaudit.stats.components import components

LETTERS = ("A", "B")
SIMILARITIES = ("BiomedCLIP_sim", "DINO_sim")
#: What the columns of the two images are called: as published, and in copies without captions.
NAMES = (("im_1", "im_2"), ("image_1", "image_2"))
#: Similarities are cosines, rounded.
_MOST = 1.001


@dataclass(frozen=True)
class PairRow:
    """One pair: where it was read, its id, question, options; per image its name, numbers and right answer.

    ``local`` holds the number that the published download gives an image's file, or None.
    """

    where: str
    id: str
    question: str
    options: tuple[str, str]
    pictures: tuple[str, str]
    local: tuple[str | None, str | None]
    answers: tuple[str, str]
    meta: tuple[dict[str, MetaValue], dict[str, MetaValue]]


def pair_row(where: str, columns: Any) -> PairRow:
    """Check one row; DataError where it is no confusing pair, without repeating its text."""
    if not isinstance(columns, dict):
        raise DataError(columns if isinstance(columns, str) else f"a pair is an object, not {kind(columns)}.")
    names = next((names for names in NAMES if f"{names[0]}_correct" in columns), NAMES[0])
    options = text_of(columns, "option_A"), text_of(columns, "option_B")
    if options[0].casefold() == options[1].casefold():
        raise DataError("'option_A' and 'option_B' are the same; a choice needs two different options.")
    pictures = text_of(columns, names[0]), text_of(columns, names[1])
    if pictures[0] == pictures[1]:
        raise DataError(f"'{names[0]}' and '{names[1]}' are the same image; a pair is two.")
    first, second = (_letter(columns, f"{name}_correct") for name in names)
    if first == second:
        raise DataError(f"both images have the right answer {first}; in a confusing pair they differ.")
    return PairRow(
        where=where,
        id=text_of(columns, "id"),
        question=text_of(columns, "question"),
        options=options,
        pictures=pictures,
        local=(_local(columns, names[0]), _local(columns, names[1])),
        answers=(options[LETTERS.index(first)], options[LETTERS.index(second)]),
        meta=(_meta(columns, 1, pictures[0]), _meta(columns, 2, pictures[1])),
    )


def groups_of(rows: list[PairRow]) -> list[str]:
    """The connected component of each pair's images, named after the first image in the alphabet."""
    numbers = components([row.pictures for row in rows])
    members: dict[int, list[str]] = {}
    for number, row in zip(numbers, rows, strict=True):
        members.setdefault(number, []).extend(row.pictures)
    return [f"images-{PurePosixPath(min(members[number])).stem}" for number in numbers]


def _letter(columns: dict[str, Any], key: str) -> str:
    letter = text_of(columns, key).upper()
    if letter not in LETTERS:
        raise DataError(f"'{key}' must be A or B.")
    return letter


def _local(columns: dict[str, Any], name: str) -> str | None:
    number = str(columns.get(f"{name}_local") or "")
    return number if number.isdecimal() else None


def _meta(columns: dict[str, Any], side: int, picture: str) -> dict[str, MetaValue]:
    path = PurePosixPath(picture)
    meta: dict[str, MetaValue] = {
        "category": ";".join(_words(columns.get(f"category_{side}"), f"category_{side}")) or None,
        "picture": path.stem,
        "roco_split": path.parts[0] if len(path.parts) > 1 else None,
    }
    for name in SIMILARITIES:
        if columns.get(name) not in (None, ""):
            meta[name.casefold()] = _cosine(columns[name], name)
    return meta


def _words(value: Any, name: str) -> list[str]:
    """A list of words; the CSV twin writes lists as Python does."""
    if value is None or value == "":
        return []
    if isinstance(value, str):
        try:
            value = ast.literal_eval(value) if value.startswith("[") else [value]
        except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
            raise DataError(f"'{name}' is no list.") from error
    if not isinstance(value, list) or not all(isinstance(word, str) and word.strip() for word in value):
        raise DataError(f"'{name}' must be a list of words, is {kind(value)}.")
    return [" ".join(word.split()) for word in value]


def _cosine(value: Any, name: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise DataError(f"'{name}' must be a number, is {kind(value)}.") from error
    if not -_MOST <= number <= _MOST:
        raise DataError(f"'{name}' is a cosine; it must lie in [-1, 1].")
    return number
