"""The generator keeps its promises: same spec same bytes, every change where it says it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medaudit.errors import UsageError
from medaudit.phantoms import chest
from medaudit.phantoms.anatomy import body, heart
from medaudit.phantoms.chest import CORNERS, ChestSpec, Lesion
from medaudit.phantoms.lesions import KINDS, SIDES

LESIONS = [Lesion(kind, side) for kind in KINDS for side in SIDES]
SPECS = st.builds(
    ChestSpec,
    patient=st.integers(0, 2**40),
    lesions=st.lists(st.sampled_from(LESIONS), unique=True, max_size=4).map(tuple),
    sex=st.sampled_from(["F", "M"]),
    age=st.integers(18, 95),
    view=st.sampled_from(["AP", "PA"]),
    vendor=st.sampled_from(["A", "B"]),
    marker=st.sampled_from([*CORNERS, None]),
    size=st.sampled_from([48, 64, 128]),
)
PROPERTY = settings(deadline=None, max_examples=50)


@given(SPECS)
@PROPERTY
def test_same_spec_gives_same_bytes(spec: ChestSpec) -> None:
    first = chest.render(spec)

    again = chest.render(replace(spec))

    assert first.tobytes() == again.tobytes()
    assert first.shape == (spec.size, spec.size, 3)
    assert first.dtype == np.uint8


@given(SPECS, st.sampled_from(LESIONS))
@PROPERTY
def test_a_finding_changes_pixels_inside_its_box_only(spec: ChestSpec, lesion: Lesion) -> None:
    without = replace(spec, lesions=tuple(found for found in spec.lesions if found != lesion))
    with_it = replace(without, lesions=(*without.lesions, lesion))
    mask = chest.masks(with_it)[lesion]
    x0, y0, x1, y1 = chest.tight_box(mask)

    changed = (chest.render(with_it) != chest.render(without)).any(axis=2)

    assert changed[mask].mean() > 0.6  # the faint rim may round to the same grey
    outside = changed.copy()
    outside[y0:y1, x0:x1] = False
    assert not outside.any()
    assert not changed[~mask].any()


@given(SPECS.filter(lambda spec: bool(spec.lesions)))
@PROPERTY
def test_regions_are_the_tight_boxes_of_the_masks(spec: ChestSpec) -> None:
    masks = chest.masks(spec)

    regions = chest.regions(spec)

    assert [region.label for region in regions] == [lesion.kind for lesion in spec.lesions]
    for region, mask in zip(regions, masks.values(), strict=True):
        x0, y0, x1, y1 = region.box
        inside = mask[y0:y1, x0:x1]
        assert inside.sum() == mask.sum() > 0
        assert all(edge.any() for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]))


@given(SPECS.filter(lambda spec: bool(spec.lesions)))
@PROPERTY
def test_the_patients_right_is_the_left_of_the_picture(spec: ChestSpec) -> None:
    for lesion, mask in chest.masks(spec).items():
        centre = np.flatnonzero(mask.any(axis=0)).mean() / spec.size
        assert (centre < 0.5) == (lesion.side == "right")


def test_the_heart_lies_to_the_patients_left() -> None:
    shadow = heart(body(patient=3, sex="F", view="PA", size=64))

    assert np.average(np.arange(64), weights=shadow.sum(axis=0)) > 32


def test_effusions_are_basal_and_rise_towards_the_chest_wall() -> None:
    for patient in range(20):
        spec = ChestSpec(patient, (Lesion("effusion", "right"),))
        mask = chest.masks(spec)[spec.lesions[0]]
        columns = np.flatnonzero(mask.any(axis=0))
        surface = mask.argmax(axis=0)
        lateral, medial = columns[2], columns[len(columns) * 2 // 3]

        assert np.argwhere(mask)[:, 0].mean() > 0.6 * 64
        assert surface[lateral] < surface[medial]


def test_nodules_are_small_and_round() -> None:
    for patient in range(20):
        spec = ChestSpec(patient, (Lesion("nodule", "left"),))
        x0, y0, x1, y1 = chest.regions(spec)[0].box

        assert 3 <= x1 - x0 <= 8
        assert abs((x1 - x0) - (y1 - y0)) <= 1


@pytest.mark.parametrize(
    ("change", "least"),
    [({"sex": "M"}, 300), ({"age": 85}, 300), ({"view": "AP"}, 60), ({"vendor": "B"}, 2000)],
    ids=["sex", "age", "view", "vendor"],
)
def test_metadata_truly_changes_the_picture(change: dict[str, Any], least: int) -> None:
    base = ChestSpec(11, sex="F", age=25, view="PA", vendor="A")

    changed = (chest.render(base) != chest.render(replace(base, **change))).any(axis=2)

    assert changed.sum() >= least


def test_the_heart_is_larger_from_the_front() -> None:
    areas = {view: heart(body(5, "M", view, 64)).sum() for view in ("AP", "PA")}

    assert areas["AP"] > 1.3 * areas["PA"]


@given(SPECS)
@PROPERTY
def test_moving_the_marker_changes_the_two_corners_only(spec: ChestSpec) -> None:
    left, right = (spec.with_marker(corner) for corner in CORNERS)

    changed = (chest.render(left) != chest.render(right)).any(axis=2)

    for moved in (left, right):
        x0, y0, x1, y1 = chest.marker_box(moved) or (0, 0, 0, 0)
        assert changed[y0:y1, x0:x1].any()
        changed[y0:y1, x0:x1] = False
    assert not changed.any()
    assert chest.marker_box(spec.with_marker(None)) is None


@given(SPECS, SPECS)
@PROPERTY
def test_keys_differ_exactly_when_specs_differ(a: ChestSpec, b: ChestSpec) -> None:
    def reordered(spec: ChestSpec) -> ChestSpec:
        return replace(spec, lesions=tuple(sorted(spec.lesions, key=str)))

    assert (a.key == b.key) == (reordered(a) == reordered(b))
    assert chest.image(a).digest == chest.image(replace(a)).digest


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"view": "lateral"}, "Unknown view 'lateral'"),
        ({"marker": "lower-left"}, "Unknown marker"),
        ({"size": 8}, "give a size from 32"),
        ({"lesions": (LESIONS[0], LESIONS[0])}, "remove the duplicate"),
    ],
)
def test_an_impossible_spec_is_refused_in_one_sentence(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        ChestSpec(1, **wrong)
