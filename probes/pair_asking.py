"""Pairs asked in every mode and arm in one go: as given, in another order, and without the pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from medaudit.probes.ablations import blank
from medaudit.probes.pair_cases import Pair, in_other_order
from medaudit.probes.pair_modes import MISSING, Mode, Read
from medaudit.stats.pair_scores import PairColumns, pair_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.case import Case
    from medaudit.context import Context
    from medaudit.image import Image
    from medaudit.model import Answer, Request

#: As the data give it; with the options in other places; without pictures; with one grey picture for both.
ARMS = ("given", "exchanged", "none", "blank")
Reads: TypeAlias = tuple[Read, Read]


@dataclass(frozen=True, eq=False)
class Judged:
    """Pairs with an answer to both questions; choices are numbered by the options as the data give them.

    ``lost`` counts the pairs without; ``unmeasured`` those whose options came without a number of tokens.
    """

    pairs: tuple[Pair, ...]
    groups: tuple[int, ...]
    reads: tuple[Reads, ...]
    lost: int = 0
    unmeasured: int = 0

    @cached_property
    def chosen(self) -> NDArray[np.int64]:
        """``(n, 2)`` option numbers, INVALID for none."""
        return np.asarray([[read.choice for read in both] for both in self.reads], np.int64).reshape(-1, 2)

    @cached_property
    def right(self) -> NDArray[np.int64]:
        return np.asarray([pair.right for pair in self.pairs], np.int64).reshape(-1, 2)

    @cached_property
    def columns(self) -> PairColumns:
        return pair_columns(self.chosen, self.right)

    def tagged(self, column: str) -> dict[str, NDArray[np.bool_]]:
        """The pairs of each value of a column, ``(n,)``."""
        tags = [pair.tags(column) for pair in self.pairs]
        names = sorted({tag for own in tags for tag in own})
        return {name: np.asarray([name in own for own in tags], dtype=np.bool_) for name in names}

    def where(self, kept: Sequence[bool] | NDArray[np.bool_]) -> Judged:
        """These pairs alone."""
        places = np.flatnonzero(np.asarray(kept, dtype=bool)).tolist()
        return Judged(
            tuple(self.pairs[i] for i in places),
            tuple(self.groups[i] for i in places),
            tuple(self.reads[i] for i in places),
        )

    def ids(self, mask: NDArray[np.bool_]) -> tuple[str, ...]:
        """Both cases of the pairs in a mask."""
        return tuple(case.id for i in np.flatnonzero(mask) for case in self.pairs[i].cases)


@dataclass
class Asking:
    """Collects requests over modes and arms; ``answered`` asks them in one call."""

    ctx: Context
    wanted: list[Request] = field(default_factory=list)
    places: list[tuple[str, str, Mode, Sequence[Pair], Sequence[int]]] = field(default_factory=list)

    def add(self, mode: Mode, arm: str, pairs: Sequence[Pair], groups: Sequence[int], kind: str) -> None:
        """Ask these pairs in one arm; ``kind`` tells pairs from their controls."""
        for pair in pairs:
            for side in (0, 1):
                case = pair.cases[side]
                asked = in_other_order(case) if arm == "exchanged" else case
                self.wanted.append(mode.put(asked, images_in(arm, pair, side)))
        self.places.append((kind, arm, mode, pairs, groups))

    def answered(self) -> Mapping[tuple[str, str, str], Judged]:
        """By mode, kind of pair and arm."""
        answers = iter(self.ctx.ask(self.wanted))
        found = {}
        for kind, arm, mode, pairs, groups in self.places:
            both = [(next(answers), next(answers)) for _ in pairs]
            found[mode.name, kind, arm] = _judged(mode, arm, pairs, groups, both)
        return found


def images_in(arm: str, pair: Pair, side: int) -> tuple[Image, ...]:
    """What is shown of one side of a pair in an arm."""
    if arm == "none":
        return ()
    # One grey picture for both, whatever their sizes: the two requests are then the same by construction.
    return blank(pair.first) if arm == "blank" else pair.cases[side].images


def _judged(
    mode: Mode,
    arm: str,
    pairs: Sequence[Pair],
    groups: Sequence[int],
    answers: Sequence[tuple[Answer, Answer]],
) -> Judged:
    return judged(
        pairs,
        groups,
        [
            (_read(mode, arm, pair.first, first), _read(mode, arm, pair.second, second))
            for pair, (first, second) in zip(pairs, answers, strict=True)
        ],
        unmeasured=sum(any(answer.scores and not answer.lengths for answer in both) for both in answers),
    )


def judged(
    pairs: Sequence[Pair], groups: Sequence[int], reads: Sequence[Reads], *, unmeasured: int = 0
) -> Judged:
    """Keep the pairs with an answer to both questions, and count the others."""
    kept = [i for i, both in enumerate(reads) if all(read.choice != MISSING for read in both)]
    return Judged(
        tuple(pairs[i] for i in kept),
        tuple(groups[i] for i in kept),
        tuple(reads[i] for i in kept),
        len(pairs) - len(kept),
        unmeasured,
    )


def _read(mode: Mode, arm: str, case: Case, answer: Answer) -> Read:
    if arm != "exchanged":
        return mode.read(case, answer)
    read = mode.read(in_other_order(case), answer)
    # Place i of the other order holds option i + 1 of the order as given.
    choice = read.choice if read.choice < 0 else (read.choice + 1) % len(case.options)
    return Read(choice, read.scores[-1:] + read.scores[:-1])
