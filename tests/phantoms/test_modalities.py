"""Every kind of picture keeps the generator's promises: same name same bytes, every change where it says."""

from __future__ import annotations

import hashlib
import platform
import random
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medaudit.errors import UsageError
from medaudit.phantoms.canvas import tight_box
from medaudit.phantoms.modalities import NAMES, modality
from medaudit.phantoms.modalities.ct import normal, trunk_of
from medaudit.phantoms.modalities.ultrasound import beam
from medaudit.phantoms.picture import CORNERS, GENERATOR, VENDORS, Lesion, Picture
from medaudit.phantoms.rendering import masks, overlay_masks, regions, render

COLOUR = ("dermoscopy", "histology", "fundus")
#: Where the anatomy knows of no difference.
NO_SEX, NO_AGE = ("histology", "fundus"), ("histology",)
#: The axis along which places differ (0 down, 1 across), and the place of the smaller coordinate.
FIRST = {
    "chest": (1, "right"),
    "ct": (1, "right"),
    "ultrasound": (0, "near"),
    "dermoscopy": (0, "upper"),
    "histology": (1, "left"),
    "fundus": (0, "superior"),
}
#: Of ``sample``, with the generator named; a new digest calls for a new ``GENERATOR``.
DIGESTS = {
    "chest": "medaudit.picture/2 0cdff0e542ef4a39",
    "ct": "medaudit.picture/2 bfcba9ada6a5b318",
    "ultrasound": "medaudit.picture/2 71bda14684c959e3",
    "dermoscopy": "medaudit.picture/2 282e78f642a2cb20",
    "histology": "medaudit.picture/2 38d5782fec6617d2",
    "fundus": "medaudit.picture/2 f965f60f4f50dd80",
}
PROPERTY = settings(deadline=None, max_examples=60)
each = pytest.mark.parametrize("name", NAMES)


def slots(name: str) -> list[tuple[str, str]]:
    kind = modality(name)
    return [(finding, place) for finding in kind.kinds for place in kind.places]


def plain(name: str, patient: int, *lesions: Lesion, **fields: Any) -> Picture:
    """A picture without overlays."""
    return Picture(name, patient, lesions, marker=None, **fields)


def changed(one: Picture, other: Picture) -> np.ndarray[Any, np.dtype[np.bool_]]:
    differs: np.ndarray[Any, np.dtype[np.bool_]] = (render(one) != render(other)).any(axis=2)
    return differs


