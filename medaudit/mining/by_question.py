"""Mining question by question: alike in the state from which the answer to the very question is read.

A picture has one such state for each question asked about it. A model that cannot tell small from large
has learnt pictures that it can tell apart by all else: no embedding of the picture alone shows that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from medaudit.errors import UsageError
from medaudit.mining.choosing import Candidates
from medaudit.mining.knowledge import ANSWERS
from medaudit.mining.pipeline import Stratum, gathered_from, searched
from medaudit.mining.pool import folded, strata_of
from medaudit.mining.unseen import Unseen, unseen_ratio
from medaudit.mining.vectors import unit_vectors
from medaudit.mining.world import World, world

if TYPE_CHECKING:
    from medaudit.case import Case
    from medaudit.mining.duplicates import Hashes
    from medaudit.mining.pool import Ints
    from medaudit.mining.result import Mined
    from medaudit.mining.rules import Rules
    from medaudit.mining.vectors import Units

ONLY_ANSWERS = (
    "mining by question: audited is {given}; a state belongs to a question that was asked: leave ['answer']"
)


def mine_by_question(
    cases: Sequence[Case],
    vectors: Mapping[str, Any],
    reference: Any,
    *,
    rules: Rules,
    hashes: Hashes | None = None,
) -> Mined:
    """:func:`mine`, with the model's similarity under each question in turn.

    ``vectors`` holds, by question, an array-like ``(n, d)`` with a row for each of ``images_of(cases)``, NaN
    where the question was not asked. A pair that differs in the answer to a question is judged by the
    similarity under it, against quantiles of random pairs under it. A question counts only where its
    :func:`unseen_ratio` is at least ``rules.unseen``: below, pairs are single mistakes of a model that sees
    the attribute. UsageError where columns are audited.
    """
    if tuple(rules.audited) != (ANSWERS,):
        raise UsageError(ONLY_ANSWERS.format(given=list(rules.audited)))
    base = world(cases, reference, reference, rules, hashes)
    by_words = {folded(words): rows for words, rows in vectors.items()}
    strata: list[Stratum] = []
    worlds: dict[int, World] = {}
    told: dict[int, Unseen] = {}
    for number in np.flatnonzero(base.wanted).tolist():
        rows = by_words.get(base.known.attributes[number].words)
        if rows is None:
            continue
        own = _world(base, number, rows)
        found = list(_strata(own, number, len(strata)))
        told[number] = unseen_ratio(own, [(stratum.members, stratum.at) for stratum in found], number)
        if not told[number].at_least(rules.unseen):
            found = [replace(stratum, found=_nothing(stratum.found)) for stratum in found]
        worlds |= {len(strata) + place: own for place in range(len(found))}
        strata += found
    return gathered_from(base, strata, worlds=worlds, unseen=told)


def _world(base: World, number: int, rows: Any) -> World:
    """The pool as seen under one question: its vectors, and that question alone wanted."""
    own = np.asarray(rows)[base.pool.rows]
    holders = np.concatenate(list(base.known.holders(number).values()))
    members = np.sort(holders[np.isfinite(own[holders]).all(axis=1)])
    wanted = np.zeros(len(base.wanted), dtype=bool)
    wanted[number] = True
    units = unit_vectors(own, members, "vectors") if len(members) else np.empty((0, own.shape[1]), np.float32)
    # Where the question was not asked nothing looks a row up.
    return replace(base, model=cast("Units", Rows(units, members, len(base.pool))), wanted=wanted)


def _strata(own: World, number: int, start: int) -> Iterator[Stratum]:
    members = cast("Rows", own.model).members
    question = own.known.attributes[number].name
    parts = [(on, np.intersect1d(part, members)) for on, part in strata_of(own.pool, own.rules.strata)]
    for place, (on, part) in enumerate(part for part in parts if len(part[1])):
        yield searched(own, start + place, {**on, "question": question}, part, None)


def _nothing(found: Candidates) -> Candidates:
    return found.only(np.empty(0, dtype=np.int64))


@dataclass(frozen=True)
class Rows:
    """Unit vectors of some pictures of a pool, looked up by the pool's numbers: memory for those alone."""

    units: Units
    members: Ints
    n: int

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, pictures: Ints | slice) -> Units:
        if isinstance(pictures, slice):
            pictures = np.arange(self.n)[pictures]
        return self.units[np.searchsorted(self.members, pictures)]
