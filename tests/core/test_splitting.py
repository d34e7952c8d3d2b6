"""Training and test sets of a real-world split: the rule on a table by hand, and what holds for any table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medaudit.case import Case
from medaudit.errors import DataError, UsageError
from medaudit.image import ArrayImage
from medaudit.predicates import parse_split
from medaudit.published_splits import PUBLISHED, published
from medaudit.splitting import HELD, NEITHER, NO_PART, SEEN, VAL_OOD, VARIES, Split, build, keys, linked

PICTURES = [ArrayImage(np.full((2, 2, 3), index, dtype=np.uint8), f"p{index}") for index in range(64)]
PARTS = ("train_iid", "val_iid", "test_iid", "test_ood")


def case(id: str, picture: int, split: str | None, group: str = "", **meta: Any) -> Case:
    return Case(id, (PICTURES[picture],), "Q?", "yes", ("yes", "no"), group, meta, split=split)


def ids(cases: tuple[Case, ...]) -> set[str]:
    return {each.id for each in cases}


def test_a_field_of_the_image_adds_its_training_cases_to_the_test() -> None:
    cases = [
        case("a", 0, "train", m="CT"),
        case("b", 1, "train", m="X"),
        case("c", 2, "validate", m="CT"),
        case("d", 3, "validate", m="X"),
        case("e", 4, "test", m="CT"),
        case("f", 5, "test", m="X"),
        case("g", 6, "test", m="unknown"),
        case("h", 7, None, m="CT"),
    ]

    split = build(cases, "m == X")

    assert not split.in_image
    assert [ids(getattr(split, part)) for part in PARTS] == [{"a"}, {"c"}, {"e"}, {"b", "f"}]
    assert split.left_out == {VAL_OOD: ("d",), NEITHER: ("g",), NO_PART: ("h",)}
    assert (split.iid, split.ood, split.name) == (split.test_iid, split.test_ood, "m == X")


def test_a_field_that_varies_within_images_tests_on_test_cases_only() -> None:
    # Two questions about every picture, of two kinds.
    cases = [
        case(f"{kind}{index}", index, part, kind=kind)
        for index, part in enumerate(["train", "train", "test", "test"])
        for kind in ("size", "organ")
    ]

    split = build(cases, "kind == size")

    assert split.in_image
    assert ids(split.train_iid) == {"organ0", "organ1"}
    assert ids(split.test_ood) == {"size2", "size3"}
    assert set(split.left_out[VARIES]) == {"size0", "size1"}


def test_a_field_of_the_image_that_varies_within_a_patient_counts_as_varying() -> None:
    # Patient p has an AP picture and a PA one, both for training: the PA one must not be tested.
    cases = [
        case("a", 0, "train", "p", view="AP"),
        case("b", 1, "train", "p", view="PA"),
        case("c", 2, "test", "q", view="AP"),
        case("d", 3, "test", "r", view="PA"),
    ]

    split = build(cases, "view == PA")

    assert split.in_image
    assert split.left_out[VARIES] == ("b",)
    with pytest.raises(UsageError, match="in_image=False given"):
        build(cases, "view == PA", in_image=False)


def test_declared_as_varying_keeps_training_cases_out_of_the_test() -> None:
    cases = [
        case(f"{v}{part}", n, part, v=v)
        for n, (v, part) in enumerate([("x", "train"), ("y", "train"), ("x", "test"), ("y", "test")])
    ]

    assert ids(build(cases, "v == y").test_ood) == {"ytrain", "ytest"}
    assert ids(build(cases, "v == y", in_image=True).test_ood) == {"ytest"}


def test_published_parts_that_share_pictures_are_taken_apart() -> None:
    # Picture 0 is in training and in the test; patient p in validation and in the test; picture 5 in both.
    cases = [
        case("a", 0, "train", v="x"),
        case("b", 0, "test", v="x"),
        case("c", 1, "val", "p", v="x"),
        case("d", 2, "test", "p", v="x"),
        case("e", 3, "test", v="x"),
        case("f", 4, "test", v="y"),
        case("g", 5, "train", v="x"),
        case("h", 5, "val", v="x"),
    ]

    split = build(cases, "v == y")

    assert ids(split.test_iid) == {"e"}
    assert split.left_out == {HELD: ("b", "d"), SEEN: ("h",)}


def test_a_copy_of_a_picture_under_another_name_is_the_same_picture() -> None:
    copy = Case("b", (ArrayImage(PICTURES[0].pixels().copy(), "other.png"),), "Q?", "yes", split="test")
    cases = [case("a", 0, "train", v="x"), copy, case("c", 1, "test", v="x"), case("d", 2, "test", v="y")]
    object.__setattr__(copy, "meta", {"v": "x"})

    assert build(cases, "v == y").left_out == {HELD: ("b",)}


def test_ages_between_the_sides_are_in_no_part() -> None:
    ages = [20, 45, 70, 35, 59, 60, "unknown", 80]
    parts = ["train"] * 3 + ["test"] * 5
    cases = [case(f"c{n}", n, part, age=age) for n, (age, part) in enumerate(zip(ages, parts, strict=True))]

    split = build(cases, "age < 40 vs age >= 60")

    assert ids(split.train_iid) == {"c2"}
    assert ids(split.test_iid) == {"c5", "c7"}
    assert ids(split.test_ood) == {"c0", "c3"}
    assert split.left_out == {NEITHER: ("c1", "c4", "c6")}


def test_questions_about_sex_are_left_out_of_a_split_by_sex() -> None:
    rows = [("F", "gender"), ("F", "presence"), ("M", "gender"), ("M", "presence")]
    cases = [case(f"{g}{c}", n, "test", gender=g, content_type=c) for n, (g, c) in enumerate(rows)]

    split = build(cases, published("mimic_cxr_vqa", "gender"))

    assert (ids(split.test_ood), ids(split.test_iid)) == ({"Fpresence"}, {"Mpresence"})


def test_a_filter_that_matches_nothing_is_an_error_and_no_empty_set() -> None:
    # The published code asks for rows whose age is the word "young", of which there are none.
    cases = [case(f"c{n}", n, "test", age=20 + 10 * n) for n in range(6)]

    assert len(build(cases, "age < 40 vs age >= 60").test_ood) == 2
    with pytest.raises(DataError) as caught:
        build(cases, "age == young")

    assert "split 'age == young': test_ood holds 0 cases, 1 are needed" in str(caught.value)
    assert "Of 6 cases 0 are on the shifted side, 6 on the other, 0 on neither" in str(caught.value)


def test_a_part_that_the_data_provide_must_not_end_empty() -> None:
    # Validation has shifted cases only.
    cases = [case(p + v, n, p, v=v) for n, (p, v) in enumerate(
        [("train", "x"), ("val", "y"), ("test", "x"), ("test", "y")])]  # fmt: skip

    with pytest.raises(DataError, match="val_iid holds 0 cases"):
        build(cases, "v == y")
    assert build([c for c in cases if c.split != "val"], "v == y").val_iid == ()


def test_a_minimum_is_asked_of_every_part() -> None:
    cases = [case(f"c{n}", n, "test", v="x" if n < 12 else "y") for n in range(16)]

    assert build(cases, "v == y", min_n=4).counts["test_ood"] == 4
    with pytest.raises(DataError, match="test_ood holds 4 cases, 5 are needed"):
        build(cases, "v == y", min_n=5)


def test_an_unknown_column_is_refused() -> None:
    with pytest.raises(UsageError, match="Did you mean 'modality'"):
        build([case("a", 0, "test", modality="CT")], "modalty == CT")


PUBLISHED_PARTS = st.sampled_from(["train", "val", "test", None])
ROWS = st.tuples(st.integers(0, 11), st.integers(0, 7), PUBLISHED_PARTS, st.sampled_from("xyz"))


def _built(rows: list[Any]) -> tuple[list[Case], Split | None]:
    values = {"x": "x", "y": "y", "z": None}
    cases = [case(f"c{n}", p, part, f"g{g}", v=values[v]) for n, (p, g, part, v) in enumerate(rows)]
    try:
        return cases, build(cases, "v == y")
    except DataError:
        return cases, None


@settings(max_examples=150, deadline=None)
@given(st.lists(ROWS, min_size=4, max_size=40))
def test_no_image_and_no_group_is_on_both_sides_and_no_row_is_lost(rows: list[Any]) -> None:
    cases, split = _built(rows)
    if split is None:
        return

    parts = [getattr(split, part) for part in PARTS]
    train, val, *tests = ({key for each in part for key in keys(each)} for part in parts)
    assert train.isdisjoint(val)
    assert not any((train | val) & test for test in tests)
    placed = [each.id for part in parts for each in part] + [
        id for ids in split.left_out.values() for id in ids
    ]
    assert sorted(placed) == sorted(each.id for each in cases)
    assert sum(split.counts.values()) == len(cases)
    assert all(each.meta["v"] == "y" for each in split.test_ood)
    assert all(each.meta["v"] == "x" for part in parts[:3] for each in part)


@settings(max_examples=80, deadline=None)
@given(st.lists(ROWS, min_size=4, max_size=40))
def test_where_a_field_varies_within_images_no_training_case_tests(rows: list[Any]) -> None:
    _, split = _built(rows)

    assert split is None or not split.in_image or {each.split for each in split.test_ood} == {"test"}


def test_the_properties_above_are_tested_on_splits_that_exist() -> None:
    rng = np.random.default_rng(3)
    tables = [
        [(n % 12, n % 8, rng.choice(["train", "val", "test"]), rng.choice(["x", "y"])) for n in range(24)]
        for _ in range(40)
    ]
    plain = [[(n, 40 + n, ["train", "val", "test"][n % 3], "xy"[n // 3 % 2]) for n in range(24)]]

    assert _built(plain[0])[1] is not None
    assert sum(_built(table)[1] is not None for table in tables) >= 1


def test_linked_cases_share_a_block_however_indirectly() -> None:
    # a and b share a picture, b and c a group; d stands alone.
    cases = [case("a", 0, None), case("b", 0, None, "g"), case("c", 1, None, "g"), case("d", 2, None)]

    assert linked(cases) == [0, 0, 0, 1]


def test_published_splits_are_splits_and_others_are_refused() -> None:
    for splits in PUBLISHED.values():
        assert all(str(parse_split(text)) == text for text in splits.values())
    with pytest.raises(UsageError, match="Did you mean 'slake'"):
        published("slak", "modality")
    with pytest.raises(UsageError, match="Legal: modality, question_type"):
        published("slake", "sex")
