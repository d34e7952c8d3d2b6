"""Pairs differ in exactly what they say, and where nothing relevant differs the answers are equal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import fields

import numpy as np
import pytest

from medaudit.case import Case
from medaudit.errors import DataError, UsageError
from medaudit.image import keyed_rng
from medaudit.phantoms import case_set, people
from medaudit.phantoms.changes import CONTROLS, FINDINGS, can_differ, controls
from medaudit.phantoms.modalities import NAMES, modality
from medaudit.phantoms.pairs import pair, pair_cases
from medaudit.phantoms.picture import Lesion, Picture
from medaudit.phantoms.questions import by_name
from medaudit.phantoms.rendering import masks, render

#: Which field of a lesion differs.
PARTS = {"side": "place", "size": "extent", "kind": "kind"}


def random_pairs(name: str, attribute: str, n: int) -> Iterator[tuple[Picture, Picture]]:
    made = 0
    for i in range(100 * n):
        rng = keyed_rng("test", name, attribute, i)
        picture = people.draw_person(name, rng, people.draw_lesions(name, rng))
        if made < n and can_differ(picture, attribute):
            made += 1
            yield pair(picture, attribute, rng)
    assert made == n


def differing(a: Picture, b: Picture) -> list[str]:
    return [field.name for field in fields(Picture) if getattr(a, field.name) != getattr(b, field.name)]


@pytest.mark.parametrize("attribute", FINDINGS)
@pytest.mark.parametrize("name", NAMES)
def test_one_lesion_differs_and_the_pixels_in_its_masks_only(name: str, attribute: str) -> None:
    for a, b in random_pairs(name, attribute, 6):
        assert differing(a, b) == ["lesions"]
        changed = set(a.lesions) ^ set(b.lesions)
        if attribute == "presence":
            assert len(changed) == 1
        else:
            (old,), (new,) = set(a.lesions) - set(b.lesions), set(b.lesions) - set(a.lesions)
            parts = [part for part in ("kind", "place", "extent") if getattr(old, part) != getattr(new, part)]
            assert parts == [PARTS[attribute]]
        own = [mask for x in (a, b) for lesion, mask in masks(x).items() if lesion in changed]
        seen = np.abs(render(a).astype(int) - render(b)).max(axis=2)
        inside = np.logical_or.reduce(own)
        assert seen[inside].max() >= 4
        assert seen[~inside].max() == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_control_changes_its_own_field_the_picture_and_no_answer(name: str) -> None:
    assert {"vendor", "marker", "noise", "visit"} <= set(controls(name))
    for attribute in controls(name):
        for a, b in random_pairs(name, attribute, 2):
            assert differing(a, b) == [attribute]
            assert render(a).tobytes() != render(b).tobytes()
            assert all(q.truth(a) == q.truth(b) for q in by_name(name).values())


@pytest.mark.parametrize("name", ["histology", "fundus"])
def test_what_does_not_show_in_a_modality_is_no_control_there(name: str) -> None:
    assert "sex" not in controls(name)
    assert "sex" in controls("chest")
    with pytest.raises(
        UsageError, match=r"'sex' cannot differ in this \w+ picture: in this modality it is not"
    ):
        pair(Picture(name, 1), "sex", keyed_rng(0))


def twos(cases: tuple[Case, ...]) -> list[tuple[Case, Case]]:
    found: dict[str | None, list[Case]] = {}
    for case in cases:
        found.setdefault(case.pair, []).append(case)
    assert None not in found
    assert {len(group) for group in found.values()} == {2}
    return [(a, b) for a, b in found.values()]


@pytest.mark.parametrize("name", NAMES)
def test_the_cases_of_a_pair_share_all_but_picture_and_answer(name: str) -> None:
    pairs = twos(pair_cases(240, seed=3, name=name).cases)

    assert len(pairs) == 120
    for a, b in pairs:
        assert (a.question, a.options, a.group) == (b.question, b.options, b.group)
        assert a.meta["attribute"] == b.meta["attribute"]
        assert a.images[0].digest != b.images[0].digest
        assert (a.answer != b.answer) == (a.meta["attribute"] in FINDINGS)
    times = Counter(a.meta["attribute"] for a, _ in pairs)
    assert sum(times[attribute] for attribute in FINDINGS) == 60
    assert set(times) == {*FINDINGS, *controls(name)}


@pytest.mark.parametrize("attribute", FINDINGS)
def test_either_answer_comes_first_equally_often(attribute: str) -> None:
    pairs = twos(pair_cases(102, seed=1, attributes=[attribute]).cases)

    ups = sum(a.options.index(a.answer) < b.options.index(b.answer) for a, b in pairs)

    assert len(pairs) == 51
    assert ups in {25, 26}
    answers = Counter(case.answer for two in pairs for case in two)
    expected = modality("chest").kinds if attribute == "kind" else pairs[0][0].options
    assert set(answers) == set(expected)


def test_the_named_set_is_made_of_pairs_rounded_down_to_whole_ones() -> None:
    assert case_set("chest-pairs", 41, seed=2).digest() == pair_cases(40, seed=2).digest()
    assert pair_cases(40, seed=2).digest() != pair_cases(40, seed=3).digest()
    with pytest.raises(DataError, match="from 2, a pair"):
        case_set("chest-pairs", 1)


NODULE, EFFUSION = Lesion("nodule", "left", 0.0), Lesion("effusion", "left", 0.9)
FULL = tuple(Lesion(kind, place) for kind in modality("chest").kinds for place in ("left", "right"))


@pytest.mark.parametrize(
    ("attribute", "lesions", "words"),
    [
        ("side", (), "a finding that lies in one place only"),
        ("size", (EFFUSION,), "last kind of finding once"),
        ("size", (Lesion("nodule", "left", 0.5),), "clearly small or clearly large"),
        ("kind", (NODULE, EFFUSION), "exactly one finding"),
        ("presence", FULL, "lies in both places"),
        ("sise", (NODULE,), "Did you mean 'size'"),
    ],
)
def test_a_picture_that_cannot_differ_so_is_refused(
    attribute: str, lesions: tuple[Lesion, ...], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        pair(Picture("chest", 1, lesions), attribute, keyed_rng(0))


def test_a_list_without_attributes_is_refused() -> None:
    with pytest.raises(UsageError, match="No attribute was given"):
        pair_cases(10, attributes=[])
    with pytest.raises(UsageError, match="Unknown attribute 'colour'"):
        pair_cases(10, attributes=["colour"])


@pytest.mark.parametrize("attribute", [*FINDINGS, *CONTROLS])
def test_the_first_of_a_pair_is_the_picture_given(attribute: str) -> None:
    picture = Picture("chest", 7, (NODULE,))

    first, second = pair(picture, attribute, keyed_rng(0))

    assert first is picture
    assert second.patient == picture.patient
    assert pair(picture, attribute, keyed_rng(0)) == (first, second)
