"""Pictures of k attributes: in k of six slots lies a finding, small or large, and each is asked for.

A slot is a finding in a place. A model that sees which size belongs to which slot answers as well at k = 6
as at k = 1. One that sees sizes without their slots has to guess among them: it is right in 1/2 + 1/(2k) of
the cases. The slope of accuracy over k tells the two apart (pairwise complexity: ViLLA, Varma 2023).
"""

from __future__ import annotations

from functools import cache
from typing import TypeAlias

import numpy as np

from medaudit.case import CaseSet
from medaudit.errors import DataError
from medaudit.image import keyed_rng
from medaudit.phantoms import people
from medaudit.phantoms.cases import Drawn, make_case
from medaudit.phantoms.modalities import modality
from medaudit.phantoms.picture import Lesion, Picture
from medaudit.phantoms.questions import SIZES, Question

#: A finding and its place.
Slot: TypeAlias = tuple[str, str]


def slots(name: str) -> tuple[Slot, ...]:
    """The six slots of a modality."""
    kind = modality(name)
    return tuple((finding, place) for finding in kind.kinds for place in kind.places)


@cache
def question(slot: Slot) -> Question:
    """Whether the finding in this slot is small or large."""
    finding, place = slot

    def truth(picture: Picture) -> str | None:
        found = [lesion for lesion in picture.lesions if (lesion.kind, lesion.place) == slot]
        return found[0].label if found else None

    return Question(f"{finding}-{place}-size", f"Is the {place} {finding} small or large?", SIZES, truth)


def attribute_cases(n: int = 240, seed: int = 0, *, name: str = "chest") -> CaseSet:
    """``n`` cases over pictures of k = 1 to 6 attributes, ``meta["k"]``, all of which are asked for.

    Each k has as many cases as the others, and for each k and slot the answers are balanced, to within one.
    Where a k's share of cases is used up within a picture, its other attributes are not asked. DataError for
    n < 1.
    """
    rows = _rows(f"{name}-attributes", n, seed, name)
    return CaseSet(f"{name}-attributes", "phantom", tuple(case for case, _, _ in rows), public=True)


def build(n: int, seed: int) -> list[Drawn]:
    """The set ``chest-attributes``."""
    return _rows("chest-attributes", n, seed, "chest")


def _rows(set_name: str, n: int, seed: int, name: str) -> list[Drawn]:
    if n < 1:
        raise DataError(f"phantom:{set_name}: {n} cases were asked for; give a number from 1.")
    rows: list[Drawn] = []
    most = len(slots(name))
    for k in range(1, most + 1):
        # The first of the levels get what is left over.
        share = n // most + (k <= n % most)
        rng = keyed_rng("medaudit.attributes", set_name, seed, k)
        for picture, asked in _level(name, k, share, rng):
            for slot in asked:
                case_id = f"{set_name}-{seed}-{len(rows):05d}"
                rows.append((make_case(case_id, picture, question(slot), {"k": k}), picture, question(slot)))
    return rows


def _level(name: str, k: int, share: int, rng: np.random.Generator) -> list[tuple[Picture, tuple[Slot, ...]]]:
    """Pictures of k attributes, and which of them are asked: ``share`` in all."""
    known = slots(name)
    chosen = [tuple(int(i) for i in rng.permutation(len(known))[:k]) for _ in range(-(-share // k))]
    asked = [held[: share - k * i] for i, held in enumerate(chosen)]
    sizes = _sizes(asked, k, rng)
    found = []
    for held, about in zip(chosen, asked, strict=True):
        large = {i: sizes[i].pop() if i in about else bool(rng.integers(2)) for i in held}
        lesions = tuple(Lesion(*known[i], extent=_extent(large[i], rng)) for i in sorted(held))
        found.append((people.draw_person(name, rng, lesions), tuple(known[i] for i in about)))
    return found


def _sizes(asked: list[tuple[int, ...]], k: int, rng: np.random.Generator) -> dict[int, list[bool]]:
    """For each slot whether it is large each time that it is asked: evenly, in random order."""
    times: dict[int, int] = {}
    for slot in (slot for held in asked for slot in held):
        times[slot] = times.get(slot, 0) + 1
    # An odd one out is large in every other slot, and the other way round at the next k.
    dealt = {slot: [(turn + slot + k) % 2 == 1 for turn in range(count)] for slot, count in times.items()}
    for sizes in dealt.values():
        rng.shuffle(sizes)
    return dealt


def _extent(large: bool, rng: np.random.Generator) -> float:
    return round(0.8 * large + 0.2 * rng.random(), 3)
