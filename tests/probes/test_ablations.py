"""The swap is a true derangement even when images repeat; blank and noise tell nothing."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from medaudit.case import Case
from medaudit.image import ArrayImage
from medaudit.probes.ablations import blank, noise, swapped

PICTURES = [ArrayImage(np.full((3, 5, 3), value, dtype=np.uint8), f"i{value}") for value in range(12)]


def case(number: int, pictures: list[int], group: str = "") -> Case:
    images = tuple(PICTURES[picture] for picture in pictures)
    return Case(f"c{number}", images, "Q?", "yes", ("yes", "no"), group)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(st.lists(st.integers(0, 5), min_size=1, max_size=2), st.sampled_from("abcd")), max_size=24
    ),
    st.integers(0, 5),
)
def test_nobody_meets_a_picture_of_his_own(rows: list[tuple[list[int], str]], seed: int) -> None:
    cases = [case(index, pictures, group) for index, (pictures, group) in enumerate(rows)]

    donated = swapped(cases, seed)

    for own, given_images in zip(cases, donated, strict=True):
        if given_images is not None:
            assert len(given_images) == len(own.images)
            assert {i.digest for i in given_images}.isdisjoint(i.digest for i in own.images)
    # Every set of images is handed on at most as often as it exists.
    held = Counter(tuple(image.digest for image in one.images) for one in cases)
    used = Counter(tuple(image.digest for image in images) for images in donated if images is not None)
    assert not used - held


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 5), max_size=30), st.integers(0, 5))
def test_no_more_cases_are_left_out_than_must_be(pictures: list[int], seed: int) -> None:
    cases = [case(index, [picture]) for index, picture in enumerate(pictures)]
    largest = max(Counter(pictures).values(), default=0)

    left_out = swapped(cases, seed).count(None)

    # The most frequent picture can go nowhere but to the others: what is over a half stays.
    assert left_out == max(0, 2 * largest - len(pictures))


def test_another_patient_is_chosen_where_that_costs_nobody() -> None:
    cases = [case(index, [index], f"patient-{index // 3}") for index in range(12)]
    owner = {PICTURES[index].digest: index // 3 for index in range(12)}

    donated = swapped(cases, 0)

    assert all(images and owner[images[0].digest] != index // 3 for index, images in enumerate(donated))


def test_one_patient_with_several_pictures_is_still_swapped() -> None:
    cases = [case(index, [index], "patient") for index in range(6)]

    assert None not in swapped(cases, 0)


def test_blank_depends_on_the_size_alone() -> None:
    first, second = blank(case(0, [1]))[0], blank(case(1, [2]))[0]

    assert first.digest == second.digest
    assert first.pixels().shape == (3, 5, 3)
    assert (first.pixels() == 128).all()


def test_noise_is_keyed_by_case_and_seed() -> None:
    images = [noise(case(0, [1]), 0)[0], noise(case(1, [1]), 0)[0], noise(case(0, [1]), 1)[0]]

    assert len({image.digest for image in images}) == 3
    assert len({image.pixels().tobytes() for image in images}) == 3
    assert images[0].pixels().tobytes() == noise(case(0, [2]), 0)[0].pixels().tobytes()


def test_noise_is_uniform() -> None:
    picture = ArrayImage(np.zeros((100, 100, 3), dtype=np.uint8))
    drawn = noise(Case("c", (picture,), "Q?", "yes", ("yes", "no")), 0)[0].pixels()

    # Uniform on 0..255: mean 127.5, sd 73.9; 30,000 draws leave 0.43 on the mean.
    assert abs(drawn.mean() - 127.5) < 2
    assert abs(drawn.std() - 73.9) < 1
