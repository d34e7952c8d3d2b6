from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from medaudit.case import CaseSet, Region
from medaudit.errors import DataError
from medaudit.readers import ReadOptions, load_cases

Dataset = Callable[..., Path]
Row = Callable[..., dict[str, Any]]


def test_a_full_row_becomes_a_case_field_by_field(dataset: Dataset, row: Row) -> None:
    meta = {"sex": "F", "age": 63, "dose": 0.5, "icu": True, "view": None}
    full = row(
        images=["a.png", "b.png"],
        group="patient-7",
        meta=meta,
        regions=[{"label": "effusion", "box": [0, 0, 20, 10]}],
        pair="p1",
        split="test",
    )

    cases = load_cases(dataset(full))

    case = cases.cases[0]
    assert (cases.name, cases.reader, cases.public, cases.skipped) == ("set", "folder", False, ())
    assert (case.id, case.question, case.answer) == ("c1", "Is there an effusion?", "yes")
    assert case.options == ("yes", "no")
    assert (case.group, case.pair, case.split) == ("patient-7", "p1", "test")
    assert case.meta == meta
    assert case.regions == (Region("effusion", (0, 0, 20, 10)),)
    assert [image.name for image in case.images] == ["a.png", "b.png"]
    assert case.images[1].pixels()[0, 0].tolist() == [200, 200, 200]


def test_optional_fields_have_their_defaults(dataset: Dataset, row: Row) -> None:
    cases = load_cases(dataset(row(options=...), row(id="c2", options=None, group=None, meta=None)))

    first, second = cases.cases
    assert not first.closed
    assert (first.meta, first.regions, first.pair, first.split) == ({}, (), None, None)
    assert first.group == second.group
    assert cases.groups == 1


def test_default_group_follows_the_picture_not_the_file(dataset: Dataset, row: Row) -> None:
    root = dataset(row(), row(id="c2", images=["copy.png"]), row(id="c3", images=["b.png"]))
    (root / "copy.png").write_bytes((root / "a.png").read_bytes())

    one, same, other = load_cases(root).cases

    assert one.group == same.group != other.group


def test_byte_order_mark_crlf_and_blank_lines_are_tolerated(dataset: Dataset, row: Row) -> None:
    text = json.dumps(row()) + "\r\n\r\n   \r\n" + json.dumps(row(id="c2")) + "\r\n"

    cases = load_cases(dataset(b"\xef\xbb\xbf" + text.encode()))

    assert [case.id for case in cases.cases] == ["c1", "c2"]
    assert cases.skipped == ()


