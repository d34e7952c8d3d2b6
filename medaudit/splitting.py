"""Training and test sets for a real-world split, with no image and no group on both sides."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medaudit.errors import DataError, UsageError
from medaudit.predicates import Declared, check, parse_split

if TYPE_CHECKING:
    from medaudit.case import Case

PARTS = {"train": "train", "training": "train", "test": "test", "testing": "test"} | dict.fromkeys(
    ("val", "valid", "validate", "validation", "dev"), "val"
)

NEITHER = "on neither side: a value is missing, between the two sides, or left out of both"
NO_PART = "the data do not say whether it is for training, validation or test"
VAL_OOD = "validation cases of the shifted side are never used"
VARIES = "shifted training case whose image or group also has cases of the other side"
SEEN = "its image or group is in training too"
HELD = "its image or group is in validation or training too"


@dataclass(frozen=True)
class Split:
    """What :func:`build` gives. ``left_out`` maps a reason to the ids of the cases left out for it.

    ``in_image`` says whether images or groups hold cases of both sides; ``name`` is the split as text.
    """

    name: str
    in_image: bool
    train_iid: tuple[Case, ...]
    val_iid: tuple[Case, ...]
    test_iid: tuple[Case, ...]
    test_ood: tuple[Case, ...]
    left_out: Mapping[str, tuple[str, ...]]

    @property
    def iid(self) -> tuple[Case, ...]:
        """Test cases in distribution."""
        return self.test_iid

    @property
    def ood(self) -> tuple[Case, ...]:
        """Test cases out of distribution."""
        return self.test_ood

    @property
    def counts(self) -> dict[str, int]:
        """Cases per part, and cases left out per reason."""
        parts = ("train_iid", "val_iid", "test_iid", "test_ood")
        return {part: len(getattr(self, part)) for part in parts} | {
            why: len(ids) for why, ids in self.left_out.items()
        }


def build(
    cases: Sequence[Case], predicate: str | Declared, *, in_image: bool | None = None, min_n: int = 1
) -> Split:
    """How would a model trained without the shifted cases be tested on them, without leakage?

    The rule of SURE-VQA (Kahl et al. 2024, arXiv:2411.19688), with ``ood`` the cases that meet the
    predicate::

        train_iid, val_iid, test_iid  training, validation and test cases that do not meet it
        test_ood                      test cases that meet it, and training cases that meet it where the
                                      side is constant within every image and every group

    Whether the side varies within an image or group is measured; ``in_image=True`` keeps training cases out
    of the test even where it does not. ``predicate`` may name its other side (``age < 40 vs age >= 60``) and
    what neither side is asked (``without content_type == gender``). Test cases whose image or group is in
    training or validation as published are left out; so are validation cases that share one with training.

    UsageError for an unknown column, a case that meets both sides, or ``in_image=False`` where the side
    varies. DataError where a part that the data provide, or either side of the test, holds under ``min_n``
    cases.
    """
    declared = parse_split(predicate) if isinstance(predicate, str) else predicate
    check(declared, cases)
    sides = [declared.side(case) for case in cases]
    varies = _varies(cases, sides)
    if varies and in_image is False:
        raise UsageError(
            f"split '{declared}': in_image=False given, but images or groups hold cases of both sides; "
            "leave in_image out."
        )
    mixed = varies or bool(in_image)
    placed = _apart([_place(case, side, mixed) for case, side in zip(cases, sides, strict=True)], cases)
    split = _assembled(str(declared), mixed, cases, placed)
    _assert_filled(split, cases, sides, min_n)
    return split


def keys(case: Case) -> frozenset[Hashable]:
    """What ties a case to others: its group and the content of its images."""
    images = {("image", image.digest) for image in case.images}
    return frozenset(images | ({("group", case.group)} if case.group else set()))


def linked(cases: Sequence[Case]) -> list[int]:
    """Number of the block that each case is in: cases that share an image or a group, however indirectly."""
    parent: dict[Hashable, Hashable] = {}

    def root(key: Hashable) -> Hashable:
        while (above := parent.setdefault(key, key)) != key:
            parent[key] = parent[above]
            key = parent[key]
        return key

    own = [sorted(keys(case), key=repr) or [("case", case.id)] for case in cases]
    for first, *others in own:
        for other in others:
            parent[root(other)] = root(first)
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(root(found[0]), len(numbers)) for found in own]


def _varies(cases: Sequence[Case], sides: Sequence[bool | None]) -> bool:
    seen: dict[Hashable, set[bool]] = defaultdict(set)
    for case, side in zip(cases, sides, strict=True):
        for key in keys(case) if side is not None else ():
            seen[key].add(bool(side))
    return any(len(found) > 1 for found in seen.values())


def _place(case: Case, side: bool | None, mixed: bool) -> str:
    """The part of a case before leakage is looked at, or the reason why it has none."""
    part = PARTS.get((case.split or "").strip().casefold())
    if side is None:
        return NEITHER
    if part is None:
        return NO_PART
    if not side:
        return f"{part}_iid"
    if part == "val":
        return VAL_OOD
    return VARIES if part == "train" and mixed else "test_ood"


def _apart(places: list[str], cases: Sequence[Case]) -> list[str]:
    """Training keeps its cases; validation gives way to it, and the test to both."""
    for taken, yielding, why in (
        (("train_iid",), ("val_iid",), SEEN),
        (("train_iid", "val_iid"), ("test_iid", "test_ood"), HELD),
    ):
        held = _keys_of(case for case, place in zip(cases, places, strict=True) if place in taken)
        places = [
            why if place in yielding and not held.isdisjoint(keys(case)) else place
            for case, place in zip(cases, places, strict=True)
        ]
    return places


def _keys_of(cases: Iterable[Case]) -> set[Hashable]:
    return {key for case in cases for key in keys(case)}


def _assembled(name: str, mixed: bool, cases: Sequence[Case], places: Sequence[str]) -> Split:
    parts: dict[str, list[Case]] = {part: [] for part in ("train_iid", "val_iid", "test_iid", "test_ood")}
    left_out: dict[str, list[str]] = {}
    for case, place in zip(cases, places, strict=True):
        if place in parts:
            parts[place].append(case)
        else:
            left_out.setdefault(place, []).append(case.id)
    filled = {part: tuple(found) for part, found in parts.items()}
    return Split(name, mixed, **filled, left_out={why: tuple(ids) for why, ids in left_out.items()})


def _assert_filled(split: Split, cases: Sequence[Case], sides: Sequence[bool | None], min_n: int) -> None:
    given = {PARTS.get((case.split or "").strip().casefold()) for case in cases}
    needed = [f"{part}_iid" for part in ("train", "val") if part in given] + ["test_iid", "test_ood"]
    for part in needed:
        n = len(getattr(split, part))
        if n < max(1, min_n):
            met = Counter(sides)
            why = "".join(f" {len(ids)}: {reason}." for reason, ids in split.left_out.items())
            raise DataError(
                f"split '{split.name}': {part} holds {n} cases, {max(1, min_n)} are needed. Of {len(cases)} "
                f"cases {met[True]} are on the shifted side, {met[False]} on the other, {met[None]} on "
                f"neither.{' Left out:' if why else ''}{why}"
            )
