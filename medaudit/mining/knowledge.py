"""What is known of each picture: answers and audited columns, and whether two pictures differ in exactly one.

An *attribute* is a column (``laterality``) or a closed question with its options. A picture has at
most one value of it. Two pictures are one attribute apart if, among the attributes known of both, exactly one
differs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from medaudit.errors import UsageError
from medaudit.mining.pool import folded, known

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.case import Case
    from medaudit.mining.pool import Ints, Pool

#: An audited column with more values than this is a measurement: it must be put into bins first.
MOST_VALUES = 20
ANSWERS = "answer"
_CHUNK = 1 << 15
_Key: TypeAlias = tuple[str, tuple[str, ...]]
#: By words and options (none: a column), the value that is known of each picture.
_Table: TypeAlias = dict[_Key, dict[int, str]]


@dataclass(frozen=True)
class Attribute:
    """A column, or a question with its options.

    ``name`` is shown: the column, or the question, with its options where others share its words. ``values``
    are the values that pictures have of it, folded. ``options`` is empty for a column.
    """

    name: str
    values: tuple[str, ...]
    words: str
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Knowledge:
    """Attributes and the value of each that is known of each picture, as three parallel columns.

    ``complete`` says of each picture whether all audited columns are known; ``seen``
    holds all names, also of attributes that have one value only and so are none. ``open_questions`` and
    ``contradicted`` count what was not used: cases without options, and answers that a picture's own cases
    do not agree on.
    """

    attributes: tuple[Attribute, ...]
    pictures: Ints
    which: Ints
    values: Ints
    complete: Any
    seen: frozenset[str]
    open_questions: int = 0
    contradicted: int = 0

    @cached_property
    def _tables(self) -> tuple[Any, Any, Any]:
        """Sparse ``(pictures, attributes)`` and ``(pictures, values)``; the first value of each attribute."""
        from scipy.sparse import csr_array

        n, starts = len(self.complete), self._starts
        ones = np.ones(len(self.pictures), dtype=np.int64)
        attributes = csr_array((ones, (self.pictures, self.which)), shape=(n, len(self.attributes)))
        cells = starts[self.which] + self.values
        return attributes, csr_array((ones, (self.pictures, cells)), shape=(n, int(starts[-1]))), starts

    @cached_property
    def _starts(self) -> Ints:
        return np.concatenate([[0], np.cumsum([len(a.values) for a in self.attributes])]).astype(np.int64)

    def one_apart(self, first: Ints, second: Ints, strict: bool = True) -> Ints:
        """The attribute in which each pair differs, ``(m,)``; -1 where it differs in none or in several.

        ``strict``: pairs in which an audited column is unknown of either picture count as differing in
        several. Answers are compared where the question was asked about both.
        """
        found = np.full(len(first), -1, dtype=np.int64)
        for start in range(0, len(first) if self.attributes else 0, _CHUNK):
            part = slice(start, start + _CHUNK)
            found[part] = self._differing(first[part], second[part])
        return np.where(self.complete[first] & self.complete[second], found, -1) if strict else found

    def alike(self, first: Ints, second: Ints, strict: bool = True) -> NDArray[np.bool_]:
        """Whether each pair has attributes that are known of both, and differs in none of them, ``(m,)``."""
        found = np.zeros(len(first), dtype=bool)
        for start in range(0, len(first) if self.attributes else 0, _CHUNK):
            part = slice(start, start + _CHUNK)
            asked, said, _ = self._tables
            both = asked[first[part]].multiply(asked[second[part]]).sum(axis=1)
            same = said[first[part]].multiply(said[second[part]]).sum(axis=1)
            found[part] = (both == same) & (both > 0)
        return found & self.complete[first] & self.complete[second] if strict else found

    def _differing(self, first: Ints, second: Ints) -> Ints:
        asked, said, starts = self._tables
        both = asked[first].multiply(asked[second])
        same = said[first].multiply(said[second])
        # One differing attribute is what is left of the sum of numbers once agreeing ones are taken away.
        of = np.repeat(np.arange(len(self.attributes)), np.diff(starts))
        count = both.sum(axis=1) - same.sum(axis=1)
        number = both @ np.arange(len(self.attributes)) - same @ of
        return np.where(count == 1, number, -1)

    def named(self, names: Collection[str] | None) -> NDArray[np.bool_]:
        """Which attributes are meant by these names (columns, or a question's words); all for None.

        A name of which all pictures have one value means none. UsageError for a name that nothing bears.
        """
        if names is None:
            return np.ones(len(self.attributes), dtype=bool)
        wanted = {folded(name) for name in names}
        for name in sorted(wanted - self.seen):
            raise UsageError.unknown("attribute", name, self.seen)
        own = [{folded(a.name), folded(a.words)} for a in self.attributes]
        return np.asarray([bool(wanted & each) for each in own], dtype=bool)

    @cached_property
    def _cells(self) -> dict[tuple[int, int], int]:
        keys = zip(self.pictures.tolist(), self.which.tolist(), strict=True)
        return dict(zip(keys, self.values.tolist(), strict=True))

    def value(self, picture: int, attribute: int) -> str:
        """The folded value of an attribute that is known of the picture."""
        return self.attributes[attribute].values[self._cells[picture, attribute]]

    def holders(self, attribute: int) -> Mapping[str, Ints]:
        """The pictures of which each value of an attribute is known."""
        here = self.which == attribute
        names = self.attributes[attribute].values
        return {name: self.pictures[here & (self.values == i)] for i, name in enumerate(names)}


def knowledge(pool: Pool, audited: Sequence[str] = (ANSWERS,)) -> Knowledge:
    """Collect what is known. ``audited`` names columns, and ``answer`` for the closed questions of the cases.

    UsageError for a column that no case has and for one of more than 20 values.
    """
    table: _Table = {}
    open_questions = contradicted = 0
    if ANSWERS in audited:
        table, open_questions, contradicted = _answers(pool)
    for column in audited:
        if column != ANSWERS:
            table[column, ()] = _column(pool, column)
    return _assembled(table, len(pool), open_questions, contradicted)


def case_for(cases: Sequence[Case], attribute: Attribute) -> Case:
    """The case of one picture that asks the attribute's question: the one of smallest id."""
    return next(case for case in cases if _question(case) == (attribute.words, attribute.options))


def _answers(pool: Pool) -> tuple[_Table, int, int]:
    table: _Table = {}
    open_questions, contradicted = 0, 0
    for i, cases in enumerate(pool.cases):
        for case in cases:
            if not case.closed:
                open_questions += 1
            else:
                row = table.setdefault(_question(case), {})
                contradicted += row.setdefault(i, folded(case.answer)) != folded(case.answer)
                if row[i] != folded(case.answer):
                    row[i] = ""
    for row in table.values():
        for i in [i for i, value in row.items() if not value]:
            del row[i]
    return table, open_questions, contradicted


def _question(case: Case) -> _Key:
    """Words and options: the same words with other options are another question."""
    return folded(case.question), tuple(sorted(map(folded, case.options)))


def _column(pool: Pool, column: str) -> dict[int, str]:
    found = {i: value for i, cases in enumerate(pool.cases) if (value := known(cases, column)) is not None}
    if not found:
        legal = {name for cases in pool.cases for case in cases for name in case.meta}
        raise UsageError.unknown("audited column (one that holds a value)", column, legal)
    if len(set(found.values())) > MOST_VALUES:
        raise UsageError(
            f"Audited column {column!r} has {len(set(found.values()))} values; at most {MOST_VALUES} make a "
            "question. Put it into bins, or name it as a nuisance with a tolerance."
        )
    return found


def _assembled(table: _Table, n: int, open_questions: int, contradicted: int) -> Knowledge:
    attributes: list[Attribute] = []
    cells: list[tuple[int, int, int]] = []
    complete = np.ones(n, dtype=bool)
    shared = Counter(words for words, _ in table)
    for (words, options), row in sorted(table.items(), key=lambda item: item[0]):
        if not options:
            complete &= np.isin(np.arange(n), list(row))
        code = {value: i for i, value in enumerate(sorted(set(row.values())))}
        if len(code) > 1:
            cells += [(i, len(attributes), code[value]) for i, value in sorted(row.items())]
            name = words if shared[words] == 1 else f"{words} [{' / '.join(options)}]"
            attributes.append(Attribute(name, tuple(code), words, options))
    rows = np.asarray(cells, dtype=np.int64).reshape(-1, 3)
    seen = frozenset(folded(name) for name in (*shared, *(a.name for a in attributes)))
    columns = rows[:, 0], rows[:, 1], rows[:, 2]
    return Knowledge(tuple(attributes), *columns, complete, seen, open_questions, contradicted)
