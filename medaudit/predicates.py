"""Real-world splits as text: ``age < 40 | age >= 60``, ``view == AP``, ``sex == F vs sex == M``.

::

    split  :=  any [vs any] [without any]
    any    :=  all { | all }                      also written: or
    all    :=  one { & one }                      also written: and
    one    :=  ! one  |  ( any )  |  term         also written: not
    term   :=  column op value  |  column [not] in ( value , value ... )
    op     :=  ==  !=  <  <=  >  >=

Names and values of one word stand bare, others in quotes. Text is compared without regard to capitals,
numbers as numbers even where a table gave them as text. A value that is missing or says nothing makes its
term unknown, and unknown is carried on as in Kleene's logic: a case of which nothing can be said stands on
neither side.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from medaudit.errors import UsageError

if TYPE_CHECKING:
    from medaudit.case import Case, MetaValue

#: Values that say nothing: their cases stand on neither side of a split.
MISSING = frozenset({"", "unknown", "none", "nan", "n/a", "na"})

ORDERED: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
#: Words of the grammar; as a value they are written in quotes.
WORDS = frozenset({"and", "or", "not", "in", "vs", "without"})
BARE = re.compile(r"[\w.+-][\w./:+%-]*")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


@dataclass(frozen=True)
class Term:
    """One comparison; ``values`` has one member, or those of an ``in``."""

    column: str
    op: str
    values: tuple[str, ...]

    def __call__(self, case: Case) -> bool | None:
        value = value_of(case, self.column)
        if says_nothing(value):
            return None
        if self.op not in ORDERED:
            found = any(_equal(value, given) for given in self.values)
            return found != (self.op == "!=")
        number, bound = as_number(value), as_number(self.values[0])
        return None if number is None or bound is None else ORDERED[self.op](number, bound)

    def __str__(self) -> str:
        values = ", ".join(map(quoted, self.values))
        return f"{quoted(self.column)} {self.op} {f'({values})' if self.op == 'in' else values}"


@dataclass(frozen=True)
class Not:
    """True where ``part`` is false; unknown where it is."""

    part: Predicate

    def __call__(self, case: Case) -> bool | None:
        said = self.part(case)
        return None if said is None else not said

    def __str__(self) -> str:
        return f"!({self.part})"


@dataclass(frozen=True)
class All:
    """False where one part is, true where all are, else unknown."""

    parts: tuple[Predicate, ...]

    def __call__(self, case: Case) -> bool | None:
        said = [part(case) for part in self.parts]
        return False if False in said else None if None in said else True

    def __str__(self) -> str:
        return " & ".join(f"({part})" if isinstance(part, AnyOf) else str(part) for part in self.parts)


@dataclass(frozen=True)
class AnyOf:
    """True where one part is, false where all are, else unknown."""

    parts: tuple[Predicate, ...]

    def __call__(self, case: Case) -> bool | None:
        said = [part(case) for part in self.parts]
        return True if True in said else None if None in said else False

    def __str__(self) -> str:
        return " | ".join(map(str, self.parts))


Predicate: TypeAlias = Term | Not | All | AnyOf


@dataclass(frozen=True)
class Declared:
    """A declared split: who is out of distribution, who is in it, and what is asked of neither.

    Without ``iid`` the known rest is in distribution. With it, cases between the two stand on neither side.
    Cases that meet ``without`` stand on neither side whatever else they are.
    """

    ood: Predicate
    iid: Predicate | None = None
    without: Predicate | None = None

    def side(self, case: Case) -> bool | None:
        """True: out of distribution. False: in distribution. None: neither.

        UsageError for a case that would be on both sides.
        """
        if self.without is not None and self.without(case):
            return None
        out = self.ood(case)
        if self.iid is None or out is None:
            return out
        within = self.iid(case)
        if out and within:
            raise UsageError(f"split '{self}': cases meet both {self.ood} and {self.iid}; keep them apart.")
        return True if out and within is False else False if within else None

    def __str__(self) -> str:
        more = (("vs", self.iid), ("without", self.without))
        return f"{self.ood}" + "".join(f" {word} {part}" for word, part in more if part is not None)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is looked at, in the order of the text."""
        parts = (part for part in (self.ood, self.iid, self.without) if part is not None)
        return tuple(dict.fromkeys(term.column for part in parts for term in terms(part)))


def parse(text: str) -> Predicate:
    """Read a predicate. UsageError with the position, what is expected there and what to type."""
    from medaudit.predicate_text import Reader

    return Reader(text).predicate()


def parse_split(text: str) -> Declared:
    """Read a split: a predicate, ``vs`` its other side, ``without`` what neither side is asked."""
    from medaudit.predicate_text import Reader

    return Declared(*Reader(text).split())


def terms(predicate: Predicate) -> Iterator[Term]:
    """The comparisons of a predicate, left to right."""
    if isinstance(predicate, Term):
        yield predicate
    elif isinstance(predicate, Not):
        yield from terms(predicate.part)
    else:
        for part in predicate.parts:
            yield from terms(part)


def check(split: Declared, cases: Sequence[Case]) -> None:
    """UsageError for a column that no case has, or an order asked of a column without numbers."""
    legal = sorted({"closed", "answer_type", *(name for case in cases for name in case.meta)})
    parts = (part for part in (split.ood, split.iid, split.without) if part is not None)
    for term in (term for part in parts for term in terms(part)):
        if term.column not in legal:
            raise UsageError(f"split '{split}': " + str(UsageError.unknown("column", term.column, legal)))
        values = [value_of(case, term.column) for case in cases]
        if term.op in ORDERED and not any(as_number(value) is not None for value in values):
            raise UsageError(
                f"split '{split}': column {term.column!r} holds no number, so {term.op} says nothing; "
                "use == or in."
            )


def value_of(case: Case, column: str) -> MetaValue:
    """The case's value in a column: metadata, or ``closed`` and ``answer_type`` of the question itself."""
    if column in case.meta:
        return case.meta[column]
    derived: dict[str, MetaValue] = {
        "closed": case.closed,
        "answer_type": "CLOSED" if case.closed else "OPEN",
    }
    return derived.get(column)


def says_nothing(value: MetaValue) -> bool:
    """Whether a value is missing, NaN or one of the words for that."""
    if isinstance(value, float) and math.isnan(value):
        return True
    return value is None or (isinstance(value, str) and value.strip().casefold() in MISSING)


def as_number(value: MetaValue) -> float | None:
    """The value as a finite number, or None; true and false are none."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value.strip()) else None
    return float(value) if math.isfinite(value) else None


def quoted(word: str) -> str:
    """A name or value as it is written in a predicate."""
    if BARE.fullmatch(word) and word.casefold() not in WORDS:
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _equal(value: MetaValue, given: str) -> bool:
    number, wanted = as_number(value), as_number(given)
    if number is not None and wanted is not None:
        return number == wanted
    return " ".join(str(value).casefold().split()) == " ".join(given.casefold().split())