INFINITE = '{"id": "x", "images": ["a.png"], "question": "q", "answer": "a", "meta": {"v": 1e999}}'
MALFORMED: list[tuple[str, dict[str, Any] | str | bytes, str]] = [
    ("not json", "{'id': 1}", "not JSON"),
    ("half a line", '{"id": "c', "not JSON"),
    ("a list", "[1, 2]", "a JSON object was expected, found a list"),
    ("not utf-8", b'{"id": "\xff"}', "not UTF-8"),
    ("nan", '{"id": "x", "meta": {"age": NaN}}', "NaN is not JSON"),
    ("repeated key", '{"id": "x", "id": "y"}', "'id' is given twice"),
    ("surrogate", '{"id": "\\ud800"}', "surrogate"),
    ("deep", "[" * 100_000, "nested too deeply"),
    ("digits", '{"id": ' + "9" * 5000 + "}", "too many digits"),
    ("too long", '{"id": "' + "x" * (1 << 20) + '"}', "longer than"),
    ("unknown key", {"awnser": "yes"}, "Did you mean 'answer'?"),
    ("image key", {"image": "a.png"}, "Did you mean 'images'?"),
    ("no question", {"question": ...}, "'question' is missing"),
    ("empty question", {"question": "  "}, "question is empty"),
    ("empty answer", {"answer": "", "options": ...}, "'answer' is empty"),
    ("empty id", {"id": ""}, "without an id"),
    ("numeric id", {"id": 7}, "'id' must be text, is a number"),
    ("boolean answer", {"answer": True}, "'answer' must be text, is true or false"),
    ("numeric group", {"group": 3}, "'group' must be text"),
    ("images as text", {"images": "a.png"}, "'images' must be a list, is text"),
    ("no image", {"images": []}, "'images' is empty"),
    ("null image", {"images": [None]}, "holds null"),
    ("missing image", {"images": ["none.png"]}, "none.png: no such image file"),
    ("folder as image", {"images": ["."]}, "no such image file"),
    ("absolute path", {"images": ["/etc/hostname"]}, "leaves the data folder"),
    ("climbing path", {"images": ["../outside.png"]}, "leaves the data folder"),
    ("climbs and returns", {"images": ["x/../a.png"]}, "leaves the data folder"),
    ("nul in path", {"images": ["a\0.png"]}, "no usable file name"),
    ("endless path", {"images": ["x" * 5000]}, "no usable file name"),
    ("duplicate options", {"options": ["yes", "Yes "]}, "duplicate"),
    ("one option", {"options": ["yes"]}, "one option is no choice"),
    ("answer elsewhere", {"answer": "maybe"}, "not among the options"),
    ("nested meta", {"meta": {"age": [1]}}, "meta 'age' must be"),
    ("meta list", {"meta": []}, "'meta' must be an object"),
    ("infinite meta", INFINITE, "range"),
    ("region key", {"regions": [{"label": "x", "bbox": [0, 0, 1, 1]}]}, "Did you mean 'box'?"),
    ("region label", {"regions": [{"label": 1, "box": [0, 0, 1, 1]}]}, "'label' must be text"),
    ("three numbers", {"regions": [{"label": "x", "box": [0, 0, 1]}]}, "four whole numbers"),
    ("half pixels", {"regions": [{"label": "x", "box": [0, 0, 1.5, 1]}]}, "four whole numbers"),
    ("inverted box", {"regions": [{"label": "x", "box": [5, 0, 2, 4]}]}, "x0 < x1"),
]
IDS = [name for name, _, _ in MALFORMED]


def _bad(line: dict[str, Any] | str | bytes, row: Row) -> dict[str, Any] | str | bytes:
    return row(**{"id": "bad", **line}) if isinstance(line, dict) else line


