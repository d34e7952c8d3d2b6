"""The losses against sums done by hand, what must not change them, and what would overflow."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medaudit.errors import UsageError
from medaudit.mitigation import alignment_loss, choice_loss, region_aware_loss, relevance_loss

#: Class texts along the axes; regions are written by their cosines with them.
TEXTS = torch.eye(2, 3)


def vector(first: float, second: float) -> list[float]:
    """A unit vector with these cosines to the two class texts."""
    return [first, second, math.sqrt(1 - first**2 - second**2)]


def batch(
    rows: list[tuple[int, bool, float, float]], labels: list[int]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Regions written as (image, spurious, cosine with class 0, with class 1)."""
    return (
        torch.tensor([vector(a, b) for _, _, a, b in rows]).reshape(-1, 3),
        torch.tensor([image for image, *_ in rows], dtype=torch.int64),
        torch.tensor([mark for _, mark, *_ in rows], dtype=torch.bool),
        TEXTS,
        torch.tensor(labels),
    )


#: Two images of two classes; the second region of image 0 is spurious.
PAIR = batch([(0, False, 0.6, 0.2), (0, True, 0.1, 0.5), (1, False, 0.3, 0.4), (1, False, 0.0, 0.7)], [0, 1])


def e(*exponents: float) -> float:
    return sum(math.exp(each) for each in exponents)


def test_relevance_is_the_sum_on_paper() -> None:
    """tau 1: image 0 has maxima .6 and .2; image 1 takes its maxima from two regions, .3 and .7; P = e^.5."""
    first = -math.log(e(0.6) / (e(0.6, 0.2) + e(0.5)))
    second = -math.log(e(0.7) / (e(0.3, 0.7) + e(0.5)))

    assert float(relevance_loss(*PAIR, tau=1.0)) == pytest.approx((first + second) / 2, abs=1e-6)


def test_alignment_is_the_sum_on_paper() -> None:
    """Class 0: own .6, the other image .3, the spurious region .1; class 1: own .7, the other .2, it .5."""
    first = -math.log(e(0.6) / e(0.6, 0.3, 0.1))
    second = -math.log(e(0.7) / e(0.7, 0.2, 0.5))

    assert float(alignment_loss(*PAIR, tau=1.0)) == pytest.approx((first + second) / 2, abs=1e-6)


def test_the_whole_is_weighted_and_lambda_one_is_plain_tuning() -> None:
    images = torch.tensor([vector(0.8, 0.1), vector(0.5, 0.2)])
    plain = (-math.log(e(0.8) / e(0.8, 0.1)) - math.log(e(0.2) / e(0.5, 0.2))) / 2
    parts = float(relevance_loss(*PAIR, tau=1.0) + alignment_loss(*PAIR, tau=1.0))

    assert float(choice_loss(images, TEXTS, PAIR[4], tau=1.0)) == pytest.approx(plain, abs=1e-6)
    assert float(region_aware_loss(images, *PAIR, tau=1.0)) == pytest.approx(0.8 * plain + 0.2 * parts)
    assert float(region_aware_loss(images, *PAIR, tau=1.0, lam=1.0)) == pytest.approx(plain, abs=1e-6)


def test_the_penalty_is_the_loudest_label_of_the_batch_summed_over_regions() -> None:
    """Neither a mean over spurious regions nor a maximum over classes that the batch does not hold."""
    one = batch([(0, False, 0.6, 0.2), (0, True, 0.1, 0.5)], [0])
    two = batch([(0, False, 0.6, 0.2), (0, True, 0.1, 0.5), (0, True, 0.1, 0.5)], [0])

    assert float(relevance_loss(*one, tau=1.0)) == pytest.approx(-math.log(e(0.6) / e(0.6, 0.1)), abs=1e-6)
    assert float(relevance_loss(*two, tau=1.0)) == pytest.approx(
        -math.log(e(0.6) / e(0.6, 0.1, 0.1)), abs=1e-6
    )


