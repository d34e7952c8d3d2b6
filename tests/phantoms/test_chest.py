"""The chest phantom keeps its promises: same picture same bytes, every change where it says it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medaudit.errors import UsageError
from medaudit.phantoms import rendering
from medaudit.phantoms.canvas import tight_box
from medaudit.phantoms.modalities import modality
from medaudit.phantoms.modalities.chest import body
from medaudit.phantoms.overlays import marker_mask
from medaudit.phantoms.picture import CORNERS, Lesion, Picture, other_corner
from medaudit.phantoms.rendering import masks, render

CHEST = modality("chest")
LESIONS = [Lesion(kind, place, e) for kind in CHEST.kinds for place in CHEST.places for e in (0.0, 1.0)]


def slot(lesion: Lesion) -> tuple[str, str]:
    return lesion.kind, lesion.place


PICTURES = st.builds(
    Picture,
    modality=st.just("chest"),
    patient=st.integers(0, 2**40),
    lesions=st.lists(st.sampled_from(LESIONS), unique_by=slot, max_size=4).map(tuple),
    sex=st.sampled_from(["F", "M"]),
    age=st.integers(18, 95),
    view=st.sampled_from(["AP", "PA"]),
    vendor=st.sampled_from(["A", "B", "C"]),
    marker=st.sampled_from([*CORNERS, None]),
    tube=st.sampled_from([0.0, 1.0]),
    size=st.sampled_from([48, 64, 128]),
)
WITH_FINDINGS = PICTURES.filter(lambda picture: bool(picture.lesions))
PROPERTY = settings(deadline=None, max_examples=50)


@given(PICTURES)
@PROPERTY
def test_same_picture_gives_same_bytes(picture: Picture) -> None:
    first, again = render(picture), render(replace(picture))

    assert first.tobytes() == again.tobytes()
    assert first.shape == (picture.size, picture.size, 3)
    assert first.dtype == np.uint8
    assert first.tobytes() != render(picture.but(patient=picture.patient + 1)).tobytes()


@given(PICTURES, st.sampled_from(LESIONS))
@PROPERTY
def test_a_finding_changes_pixels_inside_its_mask_only(picture: Picture, lesion: Lesion) -> None:
    # Overlays hide what lies under them, so the plain picture is looked at.
    others = tuple(found for found in picture.lesions if slot(found) != slot(lesion))
    without = picture.but(lesions=others, tube=0.0, marker=None)
    with_it = without.but(lesions=(*others, lesion))

    changed = (render(with_it) != render(without)).any(axis=2)
    mask = masks(with_it)[lesion]

    assert changed[mask].mean() > 0.5  # the faint rim may round to the same grey, white stays white
    assert not changed[~mask].any()


@given(WITH_FINDINGS)
@PROPERTY
def test_regions_are_the_tight_boxes_of_the_masks(picture: Picture) -> None:
    regions = rendering.regions(picture)

    assert [region.label for region in regions] == [lesion.kind for lesion in picture.lesions]
    for region, mask in zip(regions, masks(picture).values(), strict=True):
        x0, y0, x1, y1 = region.box
        inside = mask[y0:y1, x0:x1]
        assert inside.sum() == mask.sum() > 0
        assert all(edge.any() for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]))


@given(WITH_FINDINGS)
@PROPERTY
def test_the_patients_right_is_the_left_of_the_picture(picture: Picture) -> None:
    for lesion, mask in masks(picture).items():
        centre = np.flatnonzero(mask.any(axis=0)).mean() / picture.size
        assert (centre < 0.5) == (lesion.place == "right")


def test_the_heart_lies_to_the_patients_left() -> None:
    shadow = body(patient=3, sex="F", view="PA", size=64).heart_shadow()

    assert np.average(np.arange(64), weights=shadow.sum(axis=0)) > 32


def test_the_heart_is_larger_from_the_front() -> None:
    areas = {view: body(5, "M", view, 64).heart_shadow().sum() for view in ("AP", "PA")}

    assert areas["AP"] > 1.3 * areas["PA"]


def test_effusions_are_basal_and_rise_towards_the_chest_wall() -> None:
    for patient in range(20):
        picture = Picture("chest", patient, (Lesion("effusion", "right"),))
        mask = masks(picture)[picture.lesions[0]]
        columns = np.flatnonzero(mask.any(axis=0))
        surface = mask.argmax(axis=0)
        lateral, medial = columns[2], columns[len(columns) * 2 // 3]

        assert np.argwhere(mask)[:, 0].mean() > 0.6 * 64
        assert surface[lateral] < surface[medial]


@pytest.mark.parametrize(("extent", "least", "most"), [(0.0, 4, 7), (1.0, 10, 13)])
def test_nodules_are_round_and_of_their_size(extent: float, least: int, most: int) -> None:
    """Diameters of 4.6 to 5.0 and 10.4 to 10.8 pixels, with a soft edge of up to a pixel on either side."""
    for patient in range(20):
        mask = next(iter(masks(Picture("chest", patient, (Lesion("nodule", "left", extent),))).values()))
        x0, y0, x1, y1 = tight_box(mask)

        assert least <= x1 - x0 <= most
        assert abs((x1 - x0) - (y1 - y0)) <= 1


@pytest.mark.parametrize(
    ("change", "least"),
    [({"sex": "M"}, 300), ({"age": 85}, 300), ({"view": "AP"}, 60), ({"vendor": "B"}, 2000)],
    ids=["sex", "age", "view", "vendor"],
)
def test_metadata_truly_changes_the_picture(change: dict[str, Any], least: int) -> None:
    base = Picture("chest", 11, sex="F", age=25, view="PA", vendor="A")

    changed = (render(base) != render(base.but(**change))).any(axis=2)

    assert changed.sum() >= least


def test_the_vendors_curve_departs_with_its_dose() -> None:
    base = Picture("chest", 11, marker=None)
    distance = [
        np.abs(render(base.but(vendor="B", vendor_dose=dose)).astype(float) - render(base)).mean()
        for dose in (0.0, 0.5, 1.0)
    ]

    assert distance[0] == 0.0
    assert 0 < 1.5 * distance[1] < distance[2]


@given(PICTURES.filter(lambda picture: picture.marker is not None))
@PROPERTY
def test_moving_the_marker_changes_the_two_corners_only(picture: Picture) -> None:
    assert picture.marker is not None
    moved = picture.but(marker=other_corner(picture.marker))

    changed = (render(picture) != render(moved)).any(axis=2)

    corners = [marker_mask(left, picture.size) for left in (True, False)]
    assert all(changed[mask].any() for mask in corners)
    assert not changed[~(corners[0] | corners[1])].any()
    assert "marker" not in rendering.overlay_masks(picture.but(marker=None))


@given(PICTURES, PICTURES)
@PROPERTY
def test_keys_differ_exactly_when_pictures_differ(a: Picture, b: Picture) -> None:
    def reordered(picture: Picture) -> Picture:
        return picture.but(lesions=tuple(sorted(picture.lesions, key=str)))

    assert (a.key == b.key) == (reordered(a) == reordered(b))
    assert reordered(a).key == a.key
    assert rendering.image(a).digest == rendering.image(replace(a)).digest


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"view": "lateral"}, "Unknown view 'lateral'"),
        ({"marker": "lower-left"}, "Unknown marker"),
        ({"vendor": "Z"}, "Unknown vendor"),
        ({"size": 8}, "give a size from 32"),
        ({"tube": 1.5}, "tube = 1.5: give a number from 0 to 1"),
        ({"lesions": (Lesion("stone", "left"),)}, "Unknown chest finding 'stone'"),
        ({"lesions": (LESIONS[0], LESIONS[1])}, "remove the duplicate"),
    ],
)
def test_an_impossible_picture_is_refused_in_one_sentence(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Picture("chest", 1, **wrong)


def test_an_unknown_modality_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="Did you mean 'chest'"):
        Picture("chets", 1)
