"""Which columns of a table are labels, which describe the image, and how a label becomes a question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from medaudit.case import MetaValue
from medaudit.errors import DataError, UsageError
from medaudit.readers.identity import identifying
from medaudit.readers.options import ReadOptions
from medaudit.readers.tables import Table, missing, numeric, typed

CHOICE = "What is the {label}?"
PRESENCE = "Is there {label}?"
MOST_OPTIONS = 8
#: Text columns of more values hold free text or identifiers: no split can use them.
MOST_VALUES = 20
_YES = frozenset({"1", "1.0", "true", "t", "yes", "y"})
_NO = frozenset({"0", "0.0", "false", "f", "no", "n"})
_NOT_LABELS = frozenset({"split", "orig_split", "fold", "licence", "license", "source"})
_PLAIN = {"label": "class of this image", "class": "class of this image", "target": "class of this image"}


@dataclass(frozen=True)
class Label:
    """A column to ask about: its question, its options, and the option that each cell means."""

    column: str
    question: str
    options: tuple[str, ...]
    answers: dict[str, str]


def label_columns(table: Table, options: ReadOptions, skip: Sequence[str]) -> list[Label]:
    """The labels the user named, or every column of 2 to 8 repeated values that is not identity."""
    _check_template(options)
    for name in options.label:
        if name not in table.columns:
            raise UsageError.unknown("label column", name, table.columns)
    chosen = options.label or tuple(
        name
        for name in table.columns
        if name not in skip and name != options.group and automatic(name, table.column(name))
    )
    if not chosen:
        raise DataError(
            f"no label column was found: none has 2 to {MOST_OPTIONS} values that repeat. Name one."
        )
    if options.question and "{label}" not in options.question and len(chosen) > 1:
        raise DataError(f"the question has no {{label}}, but there are {len(chosen)} labels; name one label.")
    return [_label(name, table.column(name), options.question) for name in chosen]


def _check_template(options: ReadOptions) -> None:
    rest = (options.question or "").replace("{label}", "")
    if "{" in rest or "}" in rest:
        raise DataError("the question template may hold {label} and no other braces.")


def _said(cells: Sequence[str]) -> list[str]:
    return [cell for cell in cells if not missing(cell)]


def automatic(name: str, cells: Sequence[str]) -> bool:
    """Whether a column looks like a label: few values, repeated, no number, no list, no identity."""
    said = _said(cells)
    values = set(said)
    if identifying(name) or name.casefold() in _NOT_LABELS:
        return False
    if not 2 <= len(values) <= MOST_OPTIONS or len(values) == len(said):
        return False
    # "Mass|Nodule" is a list of findings, not one of them.
    if any("|" in value or len(value) > 60 for value in values):
        return False
    return _binary(values) or not numeric(cells)


def _binary(values: set[str]) -> bool:
    folded = {value.casefold() for value in values}
    return folded <= _YES | _NO and bool(folded & _YES) and bool(folded & _NO)


def _label(name: str, cells: Sequence[str], template: str | None) -> Label:
    values = sorted(set(_said(cells)))
    words = name.replace("_", " ").strip()
    if _binary(set(values)):
        answers = {value: "yes" if value.casefold() in _YES else "no" for value in values}
        return Label(name, (template or PRESENCE).replace("{label}", words), ("yes", "no"), answers)
    # "AP" and "ap" are one option: answers are compared without case.
    folded: dict[str, str] = {}
    for value in values:
        folded.setdefault(value.casefold(), value)
    if not 2 <= len(folded) <= MOST_OPTIONS:
        raise DataError(
            f"label column {name!r} has {len(folded)} distinct values; a label has 2 to {MOST_OPTIONS}."
        )
    answers = {value: folded[value.casefold()] for value in values}
    question = (template or CHOICE).replace("{label}", _PLAIN.get(words.casefold(), words))
    return Label(name, question, tuple(folded.values()), answers)


def meta_columns(table: Table, skip: Sequence[str]) -> dict[str, list[MetaValue]]:
    """Typed columns that describe the image: no identity, no text that names single rows."""
    kept: dict[str, list[MetaValue]] = {}
    for name in table.columns:
        if not name or name in skip or identifying(name):
            continue
        values = typed(table.column(name))
        texts = [value for value in values if isinstance(value, str)]
        named = len(texts) > 2 and len(set(texts)) == len(texts)
        if not named and len(set(texts)) <= MOST_VALUES:
            kept[name] = values
    return kept