@pytest.mark.parametrize(("name", "line", "message"), MALFORMED, ids=IDS)
def test_a_malformed_line_stops_with_file_line_and_reason(
    name: str, line: dict[str, Any] | str | bytes, message: str, dataset: Dataset, row: Row
) -> None:
    root = dataset(row(), _bad(line, row), row(id="c3"))

    with pytest.raises(DataError) as caught:
        load_cases(root)

    assert str(caught.value).startswith("cases.jsonl:2: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(("name", "line", "message"), MALFORMED, ids=IDS)
def test_skip_bad_lists_the_line_and_keeps_its_neighbours(
    name: str, line: dict[str, Any] | str | bytes, message: str, dataset: Dataset, row: Row
) -> None:
    root = dataset(row(), _bad(line, row), row(id="c3"))

    cases = load_cases(root, ReadOptions(skip_bad=True))

    assert [case.id for case in cases.cases] == ["c1", "c3"]
    assert [skipped.where for skipped in cases.skipped] == ["cases.jsonl:2"]
    assert message in cases.skipped[0].why


def test_a_repeated_id_names_both_lines(dataset: Dataset, row: Row) -> None:
    with pytest.raises(DataError, match=r"cases\.jsonl:2: id 'c1' was given before, at cases\.jsonl:1"):
        load_cases(dataset(row(), row()))


def test_a_box_outside_the_first_image_is_refused(dataset: Dataset, row: Row) -> None:
    fits = row(regions=[{"label": "x", "box": [0, 0, 20, 10]}])
    leaves = row(id="c2", regions=[{"label": "x", "box": [0, 0, 21, 10]}])

    assert len(load_cases(dataset(fits))) == 1
    with pytest.raises(DataError, match=r"cases\.jsonl:2: case 'c2'.*20 wide and 10 high"):
        load_cases(dataset(fits, leaves))


def test_a_link_that_leaves_the_folder_is_refused(dataset: Dataset, row: Row, tmp_path: Path) -> None:
    root = dataset(row(images=["link.png"]))
    (tmp_path / "outside.png").write_bytes((root / "a.png").read_bytes())
    (root / "link.png").symlink_to(tmp_path / "outside.png")

    with pytest.raises(DataError, match=r"cases\.jsonl:1: .*link that leaves"):
        load_cases(root)


def test_a_link_inside_the_folder_is_followed(dataset: Dataset, row: Row) -> None:
    root = dataset(row(images=["link.png"]))
    (root / "link.png").symlink_to(root / "a.png")

    assert load_cases(root).cases[0].images[0].pixels()[0, 0, 0] == 10


def test_a_truncated_jpeg_stops_the_run_with_line_case_and_file(
    dataset: Dataset, row: Row, tmp_path: Path
) -> None:
    root = dataset(row(), row(id="c2", images=["cut.jpg"]))
    Pillow.effect_noise((64, 64), 50).save(tmp_path / "whole.jpg")
    whole = (tmp_path / "whole.jpg").read_bytes()
    (root / "cut.jpg").write_bytes(whole[: len(whole) // 2])

    with pytest.raises(DataError, match=r"cases\.jsonl:2: case 'c2': cut\.jpg: not a readable image"):
        load_cases(root)
    kept = load_cases(root, ReadOptions(skip_bad=True))
    assert ([case.id for case in kept.cases], kept.skipped[0].where) == (["c1"], "cases.jsonl:2")

    (root / "cut.jpg").write_bytes(whole)
    assert len(load_cases(root)) == 2


def test_images_that_the_limit_drops_are_never_opened(dataset: Dataset, row: Row) -> None:
    root = dataset(*(row(id=f"c{n}", images=[f"{n}.png"]) for n in range(20)))
    for n in range(20):
        (root / f"{n}.png").write_bytes(b"no image at all")
    ids = [f"c{n}" for n in range(20)]
    kept = set(sorted(ids, key=lambda i: blake2b(f"3|{i}".encode(), digest_size=8).digest())[:5])
    for name in kept:
        (root / f"{name[1:]}.png").write_bytes((root / "a.png").read_bytes())

    cases = load_cases(root, ReadOptions(limit=5, seed=3))

    assert {case.id for case in cases.cases} == kept


def test_empty_data_is_one_message(dataset: Dataset) -> None:
    with pytest.raises(DataError, match=r"set: no cases were found\."):
        load_cases(dataset(""))


def test_nothing_but_bad_lines_says_why(dataset: Dataset) -> None:
    with pytest.raises(DataError, match=r"2 left out, the first at cases\.jsonl:1: not JSON"):
        load_cases(dataset("x", "y"), ReadOptions(skip_bad=True))


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(limit: int) -> None:
    with pytest.raises(DataError, match="from 1"):
        ReadOptions(limit=limit)


def test_dataset_json_names_the_set_and_makes_it_public(dataset: Dataset, row: Row) -> None:
    root = dataset(row())
    (root / "dataset.json").write_text('{"name": "Ward 3", "public": true, "licence": "CC0-1.0"}')

    told = load_cases(root)
    overruled = load_cases(root, ReadOptions(public=False))

    assert (told.name, told.public) == ("Ward 3", True)
    assert overruled.public is False


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"license": "MIT"}', "Did you mean 'licence'"),
        ('{"public": "yes"}', "must be true or false"),
        ("nope", "not JSON"),
    ],
)
def test_a_wrong_dataset_json_is_refused(text: str, message: str, dataset: Dataset, row: Row) -> None:
    root = dataset(row())
    (root / "dataset.json").write_text(text)

    with pytest.raises(DataError, match=r"dataset\.json: .*" + message):
        load_cases(root)


