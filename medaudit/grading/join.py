"""Predictions and references meet by id, never by order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias, TypeVar

from medaudit.errors import DataError

T = TypeVar("T")
U = TypeVar("U")
Keyed: TypeAlias = Mapping[str, T] | Iterable[tuple[str, T]]


def join(predictions: Keyed[T], references: Keyed[U]) -> list[tuple[str, T, U]]:
    """One (id, prediction, reference) per reference, in the references' order.

    Either side is a mapping, or pairs. Raises DataError for an id that occurs twice, that has no
    prediction, or that has no reference.
    """
    said, wanted = _unique("predictions", predictions), _unique("references", references)
    missing = [name for name in wanted if name not in said]
    surplus = [name for name in said if name not in wanted]
    for names, what, remedy in (
        (missing, "references without a prediction", "Answer them, or leave them out of both sides."),
        (surplus, "predictions without a reference", "Leave them out, or give the data they belong to."),
    ):
        if names:
            raise DataError(f"{len(names)} {what}, such as {_some(names)}. {remedy}")
    return [(name, said[name], reference) for name, reference in wanted.items()]


def _unique(side: str, items: Keyed[T]) -> dict[str, T]:
    if isinstance(items, Mapping):
        return dict(items)
    result: dict[str, T] = {}
    twice: dict[str, None] = {}
    for name, value in items:
        if name in result:
            twice[name] = None
        result[name] = value
    if twice:
        raise DataError(
            f"{len(twice)} ids occur twice in the {side}, such as {_some(list(twice))}: make ids unique."
        )
    return result


def _some(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names[:3])
