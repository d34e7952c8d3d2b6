"""Two visits: what the words say is what the masks show, and exchanging the pictures turns it round."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import product

import numpy as np
import pytest

from medaudit.errors import DataError, UsageError
from medaudit.image import keyed_rng
from medaudit.phantoms import case_set
from medaudit.phantoms.cases import drawn
from medaudit.phantoms.modalities import NAMES, modality
from medaudit.phantoms.picture import Lesion, Picture
from medaudit.phantoms.rendering import image, masks, render
from medaudit.phantoms.visits import CHANGES, STEP, change, make_visit, visit_cases, visits

TURNED = {"worsened": "improved", "improved": "worsened", "unchanged": "unchanged"}


def from_masks(first: Picture, second: Picture, kind: str) -> str:
    """Independent reader: counts pixels of the finding, knows nothing of extents."""
    before, after = (
        next(mask for lesion, mask in masks(picture).items() if lesion.kind == kind)
        for picture in (first, second)
    )
    if np.array_equal(before, after):
        return "unchanged"
    return "worsened" if after.sum() > before.sum() else "improved"


def random_visits(name: str, each: int, dose: float = 0.0) -> Iterator[tuple[Picture, Picture, str, str]]:
    for kind, answer, i in product(modality(name).kinds, CHANGES, range(each)):
        prior, current = visits(name, kind, answer, keyed_rng("test", name, kind, answer, i), dose=dose)
        yield prior, current, kind, answer


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_is_what_the_masks_show_and_turns_round_with_the_pictures(name: str) -> None:
    for prior, current, kind, answer in random_visits(name, 8):
        case = make_visit("there", prior, current, kind)
        back = make_visit("back", current, prior, kind)

        assert case.answer == answer == from_masks(prior, current, kind)
        assert back.answer == TURNED[answer] == from_masks(current, prior, kind)
        assert (case.question, case.options, case.group) == (back.question, back.options, back.group)
        assert [x.digest for x in case.images] == [image(prior).digest, image(current).digest]
        assert [x.digest for x in back.images] == [image(current).digest, image(prior).digest]
        assert make_visit("twice", prior, prior, kind).answer == "unchanged"


def test_the_visits_are_one_patient_taken_anew() -> None:
    for prior, current, kind, answer in random_visits("chest", 8):
        same = current.but(lesions=prior.lesions, visit=prior.visit)
        assert same == prior
        assert current.visit == prior.visit + 1
        assert (render(prior) != render(current)).mean() > 0.3  # other noise, all over
        before, after = prior.lesion(kind), current.lesion(kind)
        assert before is not None
        assert after is not None
        grown = after.extent - before.extent
        assert abs(grown) >= STEP - 1e-9 if answer != "unchanged" else grown == 0
        assert [x for x in prior.lesions if x.kind != kind] == [x for x in current.lesions if x.kind != kind]


def test_half_the_patients_have_another_finding_that_stays() -> None:
    others = [len(prior.lesions) - 1 for prior, *_ in random_visits("chest", 40)]

    assert set(others) == {0, 1}
    assert 0.4 < np.mean(others) < 0.6


@pytest.mark.parametrize("dose", [0.0, 0.3, 1.0])
def test_vendor_and_view_change_in_a_share_of_patients_and_nothing_else_does(dose: float) -> None:
    still, dosed = list(random_visits("chest", 30)), list(random_visits("chest", 30, dose))
    moved = [(a.vendor != b.vendor, a.view != b.view) for a, b, _, _ in dosed]

    assert np.mean(moved, axis=0) == pytest.approx([dose, dose], abs=0.09)
    for (prior, current, _, _), (first, second, kind, answer) in zip(still, dosed, strict=True):
        assert first == prior
        assert second.but(vendor=prior.vendor, view=prior.view) == current
        assert change(first, second, kind) == answer


def test_another_vendor_leaves_an_unchanged_mask_as_it_is() -> None:
    for prior, current, kind, answer in random_visits("chest", 20, dose=1.0):
        shown = current.but(view=prior.view)
        assert shown.vendor != prior.vendor
        assert (from_masks(prior, shown, kind) == "unchanged") == (answer == "unchanged")


@pytest.mark.parametrize("n", [9, 100, 240])
@pytest.mark.parametrize("name", ["chest", "fundus"])
def test_answers_are_balanced_overall_and_for_each_finding(name: str, n: int) -> None:
    cases = visit_cases(n, seed=1, name=name).cases
    counts = Counter((case.question, case.answer) for case in cases)

    assert len(counts) == 9
    for question in {case.question for case in cases}:
        own = [counts[question, answer] for answer in CHANGES]
        assert max(own) - min(own) <= 1
    overall = Counter(case.answer for case in cases).values()
    assert max(overall) - min(overall) <= 1


def test_the_current_picture_alone_tells_less_than_two_thirds() -> None:
    """The best rule on the current extent: 0.657 on paper. On both extents: 1."""
    rows = drawn("chest-visits", 1800, seed=0)
    extents = [picture.lesion(question.name.removesuffix("-change")) for _, picture, question in rows]
    bins = [int(10 * lesion.extent) for lesion in extents if lesion is not None]
    assert len(bins) == len(rows)
    counts = Counter((place, case.answer) for place, (case, _, _) in zip(bins, rows, strict=True))

    best = sum(max(counts[place, answer] for answer in CHANGES) for place in range(11))

    assert best / len(rows) == pytest.approx(0.657, abs=0.035)


def test_regions_and_metadata_say_which_visit_they_speak_of() -> None:
    prior, current = visits("chest", "nodule", "worsened", keyed_rng(5), dose=1.0)
    case = make_visit("one", prior, current, "nodule")

    (x0, y0, x1, y1) = next(region.box for region in case.regions if region.label == "nodule")
    mask = next(mask for lesion, mask in masks(prior).items() if lesion.kind == "nodule")
    assert mask[y0:y1, x0:x1].sum() == mask.sum()
    assert (case.meta["vendor"], case.meta["vendor_before"]) == (current.vendor, prior.vendor)
    assert case.question == (
        "Compared with the first picture, has the nodule worsened, improved or stayed the same?"
    )


SMALL, MIDDLE = Lesion("nodule", "left", 0.1), Lesion("nodule", "left", 0.3)


@pytest.mark.parametrize(
    "after", [(), (MIDDLE,), (Lesion("nodule", "right", 0.9),), (SMALL, Lesion("nodule", "right"))]
)
def test_where_nothing_can_be_said_no_case_is_made(after: tuple[Lesion, ...]) -> None:
    prior, current = Picture("chest", 1, (SMALL,)), Picture("chest", 1, after, visit=1)

    assert change(prior, current, "nodule") is None
    with pytest.raises(DataError, match="no clear course"):
        make_visit("x", prior, current, "nodule")


def test_the_named_set_is_the_plain_one() -> None:
    assert case_set("chest-visits", 30, seed=4).digest() == visit_cases(30, seed=4).digest()
    with pytest.raises(UsageError, match="dose = 2: give a number from 0 to 1"):
        visit_cases(30, dose=2)
    with pytest.raises(DataError, match="from 1"):
        visit_cases(0)
