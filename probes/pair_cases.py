"""Pairs of cases: one question put to two images, and what kind of pair the right answers make of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from medaudit.stats.components import components

if TYPE_CHECKING:
    from medaudit.case import Case

#: The column in which mining says whether a pair was mined or is the matched control of one.
ROLE = "pair_role"
MINED, CONTROL = "mined", "control"

ALONE = "one case alone: the other of the pair is not among the cases (left out, or beyond a limit)"
CROWD = "more than two cases share the name of the pair"
OPEN = "without options: a pair is a closed question"
UNLIKE = "the two cases do not ask the same question with the same options"
SAME_IMAGE = "both cases show the same images"
NO_ROLE = f"'{ROLE}' is not {MINED} or {CONTROL} in both cases"


@dataclass(frozen=True, eq=False)
class Pair:
    """Two cases with one question, options in the same order, and a right answer each."""

    name: str
    first: Case
    second: Case

    @property
    def cases(self) -> tuple[Case, Case]:
        return self.first, self.second

    @property
    def right(self) -> tuple[int, int]:
        """Numbers of the two right options."""
        folded = [_folded(option) for option in self.first.options]
        return folded.index(_folded(self.first.answer)), folded.index(_folded(self.second.answer))

    @property
    def confusing(self) -> bool:
        """Whether the right answers differ; where they are equal the pair is a control."""
        return self.right[0] != self.right[1]

    @property
    def illustrated(self) -> bool:
        return bool(self.first.images and self.second.images)

    def tags(self, column: str) -> tuple[str, ...]:
        """What either case says in a column; several words are joined by ";"."""
        said = (case.meta.get(column) for case in self.cases)
        words = [word.strip() for value in said if value is not None for word in str(value).split(";")]
        return tuple(dict.fromkeys(word for word in words if word))


@dataclass(frozen=True)
class Paired:
    """The pairs of a data set by kind, and how many were left out for which reason.

    ``pairs`` have different right answers; ``controls`` too, and are matched to mined ones; ``nuisance``
    pairs have equal ones.
    """

    pairs: tuple[Pair, ...] = ()
    controls: tuple[Pair, ...] = ()
    nuisance: tuple[Pair, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)


def paired(cases: Iterable[Case]) -> Paired:
    """Join the cases that share ``Case.pair``; nothing is dropped without its reason."""
    named: dict[str, list[Case]] = {}
    for case in cases:
        if case.pair:
            named.setdefault(case.pair, []).append(case)
    kinds: dict[str, list[Pair]] = {"pairs": [], "controls": [], "nuisance": []}
    left_out: Counter[str] = Counter()
    for name, members in named.items():
        if why := _unfit(members):
            left_out[why] += 1
            continue
        first, second = members
        pair = Pair(name, first, replace(second, options=first.options))
        role = first.meta.get(ROLE)
        kind = "nuisance" if not pair.confusing else "controls" if role == CONTROL else "pairs"
        kinds[kind].append(pair)
    return Paired(**{kind: tuple(found) for kind, found in kinds.items()}, left_out=dict(left_out))


def pair_groups(pairs: Sequence[Pair]) -> list[int]:
    """Component of each pair in the graph of images; pairs that share a group are joined too."""
    return components([list(_marks(pair)) for pair in pairs])


def in_other_order(case: Case) -> Case:
    """The same case with every option in another place: of two, exchanged; of more, each moved on by one."""
    return replace(case, options=case.options[1:] + case.options[:1])


def _marks(pair: Pair) -> Iterator[Hashable]:
    for case in pair.cases:
        yield from (("image", image.digest) for image in case.images)
        if case.group:
            yield ("group", case.group)


def _unfit(members: Sequence[Case]) -> str:
    if len(members) != 2:
        return ALONE if len(members) < 2 else CROWD
    first, second = members
    if not (first.closed and second.closed):
        return OPEN
    options = [sorted(map(_folded, case.options)) for case in members]
    if _folded(first.question) != _folded(second.question) or options[0] != options[1]:
        return UNLIKE
    shown = [[image.digest for image in case.images] for case in members]
    if first.images and shown[0] == shown[1]:
        return SAME_IMAGE
    roles = {case.meta.get(ROLE) for case in members}
    return "" if roles in ({None}, {MINED}, {CONTROL}) else NO_ROLE


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
