"""Pictures of k attributes: one oracle sees which size lies where, the other sees sizes only."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import numpy as np
import pytest

from medaudit.errors import DataError
from medaudit.image import keyed_rng
from medaudit.phantoms import case_set
from medaudit.phantoms.attributes import attribute_cases, question, slots
from medaudit.phantoms.cases import drawn
from medaudit.phantoms.modalities import NAMES, modality
from medaudit.phantoms.picture import Lesion, Picture
from medaudit.phantoms.questions import SIZES


def spread(counts: Counter[Any]) -> int:
    return max(counts.values()) - min(counts.values())


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_of_k_holds_k_findings_in_k_slots(name: str) -> None:
    cases = attribute_cases(252, seed=1, name=name).cases

    for case in cases:
        assert len(case.regions) == case.meta["k"]
        assert max(Counter(region.label for region in case.regions).values()) <= 2
        assert case.options == SIZES
    assert set(Counter(case.meta["k"] for case in cases).values()) == {42}
    assert {case.question for case in cases} == {
        f"Is the {place} {kind} small or large?"
        for kind in modality(name).kinds
        for place in modality(name).places
    }


def test_every_attribute_of_a_picture_is_asked_once() -> None:
    by_group = defaultdict(list)
    for case in attribute_cases(6 * 60, seed=1).cases:  # 60 is a multiple of every k
        by_group[case.group].append(case)

    for group in by_group.values():
        assert len({case.question for case in group}) == len(group) == group[0].meta["k"]
        assert len({case.images[0].digest for case in group}) == 1


@pytest.mark.parametrize("n", [600, 601, 1234])
def test_answers_are_balanced_for_each_k_and_slot(n: int) -> None:
    cases = attribute_cases(n, seed=2).cases

    assert len(cases) == n
    assert spread(Counter(case.meta["k"] for case in cases)) <= 1
    for k in range(1, 7):
        for asked in {case.question for case in cases}:
            own = Counter(dict.fromkeys(SIZES, 0))
            own.update(c.answer for c in cases if c.meta["k"] == k and c.question == asked)
            assert own.total() > 0
            assert spread(own) <= 1
        assert spread(Counter(case.answer for case in cases if case.meta["k"] == k)) <= 6


def size_in_slot(picture: Picture, text: str) -> str | None:
    """Independent reader: takes place and finding from the words."""
    place, kind = text.split()[2:4]
    return next(lesion.label for lesion in picture.lesions if (lesion.kind, lesion.place) == (kind, place))


def accuracies(sees_slots: bool, seed: int) -> list[float]:
    """Accuracy by k of a model that sees each slot, or only the bag of sizes and takes one at random."""
    right = defaultdict(list)
    for case, picture, _ in drawn("chest-attributes", 3600, seed):
        bag = [lesion.label for lesion in picture.lesions]
        guess = bag[keyed_rng("bag", case.id).integers(len(bag))]
        said = size_in_slot(picture, case.question) if sees_slots else guess
        right[case.meta["k"]].append(said == case.answer)
    return [float(np.mean(right[k])) for k in range(1, 7)]


def test_accuracy_falls_with_k_for_a_bag_of_sizes_and_not_for_slots() -> None:
    assert accuracies(sees_slots=True, seed=3) == [1.0] * 6

    bag = accuracies(sees_slots=False, seed=3)

    # 600 cases each: three standard errors are 0.06.
    assert bag == pytest.approx([0.5 + 0.5 / k for k in range(1, 7)], abs=0.06)
    assert np.polyfit(range(1, 7), bag, 1)[0] < -0.05


def test_the_sizes_of_two_slots_of_a_picture_say_nothing_of_each_other() -> None:
    pictures = {picture.patient: picture for _, picture, _ in drawn("chest-attributes", 3600, seed=3)}
    sixes = [p for p in pictures.values() if len(p.lesions) == 6]
    large = np.array([[lesion.label == "large" for lesion in p.lesions] for p in sixes], dtype=float)

    off = np.corrcoef(large.T)[np.triu_indices(6, 1)]

    assert len(sixes) == 100
    assert np.abs(off).max() < 0.33  # over 100 pictures: three standard deviations are 0.3
    assert abs(off.mean()) < 0.08


def test_the_question_is_about_its_own_slot() -> None:
    picture = Picture("chest", 1, (Lesion("nodule", "left", 0.0), Lesion("nodule", "right", 1.0)))

    assert question(("nodule", "left")).truth(picture) == "small"
    assert question(("nodule", "right")).truth(picture) == "large"
    assert question(("effusion", "left")).truth(picture) is None
    assert len(set(slots("chest"))) == 6


def test_the_named_set_is_the_plain_one() -> None:
    assert case_set("chest-attributes", 30, seed=4).digest() == attribute_cases(30, seed=4).digest()
    with pytest.raises(DataError, match="from 1"):
        attribute_cases(0)
