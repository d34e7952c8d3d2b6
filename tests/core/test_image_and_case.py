"""Images are recipes named by content; cases refuse what cannot be judged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from medaudit.case import Case, CaseSet, Region, image_group
from medaudit.errors import DataError
from medaudit.image import ArrayImage, DerivedImage, FileImage, LazyImage, keyed_rng


def save(path: Path, value: int = 7) -> FileImage:
    Pillow.fromarray(np.full((3, 5, 3), value, dtype=np.uint8)).save(path)
    return FileImage(path)


def test_equal_pictures_share_a_digest_whatever_the_file(tmp_path: Path) -> None:
    png, bmp = save(tmp_path / "a.png"), save(tmp_path / "b.bmp")
    other = save(tmp_path / "c.png", 8)

    assert png.digest == bmp.digest == ArrayImage(png.pixels()).digest
    assert other.digest != png.digest


def test_pixels_are_read_only(tmp_path: Path) -> None:
    pixels = save(tmp_path / "a.png").pixels()

    with pytest.raises(ValueError, match="read-only"):
        pixels[0, 0, 0] = 1


def test_a_derived_image_is_named_without_being_computed() -> None:
    def explode(pixels):
        raise AssertionError("computed")

    base = ArrayImage(np.zeros((2, 2, 3), dtype=np.uint8))
    first = DerivedImage(base, "blur:1", explode)

    assert first.digest == DerivedImage(base, "blur:1", explode).digest
    assert first.digest != DerivedImage(base, "blur:2", explode).digest != base.digest


def test_a_change_that_breaks_the_contract_is_named() -> None:
    base = ArrayImage(np.zeros((2, 2, 3), dtype=np.uint8))

    with pytest.raises(DataError, match="float64"):
        DerivedImage(base, "bad", lambda pixels: pixels / 2).pixels()


def test_a_truncated_jpeg_is_one_message(tmp_path: Path) -> None:
    path = tmp_path / "cut.jpg"
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Pillow.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:1500])

    with pytest.raises(DataError, match=r"cut\.jpg: not a readable image"):
        FileImage(path).pixels()


def test_a_missing_file_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such image"):
        FileImage(tmp_path / "none.png").pixels()


def test_a_decompression_bomb_is_refused_before_decoding(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    Pillow.new("1", (12_000, 12_000)).save(path)

    with pytest.raises(DataError, match="over the limit"):
        FileImage(path).pixels()


def test_sixteen_bit_grey_keeps_its_range(tmp_path: Path) -> None:
    path = tmp_path / "deep.png"
    Pillow.fromarray(np.array([[0, 2048], [4095, 1024]], dtype=np.uint16)).save(path)

    assert FileImage(path).pixels()[..., 0].tolist() == [[0, 128], [255, 64]]


def test_randomness_depends_on_the_key_alone() -> None:
    first = keyed_rng(1, "case", "noise").integers(1000)
    keyed_rng(2, "other", "noise").integers(1000)

    assert keyed_rng(1, "case", "noise").integers(1000) == first
    assert keyed_rng(1, "cas", "enoise").integers(10**9) != keyed_rng(1, "case", "noise").integers(10**9)


def case(**changes) -> Case:
    lazy = LazyImage(lambda: np.zeros((2, 2, 3), dtype=np.uint8), "zero", "zero", (2, 2))
    fields = {"id": "c", "images": (lazy,), "question": "Is it?", "answer": "yes", "options": ("yes", "no")}
    return Case(**{**fields, **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"options": ("yes", "Yes ")}, "duplicate"),
        ({"options": ("yes",)}, "no choice"),
        ({"answer": "maybe"}, "not among the options"),
        ({"question": "  "}, "question is empty"),
        ({"id": ""}, "without an id"),
    ],
)
def test_a_case_that_cannot_be_judged_is_refused(changes: dict, message: str) -> None:
    with pytest.raises(DataError, match=message):
        case(**changes)
    assert case().closed


@pytest.mark.parametrize("box", [(2, 0, 2, 5), (3, 0, 2, 5), (-1, 0, 2, 5), (0, 5, 3, 5)])
def test_an_empty_or_negative_box_is_refused(box: tuple[int, int, int, int]) -> None:
    with pytest.raises(DataError, match="box"):
        Region("nodule", box)


def test_ids_are_unique_and_no_cases_is_an_error() -> None:
    with pytest.raises(DataError, match="share the id"):
        CaseSet("x", "test", (case(), case()))
    with pytest.raises(DataError, match="no cases"):
        CaseSet("x", "test", ())


def test_a_limit_keeps_the_same_cases_in_any_order() -> None:
    cases = tuple(case(id=str(number)) for number in range(50))
    forward = CaseSet("x", "test", cases).limited(7, seed=3)
    backward = CaseSet("x", "test", cases[::-1]).limited(7, seed=3)

    assert len(forward) == 7
    assert {c.id for c in forward.cases} == {c.id for c in backward.cases}
    assert {c.id for c in forward.cases} != {c.id for c in CaseSet("x", "t", cases).limited(7, 4).cases}


def test_the_digest_of_a_set_ignores_order_and_sees_every_field() -> None:
    a, b = case(id="a"), case(id="b")

    assert CaseSet("x", "t", (a, b)).digest() == CaseSet("y", "t", (b, a)).digest()
    assert (
        CaseSet("x", "t", (a, case(id="b", meta={"sex": "F"}))).digest() != CaseSet("x", "t", (a, b)).digest()
    )
    assert image_group(a.images) == image_group(b.images)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"answer": "Canary has a mass"}, "case 'c': the answer is not among the options. Write 'answer'"),
        ({"options": ("no", "Canary", "yes", "canary ")}, "duplicate, numbers 2 and 4"),
    ],
)
def test_a_refused_case_says_where_to_look_and_quotes_no_text(changes: dict, told: str) -> None:
    with pytest.raises(DataError) as caught:
        case(**changes)

    assert told in str(caught.value)
    assert "canary" not in str(caught.value).casefold()


def test_a_refused_region_does_not_quote_its_label() -> None:
    with pytest.raises(DataError) as caught:
        Region("Canary nodule", (2, 0, 2, 5))

    assert "[2, 0, 2, 5]" in str(caught.value)
    assert "Canary" not in str(caught.value)


def test_a_decoding_error_names_the_file_and_no_folder(tmp_path: Path) -> None:
    (tmp_path / "Canary").mkdir()
    path = tmp_path / "Canary" / "notes.png"
    path.write_bytes(b"not an image")

    with pytest.raises(DataError) as caught:
        FileImage(path).pixels()

    assert str(caught.value).startswith("notes.png: not a readable image (UnidentifiedImageError)")
    assert "Canary" not in str(caught.value)


def test_a_decoding_error_keeps_a_reason_that_holds_no_path(tmp_path: Path) -> None:
    path = tmp_path / "cut.png"
    Pillow.effect_noise((64, 64), 50).save(path)
    path.write_bytes(path.read_bytes()[:1000])

    with pytest.raises(DataError, match=r"OSError: .*truncated"):
        FileImage(path).pixels()