def test_cases_csv_and_jsonl_together_are_refused(dataset: Dataset, row: Row) -> None:
    root = dataset(row())
    (root / "cases.csv").write_text("id,images,question,answer\nv,a.png,Really?,yes\n")

    with pytest.raises(DataError, match="both"):
        load_cases(root)
    assert load_cases(root / "cases.csv").cases[0].id == "v"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_one_message(dataset: Dataset, row: Row) -> None:
    root = dataset(row())
    (root / "cases.jsonl").chmod(0)

    with pytest.raises(DataError, match="cannot be read"):
        load_cases(root)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["id", "images", "question", "options", "answer", "group", "meta", "regions", "pair"]
)
LIKELY = st.fixed_dictionaries(
    {"id": st.text(max_size=3), "images": st.just(["a.png"]), "question": st.text(), "answer": st.text()},
    optional={"options": JSON, "meta": JSON, "regions": JSON, "group": JSON, "split": JSON},
)


@settings(deadline=None, max_examples=50)
@given(st.lists(JSON | LIKELY | st.dictionaries(FIELDS, JSON), max_size=4), st.booleans())
def test_arbitrary_json_gives_cases_or_a_data_error(values: list[Any], skip_bad: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Pillow.new("RGB", (4, 4)).save(Path(folder) / "a.png")
        (Path(folder) / "cases.jsonl").write_text("\n".join(map(json.dumps, values)), encoding="utf-8")
        try:
            cases = load_cases(folder, ReadOptions(skip_bad=skip_bad))
        except DataError:
            return
        assert isinstance(cases, CaseSet)
        assert len(cases.digest()) == 64


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=300))
def test_arbitrary_bytes_give_cases_or_a_data_error(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "cases.jsonl").write_bytes(content)
        with pytest.raises(DataError):
            load_cases(folder, ReadOptions(skip_bad=True))


SECRET = "Mr Canary has a mass"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"answer": SECRET}, "case 'c2': the answer is not among the options"),
        ({"options": ["yes", SECRET, SECRET]}, "case 'c2': 'options' hold a duplicate, numbers 2 and 3"),
        ({"regions": [{"label": SECRET, "box": [5, 0, 2, 4]}]}, "box [5, 0, 2, 4]"),
        ({"regions": [{"label": SECRET, "box": [0, 0, 99, 9]}]}, "region 1: box [0, 0, 99, 9] leaves"),
        ({"images": [SECRET]}, "no such image file"),
        ({"images": ["../Canary/1.png"]}, "1.png: the path leaves the data folder"),
        ({"images": ["Canary/1.png"]}, "1.png: no such image file"),
        ({"images": [SECRET * 500]}, "no usable file name"),
        ({SECRET: "yes"}, "unknown key of 20 characters"),
        ({"meta": {SECRET: [1]}}, "meta of 20 characters must be"),
    ],
)
def test_no_free_text_of_a_bad_case_is_in_its_message(
    changes: dict[str, Any], told: str, dataset: Dataset, row: Row
) -> None:
    root = dataset(row(), row(id="c2", **changes))

    with pytest.raises(DataError) as caught:
        load_cases(root)
    skipped = load_cases(root, ReadOptions(skip_bad=True)).skipped

    assert str(caught.value).startswith("cases.jsonl:2: ")
    assert told in str(caught.value)
    assert "Canary" not in str(caught.value) + repr(skipped)
    assert len(skipped) == 1


def test_identity_is_left_out_of_meta(dataset: Dataset, row: Row) -> None:
    meta = {"sex": "F", "patient_name": "Canary", "MRN": 4711, "birthDate": "1931-01-02", "scanner": "A"}

    case = load_cases(dataset(row(meta=meta))).cases[0]

    assert case.meta == {"sex": "F", "scanner": "A"}