def sample(name: str) -> list[Picture]:
    """Twenty-four pictures in which every kind, place, view, vendor and factor occurs."""
    kind, found = modality(name), []
    for i in range(24):
        extents = [((7 * i + 3 * j) % 11) / 10 for j in range(i % 4)]
        lesions = [
            Lesion(kind.kinds[j], kind.places[(i + j) % 2], extent) for j, extent in enumerate(extents)
        ]
        found.append(
            Picture(
                name,
                i,
                tuple(lesions),
                sex="FM"[i % 2],
                age=20 + 3 * i,
                view=kind.views[i // 2 % 2],
                vendor=VENDORS[i % 3],
                size=(48, 64, 96)[i // 3 % 3],
                noise=float(i % 5 == 4),
                tube=float(i % 4 == 1),
            )
        )
    return found


@st.composite
def pictures(draw: st.DrawFn) -> Picture:
    name = draw(st.sampled_from(NAMES))
    chosen = draw(st.lists(st.sampled_from(slots(name)), unique=True, max_size=6))
    dose = st.floats(0, 1)
    return Picture(
        name,
        draw(st.integers(0, 2**40)),
        tuple(Lesion(kind, place, draw(dose)) for kind, place in chosen),
        sex=draw(st.sampled_from("FM")),
        age=draw(st.integers(0, 110)),
        view=draw(st.sampled_from(modality(name).views)),
        vendor=draw(st.sampled_from(VENDORS)),
        vendor_dose=draw(dose),
        marker=draw(st.sampled_from([*CORNERS, None])),
        marker_dose=draw(dose),
        tube=draw(dose),
        leads=draw(dose),
        text=draw(dose),
        noise=draw(dose),
        visit=draw(st.integers(0, 3)),
        size=draw(st.integers(32, 160)),
    )


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="rounds otherwise")
@each
def test_no_byte_changes_unseen(name: str) -> None:
    hasher = hashlib.blake2b(digest_size=8)
    for picture in sample(name):
        hasher.update(np.ascontiguousarray(render(picture)).data)

    assert f"{GENERATOR} {hasher.hexdigest()}" == DIGESTS[name]


@given(pictures())
@PROPERTY
def test_any_picture_renders_the_same_twice_without_exception(picture: Picture) -> None:
    first = render(picture)

    assert first.tobytes() == render(picture.but()).tobytes()
    assert first.shape == (picture.size, picture.size, 3)
    assert first.dtype == np.uint8
    assert not first.flags.writeable
    assert (np.ptp(first, axis=2).max() == 0) == (picture.modality not in COLOUR)


@given(pictures())
@PROPERTY
def test_exposures_are_finite_single_floats(picture: Picture) -> None:
    kind = modality(picture.modality)
    exposure = kind.background(picture)
    shape = (picture.size, picture.size) if kind.grey else (picture.size, picture.size, 3)

    for field in (exposure, kind.tone(exposure, picture)):
        assert field.shape == shape
        assert field.dtype == np.float32
        assert np.isfinite(field).all()
    for lesion in picture.lesions:
        assert kind.layer(lesion, picture).shape == shape


@given(pictures().filter(lambda picture: bool(picture.lesions)))
@PROPERTY
def test_a_finding_changes_nothing_outside_its_mask(picture: Picture) -> None:
    lesion = picture.lesions[0]
    without = picture.but(lesions=picture.lesions[1:])
    mask = masks(picture)[lesion]

    assert mask.any()
    assert not changed(picture, without)[~mask].any()


@pytest.mark.parametrize("size", [64, 96])
@each
def test_every_finding_is_seen_whatever_the_vendor_and_the_view(name: str, size: int) -> None:
    for i, (kind, place) in enumerate(slots(name) * 6):
        lesion = Lesion(kind, place, (i % 4) / 3)
        fields = {"vendor": VENDORS[i % 3], "view": modality(name).views[i // 6 % 2], "size": size}
        with_it, without = (plain(name, i, *found, **fields) for found in ((lesion,), ()))
        mask = masks(with_it)[lesion]
        apart = np.abs(render(with_it).astype(int) - render(without)).max(axis=2)

        assert apart[mask].max() >= 8
        assert apart[mask].mean() >= 5
        assert not apart[~mask].any()


@each
def test_a_picture_without_findings_has_no_masks(name: str) -> None:
    assert masks(plain(name, 1)) == {}
    assert regions(plain(name, 1)) == ()


@each
def test_regions_are_the_tight_boxes_of_the_masks(name: str) -> None:
    for patient, (kind, place) in enumerate(slots(name) * 2):
        picture = plain(name, patient, Lesion(kind, place), size=96)
        (mask,), (region,) = masks(picture).values(), regions(picture)
        x0, y0, x1, y1 = region.box

        assert region.label == kind
        assert region.box == tight_box(mask)
        inside = mask[y0:y1, x0:x1]
        assert inside.sum() == mask.sum()
        assert all(edge.any() for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]))


@each
def test_findings_lie_in_the_place_that_they_name(name: str) -> None:
    axis, first = FIRST[name]
    kind = modality(name)
    for patient in range(12):
        view = kind.views[patient % 2]
        found = [Lesion(finding, place, 1.0) for finding, place in slots(name)]
        by_lesion = masks(plain(name, patient, *found, view=view, sex="FM"[patient // 2 % 2]))
        for lesion, mask in by_lesion.items():
            middle = np.argwhere(mask)[:, axis].mean() + 0.5
            assert (middle < 32) == (lesion.place == first)
        here, there = (
            np.any([mask for lesion, mask in by_lesion.items() if lesion.place == place], axis=0)
            for place in kind.places
        )
        assert not (here & there).any()


@pytest.mark.parametrize("name", NAMES[1:])
def test_findings_of_one_place_lie_beside_each_other(name: str) -> None:
    """So that each stays visible; in a chest they may overlap, as a nodule in an opacity does."""
    for patient in range(12):
        found = [Lesion(kind, place, 1.0) for kind, place in slots(name)]
        drawn = masks(plain(name, patient, *found, view=modality(name).views[patient % 2]))
        for one, other in combinations(drawn.values(), 2):
            assert not (one & other).any()


@each
def test_findings_grow_with_their_extent(name: str) -> None:
    for patient in range(6):
        for kind, place in slots(name):
            areas = [
                int(
                    masks(plain(name, patient, Lesion(kind, place, step / 4)))[
                        Lesion(kind, place, step / 4)
                    ].sum()
                )
                for step in range(5)
            ]
            assert areas == sorted(areas)
            assert areas[4] >= 1.3 * areas[0]


@each
def test_findings_stay_small_or_large_between_patients(name: str) -> None:
    """Of the kind whose size is asked for, the largest small one is smaller than the smallest large one."""
    kind = modality(name)

    def areas(extent: float) -> list[int]:
        found = []
        for patient in range(40):
            lesion = Lesion(kind.kinds[-1], kind.places[patient % 2], extent)
            picture = plain(name, patient, lesion, view=kind.views[patient // 2 % 2])
            found.append(int(masks(picture)[lesion].sum()))
        return found

    assert max(areas(0.3)) < min(areas(0.7))


@pytest.mark.parametrize("place", ["left", "right"])
def test_findings_of_a_ct_lie_inside_the_patient(place: str) -> None:
    for patient in range(12):
        for kind in modality("ct").kinds:
            picture = plain("ct", patient, Lesion(kind, place, 1.0), sex="FM"[patient % 2], size=96)
            tissue = normal(trunk_of(picture))[next(iter(masks(picture).values()))]
            assert tissue.min() > -0.3


def test_findings_of_an_ultrasound_lie_in_the_beam() -> None:
    for patient, view in enumerate(("convex", "linear") * 4):
        picture = plain(
            "ultrasound", patient, *(Lesion(k, p, 1.0) for k, p in slots("ultrasound")), view=view
        )
        for mask in masks(picture).values():
            assert beam(view, 64).inside[mask].all()


def test_findings_of_a_fundus_lie_in_the_retina_off_disc_and_macula() -> None:
    for patient in range(12):
        picture = plain("fundus", patient, *(Lesion(k, p, 1.0) for k, p in slots("fundus")))
        for mask in masks(picture).values():
            off = (np.argwhere(mask) + 0.5) / 64 - 0.5
            assert np.hypot(*off.T).max() < 0.48
            assert np.abs(off[:, 0]).min() > 0.09


@pytest.mark.parametrize("vendor", ["B", "C"])
@each
def test_a_vendor_departs_from_a_by_its_dose(name: str, vendor: str) -> None:
    base = plain(name, 5, size=64)
    apart = []
    for dose in (0.0, 0.25, 0.5, 1.0):
        other = render(base.but(vendor=vendor, vendor_dose=dose))
        apart.append(float(np.abs(other.astype(int) - render(base)).mean()))

    assert apart[0] == 0
    assert apart == sorted(apart)
    assert apart[-1] >= 6


@pytest.mark.parametrize(
    "change",
    [{"vendor": "B"}, {"vendor": "C"}, {"vendor": "B", "vendor_dose": 0.5}, {"noise": 1.0}, {"visit": 1}],
    ids=str,
)
@each
def test_acquisition_changes_the_picture_and_no_mask(name: str, change: dict[str, Any]) -> None:
    base = plain(name, 7, *(Lesion(kind, place) for kind, place in slots(name)[::3]))
    other = base.but(**change)

    assert changed(base, other).mean() > 0.2
    for mask, twin in zip(masks(base).values(), masks(other).values(), strict=True):
        assert (mask == twin).all()


@pytest.mark.parametrize(
    ("change", "without"),
    [({"sex": "M"}, NO_SEX), ({"age": 85}, NO_AGE), ({"view": 1}, ())],
    ids=["sex", "age", "view"],
)
@each
def test_anatomy_follows_sex_age_and_view_and_labels_stay(
    name: str, change: dict[str, Any], without: tuple[str, ...]
) -> None:
    change = {"view": modality(name).views[1]} if "view" in change else change
    lesions = [Lesion(kind, place) for kind, place in slots(name)[::2]]
    base = plain(name, 11, *lesions, sex="F", age=30)
    other = base.but(**change)

    assert [region.label for region in regions(base)] == [region.label for region in regions(other)]
    assert all(base.places(kind) == other.places(kind) for kind in modality(name).kinds)
    if name in without:
        assert not changed(base, other).any()
    else:
        assert changed(base, other).mean() > 0.02


@pytest.mark.parametrize("overlay", ["tube", "leads", "text", "marker"])
@each
def test_overlays_change_pixels_in_their_masks_only(name: str, overlay: str) -> None:
    base = plain(name, 3, Lesion(*slots(name)[0]))
    laid = base.but(marker="upper-right") if overlay == "marker" else base.but(**{overlay: 1.0})
    differs = changed(base, laid)

    assert overlay_masks(base) == {}
    assert differs[overlay_masks(laid)[overlay]].mean() > 0.5
    assert not differs[~overlay_masks(laid)[overlay]].any()
    assert (masks(base)[base.lesions[0]] == masks(laid)[base.lesions[0]]).all()


@each
def test_patients_differ(name: str) -> None:
    one, two = (plain(name, patient) for patient in (1, 2))

    assert changed(one, two).mean() > 0.3


@each
def test_the_global_generators_are_left_alone(name: str) -> None:
    numpys, own = repr(np.random.get_state()), random.getstate()

    for patient in range(34):
        render(Picture(name, patient, (Lesion(*slots(name)[patient % 6]),), size=48))

    assert repr(np.random.get_state()) == numpys
    assert random.getstate() == own


@each
def test_a_finding_of_another_modality_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=f"Unknown {name} finding 'wart'"):
        Picture(name, 1, (Lesion("wart", modality(name).places[0]),))
