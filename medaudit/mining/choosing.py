"""From admissible pairs to the pairs that are asked: capacity, a limit, and whose answer comes first."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from medaudit.mining.graph import b_matching
from medaudit.mining.knowledge import case_for
from medaudit.mining.result import MinedPair
from medaudit.mining.templates import Template, asked, template_for

if TYPE_CHECKING:
    from medaudit.case import Case
    from medaudit.mining.pool import Ints
    from medaudit.mining.result import Role
    from medaudit.mining.vectors import Floats
    from medaudit.mining.world import World


@dataclass(frozen=True)
class Candidates:
    """Admissible pairs: pictures, attribute, stratum, both similarities, and what each is worth."""

    first: Ints
    second: Ints
    attribute: Ints
    stratum: Ints
    similarity: Floats
    reference: Floats
    weight: Floats

    def __len__(self) -> int:
        return len(self.first)

    def only(self, kept: Ints) -> Candidates:
        return Candidates(*(getattr(self, name)[kept] for name in self.__dataclass_fields__))


def chosen(pairs: Candidates, capacity: int, limit: int | None) -> tuple[Candidates, bool]:
    """Pairs of largest total weight with each picture in at most ``capacity``; and whether that is optimal.

    Of these, ``limit`` are kept: attributes in turn, each one's heaviest first, so that no attribute crowds
    out the others.
    """
    taken, exact = b_matching(pairs.first, pairs.second, np.maximum(pairs.weight, 1e-6), capacity)
    kept = np.flatnonzero(taken)
    order = kept[np.lexsort((pairs.second[kept], pairs.first[kept], -pairs.weight[kept]))]
    turns: Counter[int] = Counter()
    turn: list[int] = []
    for attribute in pairs.attribute[order].tolist():
        turn.append(turns[attribute])
        turns[attribute] += 1
    return pairs.only(order[np.argsort(turn, kind="stable")][:limit]), exact


class Worder:
    """Turns pictures into pairs of cases. Of each attribute's values either comes first equally often."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._templates: dict[int, Template] = {}
        for number, attribute in enumerate(world.known.attributes):
            if not attribute.options and world.wanted[number]:
                given = world.rules.templates.get(attribute.words)
                self._templates[number] = template_for(attribute.words, attribute.values, given)

    def worded(self, found: Candidates, role: Role) -> tuple[Candidates, list[MinedPair]]:
        """The candidates in order of the pairs' ids, and the pairs."""
        found = found.only(
            np.asarray(sorted(range(len(found)), key=lambda row: self._id(found, row, role)), int)
        )
        turns: Counter[tuple[int, tuple[str, ...]]] = Counter()
        made: list[MinedPair] = []
        for row in range(len(found)):
            values = self.values(found, row)
            key = int(found.attribute[row]), values
            made.append(self.pair(found, row, role, leading=values[turns[key] % 2]))
            turns[key] += 1
        return found, made

    def values(self, found: Candidates, row: int) -> tuple[str, ...]:
        """The two values of a pair's attribute, sorted."""
        ends, attribute = (int(found.first[row]), int(found.second[row])), int(found.attribute[row])
        return tuple(sorted(self.world.known.value(picture, attribute) for picture in ends))

    def leading(self, found: Candidates, row: int, pair: MinedPair) -> str:
        """The value that the pair's first picture has."""
        a, b = int(found.first[row]), int(found.second[row])
        shown = a if self.world.pool.images[a].digest == pair.first.images[0].digest else b
        return self.world.known.value(shown, int(found.attribute[row]))

    def pair(
        self, found: Candidates, row: int, role: Role, *, leading: str, control_of: str = ""
    ) -> MinedPair:
        """One pair, the picture with value ``leading`` first."""
        attribute = int(found.attribute[row])
        two = int(found.first[row]), int(found.second[row])
        if self.world.known.value(two[0], attribute) != leading:
            two = two[::-1]
        values = self.values(found, row)
        first, second = (self._case(picture, attribute, values) for picture in two)
        name = self.world.known.attributes[attribute].name
        similar, looked = float(found.similarity[row]), float(found.reference[row])
        return MinedPair(self._id(found, row, role), name, first, second, similar, looked, role, control_of)

    def _case(self, picture: int, number: int, values: tuple[str, ...]) -> Case:
        attribute, cases = self.world.known.attributes[number], self.world.pool.cases[picture]
        if attribute.options:
            return case_for(cases, attribute)
        value = self.world.known.value(picture, number)
        return asked(cases, attribute.words, self._templates[number], value, values)

    def _id(self, found: Candidates, row: int, role: Role) -> str:
        """A name that depends on the two pictures and the attribute alone."""
        pool = self.world.pool
        shown = sorted(pool.images[int(i)].digest for i in (found.first[row], found.second[row]))
        name = self.world.known.attributes[int(found.attribute[row])].name
        return f"{role}-{hashlib.blake2b('|'.join([name, *shown]).encode(), digest_size=6).hexdigest()}"
