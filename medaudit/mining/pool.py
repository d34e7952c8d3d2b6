"""The pool that pairs are drawn from: distinct pictures, each with the questions asked about it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from medaudit.errors import DataError
from medaudit.predicates import as_number, says_nothing, value_of
from medaudit.splitting import linked

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.case import Case
    from medaudit.image import Image

Ints: TypeAlias = "NDArray[np.int64]"
#: Two pictures with the same known value in one of these are never a pair.
SERIES = ("series", "study")
UNKNOWN = -1


@dataclass(frozen=True)
class Pool:
    """Distinct pictures, ordered by the smallest id of a case that shows them, whatever the order given.

    ``rows`` says which row of the caller's vectors belongs to each picture. ``left_out`` counts cases that
    show no picture or several: a pair is a pair of single pictures.
    """

    images: tuple[Image, ...]
    cases: tuple[tuple[Case, ...], ...]
    rows: Ints
    left_out: int = 0

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """Name of each picture: the smallest id among its cases."""
        return tuple(cases[0].id for cases in self.cases)

    @cached_property
    def apart(self) -> tuple[Ints, ...]:
        """Codes ``(n,)``; pictures that share one that is not -1 never pair: patient, series, study."""
        flat = [(i, case) for i, cases in enumerate(self.cases) for case in cases]
        blocks = linked([case for _, case in flat])
        of = {i: block for (i, _), block in zip(flat, blocks, strict=True)}
        patient = np.asarray([of[i] for i in range(len(self))], dtype=np.int64)
        return patient, *(self.codes(column) for column in SERIES)

    def codes(self, column: str) -> Ints:
        """Values of a column as numbers, ``(n,)``; -1 where unknown or where a picture's cases disagree."""
        return numbered([known(cases, column) for cases in self.cases])

    def numbers(self, column: str) -> NDArray[np.float64]:
        """Values of a column of numbers, ``(n,)``; NaN where unknown or no number."""
        found = [as_number(known(cases, column)) for cases in self.cases]
        return np.asarray([np.nan if value is None else value for value in found], dtype=np.float64)

    def only(self, kept: Sequence[int] | Ints) -> Pool:
        """The pictures with these numbers, in the pool's order."""
        chosen = sorted({int(i) for i in kept})
        images = tuple(self.images[i] for i in chosen)
        return Pool(images, tuple(self.cases[i] for i in chosen), self.rows[chosen], self.left_out)


def images_of(cases: Sequence[Case]) -> tuple[Image, ...]:
    """Distinct pictures of the cases that show one, in order of first appearance: one row of vectors each."""
    return tuple(image for image, _ in _by_image(cases).values())


def pooled(cases: Sequence[Case]) -> Pool:
    """The pool of these cases. DataError where fewer than two of their pictures differ."""
    found = list(_by_image(cases).values())
    if len(found) < 2:
        raise DataError(f"{len(found)} distinct picture(s) in {len(cases)} cases; a pair needs two or more.")
    own = [tuple(sorted(asked, key=lambda case: case.id)) for _, asked in found]
    order = sorted(range(len(found)), key=lambda i: own[i][0].id)
    return Pool(
        images=tuple(found[i][0] for i in order),
        cases=tuple(own[i] for i in order),
        rows=np.asarray(order, dtype=np.int64),
        left_out=len(cases) - sum(map(len, own)),
    )


def known(cases: Sequence[Case], column: str) -> str | None:
    """What the cases of one picture say in a column, as text; None where nothing, or not the same."""
    said = {_text(value) for case in cases if not says_nothing(value := value_of(case, column))}
    return said.pop() if len(said) == 1 else None


def numbered(values: Sequence[Hashable | None]) -> Ints:
    """Each value's number, in order of their text; -1 for None."""
    number: Mapping[Hashable, int] = {
        value: i for i, value in enumerate(sorted({v for v in values if v is not None}, key=repr))
    }
    return np.asarray([UNKNOWN if v is None else number[v] for v in values], dtype=np.int64)


def strata_of(pool: Pool, columns: Sequence[str]) -> Iterator[tuple[dict[str, str], Ints]]:
    """Pictures that agree on these columns, unknown being a value of its own, with what they agree on."""
    keys = [tuple(known(cases, column) or "" for column in columns) for cases in pool.cases]
    places: dict[tuple[str, ...], list[int]] = {}
    for i, key in enumerate(keys):
        places.setdefault(key, []).append(i)
    for key in sorted(places):
        yield dict(zip(columns, key, strict=True)), np.asarray(places[key], dtype=np.int64)


def folded(text: str) -> str:
    """Text as it is compared: without regard to capitals and blanks."""
    return " ".join(text.casefold().split())


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    number = as_number(value) if isinstance(value, int | float | str) else None
    return folded(str(value)) if number is None else f"{number:g}"


def _by_image(cases: Sequence[Case]) -> dict[str, tuple[Image, list[Case]]]:
    found: dict[str, tuple[Image, list[Case]]] = {}
    for case in cases:
        if len(case.images) == 1:
            image = case.images[0]
            found.setdefault(image.digest, (image, []))[1].append(case)
    return found