def test_labels_are_counted_once_however_many_images_have_them() -> None:
    """The same image twice: each has the loss that it had alone."""
    once = batch([(0, False, 0.6, 0.2), (1, False, 0.1, 0.4)], [0, 1])
    twice = batch([(0, False, 0.6, 0.2), (1, False, 0.1, 0.4), (2, False, 0.6, 0.2)], [0, 1, 0])
    first, second = -math.log(e(0.6) / e(0.6, 0.2)), -math.log(e(0.4) / e(0.1, 0.4))

    assert float(relevance_loss(*once, tau=1.0)) == pytest.approx((first + second) / 2, abs=1e-6)
    assert float(relevance_loss(*twice, tau=1.0)) == pytest.approx((2 * first + second) / 3, abs=1e-6)


def test_images_of_one_class_are_not_each_others_rivals() -> None:
    rows = batch([(0, False, 0.6, 0.2), (1, False, 0.5, 0.1)], [0, 0])

    assert float(alignment_loss(*rows, tau=1.0)) == 0


def test_an_image_without_a_class_counts_for_nothing_but_its_spurious_regions() -> None:
    known = batch([(0, False, 0.6, 0.2), (0, True, 0.1, 0.5)], [0])
    rows = [(0, False, 0.6, 0.2), (1, True, 0.1, 0.5), (1, False, 0.9, 0.1)]
    parted = batch(rows, [0, -1])

    for loss in (relevance_loss, alignment_loss):
        assert float(loss(*parted, tau=1.0)) == pytest.approx(float(loss(*known, tau=1.0)), abs=1e-6)
    images = torch.tensor([vector(0.8, 0.1), vector(0.5, 0.2)])
    assert float(choice_loss(images, TEXTS, parted[4], tau=1.0)) == pytest.approx(
        -math.log(e(0.8) / e(0.8, 0.1)), abs=1e-6
    )


def test_an_image_of_spurious_regions_alone_does_not_count_but_its_label_is_in_the_batch() -> None:
    rows = batch([(0, False, 0.6, 0.2), (1, True, 0.1, 0.5)], [0, 1])

    assert float(relevance_loss(*rows, tau=1.0)) == pytest.approx(
        -math.log(e(0.6) / (e(0.6, 0.2) + e(0.5))), abs=1e-6
    )
    assert float(alignment_loss(*rows, tau=1.0)) == pytest.approx(-math.log(e(0.6) / e(0.6, 0.1)), abs=1e-6)


@pytest.mark.parametrize("labels", [[-1, -1], [0, 1]])
def test_where_no_image_counts_the_loss_is_nought(labels: list[int]) -> None:
    rows = batch([(0, True, 0.6, 0.2), (1, True, 0.1, 0.5)], labels)
    none = batch([], labels)

    for loss in (relevance_loss, alignment_loss):
        assert float(loss(*rows)) == float(loss(*none)) == 0


def test_a_lower_loss_needs_one_good_region_only() -> None:
    """A second region that matches no class costs nothing: the maximum is deliberate."""
    one = batch([(0, False, 0.6, 0.2), (1, False, 0.1, 0.4)], [0, 1])
    more = batch([(0, False, 0.6, 0.2), (0, False, -0.6, -0.7), (1, False, 0.1, 0.4)], [0, 1])

    for loss in (relevance_loss, alignment_loss):
        assert float(loss(*more, tau=1.0)) == pytest.approx(float(loss(*one, tau=1.0)), abs=1e-6)


def random_batch(seed: int, images: int = 5, regions: int = 12) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [
        torch.from_numpy(rng.normal(size=(images, 6)).astype(np.float32)),
        torch.from_numpy(rng.normal(size=(regions, 6)).astype(np.float32)),
        torch.from_numpy(rng.integers(0, images, regions)),
        torch.from_numpy(rng.random(regions) < 0.4),
        torch.from_numpy(rng.normal(size=(3, 6)).astype(np.float32)),
        torch.from_numpy(rng.integers(-1, 3, images)),
    ]


