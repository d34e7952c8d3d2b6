"""Images that hold less than the case's own: blank, noise, or another case's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from medaudit.image import LazyImage, keyed_rng

if TYPE_CHECKING:
    from medaudit.case import Case
    from medaudit.image import Image, Pixels

#: Mid-grey, the same for every picture: a mean colour of the picture's own would still tell something.
GREY = 128


def blank(case: Case) -> tuple[Image, ...]:
    """Mid-grey pictures of the same sizes; equal for equal sizes, so each is asked once per question."""
    return tuple(_blank(*image.size) for image in case.images)


def _blank(height: int, width: int) -> Image:
    def make() -> Pixels:
        return np.full((height, width, 3), GREY, dtype=np.uint8)

    return LazyImage(make, f"blank:1:{GREY}:{height}x{width}", "blank", (height, width))


def noise(case: Case, seed: int) -> tuple[Image, ...]:
    """Uniform noise of the same sizes, drawn from (seed, case id)."""
    return tuple(_noise(seed, f"{case.id}#{index}", *image.size) for index, image in enumerate(case.images))


def _noise(seed: int, name: str, height: int, width: int) -> Image:
    def make() -> Pixels:
        rng = keyed_rng(seed, name, "uniform noise")
        return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)

    return LazyImage(make, f"noise:1:{seed}:{name}:{height}x{width}", "noise", (height, width))


def swapped(cases: Sequence[Case], seed: int) -> list[tuple[Image, ...] | None]:
    """Each case gets another case's images: a derangement, every set of images used at most once.

    No case gets an image whose digest equals one of its own, even when pictures repeat. Where it costs no
    case, images come from another group too (another view of one patient tells much). Cases for which no
    partner is left get None: those of a picture that more than half of the cases share.
    """
    donors = _derangement(cases, seed, lambda case: [("group", case.group or case.id), *_digests(case)])
    if None in donors:
        donors = _derangement(cases, seed, _digests)
    return [None if donor is None else cases[donor].images for donor in donors]


def _digests(case: Case) -> list[Hashable]:
    return [("image", image.digest) for image in case.images]


def _derangement(
    cases: Sequence[Case], seed: int, marks: Callable[[Case], Iterable[Hashable]]
) -> list[int | None]:
    """Donor of each case: one with as many images and no mark in common, directly or through others."""
    donors: list[int | None] = [None] * len(cases)
    by_count: dict[int, list[int]] = defaultdict(list)
    for index, case in enumerate(cases):
        by_count[len(case.images)].append(index)
    for count, members in sorted(by_count.items()):
        rng = keyed_rng(seed, "derangement", count)
        classes = _classes(members, [list(marks(cases[index])) for index in members])
        for taker, donor in _rotate([[one[i] for i in rng.permutation(len(one))] for one in classes], rng):
            donors[taker] = donor
    return donors


def _classes(members: Sequence[int], marks: Sequence[Sequence[Hashable]]) -> list[list[int]]:
    """Connected components: members that share a mark are in one class."""
    root: dict[Hashable, Hashable] = {}

    def find(mark: Hashable) -> Hashable:
        while root.setdefault(mark, mark) != mark:
            root[mark] = root[root[mark]]
            mark = root[mark]
        return mark

    for own in marks:
        for mark in own:
            root[find(mark)] = find(own[0])
    classes: dict[Hashable, list[int]] = defaultdict(list)
    for member, own in zip(members, marks, strict=True):
        classes[find(own[0])].append(member)
    return list(classes.values())


def _rotate(classes: list[list[int]], rng: np.random.Generator) -> list[tuple[int, int]]:
    """Pairs (taker, donor) of different classes.

    With the classes laid end to end, moving on by the size of the largest class leaves every class,
    as long as that class holds at most half of all; what is over the half is left out.
    """
    largest = max(classes, key=len)
    others = sum(map(len, classes)) - len(largest)
    del largest[others:]  # after a shuffle: who is left out is drawn, too
    line = [index for place in rng.permutation(len(classes)) for index in classes[place]]
    step = max(map(len, classes))
    return [(taker, line[(place + step) % len(line)]) for place, taker in enumerate(line)]
