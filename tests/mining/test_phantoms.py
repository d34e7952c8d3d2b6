"""On phantoms: a toy model that sees lesions but not their side."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from medaudit.descriptors import small_grey
from medaudit.mining import Rules, halves, images_of, mine, mine_halves, perceptual_hashes, question_halves
from medaudit.phantoms.cases import drawn
from medaudit.phantoms.rendering import render


@pytest.fixture(scope="module")
def chest() -> Any:
    """Cases with side and kind of single lesions as columns; what lesions change in each picture; hashes."""
    rows = drawn("chest", 600, 0)
    cases = []
    pictures: dict[str, Any] = {}
    for case, picture, _ in rows:
        pictures[case.images[0].digest] = picture
        more = {}
        if len(picture.lesions) == 1:
            more = {"place": picture.lesions[0].place, "kind": picture.lesions[0].kind}
        cases.append(replace(case, meta={**case.meta, **more}))
    images = images_of(cases)
    lesions = [
        small_grey(render(pictures[image.digest]))
        - small_grey(render(pictures[image.digest].but(lesions=())))
        for image in images
    ]
    return cases, np.stack(lesions), perceptual_hashes(images)


def seen(pictures: Any) -> Any:
    project = np.random.default_rng(0).normal(size=(64, 48)).astype(np.float32)
    return pictures.reshape(len(pictures), 8, 8, 8, 8).mean((2, 4)).reshape(len(pictures), -1) @ project


RULES = Rules(audited=("place", "kind"), strata=("modality",), quantile=0.97)


def test_a_model_that_folds_left_on_right_is_caught_at_the_side(chest: Any) -> None:
    cases, lesions, hashes = chest

    found = mine(cases, seen(lesions + lesions[:, :, ::-1]), seen(lesions), rules=RULES, hashes=hashes)

    told = Counter(pair.attribute for pair in found.pairs)
    assert len(found.pairs) >= 10
    assert told["place"] >= 0.95 * len(found.pairs)
    assert all(pair.first.meta["kind"] == pair.second.meta["kind"] for pair in found.pairs)


def test_the_same_pixels_unfolded_have_no_pairs(chest: Any) -> None:
    cases, lesions, hashes = chest

    assert mine(cases, seen(lesions), seen(lesions), rules=RULES, hashes=hashes).pairs == ()


def test_the_questions_of_the_cases_are_pairs_too(chest: Any) -> None:
    cases, lesions, hashes = chest
    rules = replace(RULES, audited=("answer",), quantile=0.95)

    found = mine(cases, seen(lesions + lesions[:, :, ::-1]), seen(lesions), rules=rules, hashes=hashes)

    ids = {case.id for case in cases}
    assert sum("side" in pair.attribute for pair in found.pairs) > 0.5 * len(found.pairs) > 10
    for pair in (*found.pairs, *found.controls):
        assert {pair.first.id, pair.second.id} <= ids
        assert (pair.first.question, pair.first.options) == (pair.second.question, pair.second.options)
        assert pair.first.answer != pair.second.answer
        assert pair.first.group != pair.second.group


def test_halves_share_no_patient_and_no_picture(chest: Any) -> None:
    cases = chest[0]

    one, two = halves(cases, 7)

    assert {case.id for case in (*one, *two)} == {case.id for case in cases}
    assert len(one) + len(two) == len(cases)
    assert not {case.group for case in one} & {case.group for case in two}
    assert not {i.digest for i in images_of(one)} & {i.digest for i in images_of(two)}
    assert 0.35 < len(one) / len(cases) < 0.65
    assert halves(cases[::-1], 7)[0] == one[::-1]
    assert halves(cases, 8)[0] != one


def test_attributes_and_thresholds_come_from_the_other_half(chest: Any) -> None:
    cases, lesions, hashes = chest
    rules = replace(RULES, quantile=0.9)

    found = mine_halves(
        cases, seen(lesions + lesions[:, :, ::-1]), seen(lesions), rules=rules, hashes=hashes, least=3
    )

    assert found.attributes == ("place",)
    assert found.evaluated is not None
    assert found.evaluated.thresholds == found.selected.thresholds
    assert {pair.attribute for pair in found.evaluated.pairs} == {"place"}
    groups = [
        {case.group for pair in part.pairs for case in (pair.first, pair.second)}
        for part in (found.selected, found.evaluated)
    ]
    assert all(groups)
    assert not groups[0] & groups[1]


def test_where_one_half_shows_nothing_the_other_is_not_mined(chest: Any) -> None:
    cases, lesions, hashes = chest

    found = mine_halves(cases, seen(lesions), seen(lesions), rules=RULES, hashes=hashes)

    assert (found.evaluated, found.attributes) == (None, ())


def test_questions_are_halved_evenly_by_their_words() -> None:
    bank = [f"Is there sign {i}?" for i in range(21)]

    one, two = question_halves(bank, 3)

    assert (len(one), len(two)) == (11, 10)
    assert set(one) | set(two) == set(bank)
    assert question_halves([*bank[::-1], bank[0]], 3) == (one, two)
    assert question_halves(bank, 4) != (one, two)