@given(st.integers(0, 500))
def test_order_of_images_regions_and_classes_does_not_matter(seed: int) -> None:
    images, regions, owners, spurious, texts, labels = random_batch(seed)
    rng = np.random.default_rng(seed + 1)
    of_images, of_regions, of_texts = (
        torch.from_numpy(rng.permutation(len(x))) for x in (images, regions, texts)
    )
    new_class = torch.where(labels >= 0, torch.argsort(of_texts)[labels.clamp(min=0)], -1)

    moved = region_aware_loss(
        images[of_images],
        regions[of_regions],
        torch.argsort(of_images)[owners[of_regions]],
        spurious[of_regions],
        texts[of_texts],
        new_class[of_images],
    )

    expected = region_aware_loss(images, regions, owners, spurious, texts, labels)
    assert float(moved) == pytest.approx(float(expected), rel=1e-5)


@given(st.integers(0, 500), st.floats(0.1, 10))
def test_only_directions_count(seed: int, scale: float) -> None:
    images, regions, owners, spurious, texts, labels = random_batch(seed)

    scaled = region_aware_loss(images * scale, regions * scale, owners, spurious, texts / scale, labels)

    expected = region_aware_loss(images, regions, owners, spurious, texts, labels)
    assert float(scaled) == pytest.approx(float(expected), rel=1e-4)


@given(st.integers(0, 500))
def test_no_part_is_negative_and_taking_marks_away_never_raises_the_penalty(seed: int) -> None:
    _, regions, owners, spurious, texts, labels = random_batch(seed)

    for loss in (relevance_loss, alignment_loss):
        assert float(loss(regions, owners, spurious, texts, labels)) >= 0
        # Without regions that are spurious the denominator holds fewer terms.
        other = ~spurious
        clean = loss(regions[other], owners[other], spurious[other], texts, labels)
        assert float(clean) <= float(loss(regions, owners, spurious, texts, labels)) + 1e-5


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_half_precision_neither_overflows_nor_loses_its_gradient(dtype: torch.dtype) -> None:
    """e^(1 / .07) is 1.6e6, and float16 ends at 65504: a spurious region that matches perfectly."""
    regions = torch.tensor(
        [vector(1.0, 0.0), vector(0.0, 1.0), vector(1.0, 0.0)], dtype=dtype, requires_grad=True
    )
    owners, spurious = torch.tensor([0, 1, 1]), torch.tensor([False, False, True])
    arguments = (regions, owners, spurious, TEXTS.to(dtype), torch.tensor([0, 1]))

    total = region_aware_loss(regions[:2], *arguments)
    total.backward()

    assert total.dtype == torch.float32
    assert math.isfinite(float(total.detach()))
    # By hand: alignment log 2 and 0, relevance log 2 and log(1 + e^0): the spurious one is as loud as both.
    assert float(total.detach()) == pytest.approx(0.2 * (math.log(2) + math.log(2) / 2), abs=1e-4)
    assert regions.grad is not None
    assert bool(regions.grad.isfinite().all())
    assert bool(regions.grad[2].any())


def test_a_step_downhill_turns_spurious_regions_away() -> None:
    regions, owners, spurious, texts, labels = PAIR
    free = regions.clone().requires_grad_(True)
    images = torch.tensor([vector(0.8, 0.1), vector(0.5, 0.2)])

    region_aware_loss(images, free, owners, spurious, texts, labels).backward()

    assert free.grad is not None
    moved = torch.nn.functional.normalize(free.detach() - 0.01 * free.grad, dim=1)
    before, after = regions @ texts.T, moved @ texts.T
    assert after[1].max() < before[1].max()
    assert after[0, 0] > before[0, 0]
    assert after[3, 1] > before[3, 1]


@pytest.mark.parametrize("settings", [{"lam": 1.1}, {"lam": -0.1}, {"tau": 0.0}])
def test_settings_out_of_bounds_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="lambda"):
        region_aware_loss(TEXTS, *PAIR, **settings)


def test_shapes_that_do_not_fit_are_refused() -> None:
    regions, owners, spurious, texts, labels = PAIR

    with pytest.raises(UsageError, match="one of each a region"):
        relevance_loss(regions, owners[:2], spurious, texts, labels)
