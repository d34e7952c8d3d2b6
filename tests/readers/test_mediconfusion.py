"""Pairs of MediConfusion: the published layout, its CSV twin, images by number or path, and none at all."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medaudit.errors import DataError
from medaudit.readers import ReadOptions, load_cases
from medaudit.registry import available

Write = Callable[..., Path]
ROW: dict[str, Any] = {
    "im_1": "train/radiology/images/ROCO_1.jpg",
    "im_2": "test/radiology/images/ROCO_2.jpg",
    "im_1_local": 20001,
    "im_2_local": 20002,
    "cap_1": "Canary of the first",
    "cap_2": "Canary of the second",
    "category_1": ["Cerebral", "Vascular"],
    "category_2": ["Vascular"],
    "BiomedCLIP_sim": 0.9245,
    "DINO_sim": 0.672,
    "question": "Which artery was injected?",
    "option_A": "Left internal carotid artery",
    "option_B": "Left lateral thoracic artery",
    "im_1_correct": "B",
    "im_2_correct": "A",
    "AI_question": "Which artery?",
    "AI_option_A": "carotid",
    "AI_option_B": "thoracic",
}
#: Three pairs; the first two share a picture.
THREE: list[dict[str, Any]] = [
    {},
    {"im_1": "test/radiology/images/ROCO_2.jpg", "im_2": "train/radiology/images/ROCO_3.jpg"},
    {"im_1": "train/radiology/images/ROCO_8.jpg", "im_2": "train/radiology/images/ROCO_9.jpg"},
]


@pytest.fixture
def published(tmp_path: Path) -> Write:
    """dataset.json of pairs 10001, 10002, ... made of changes to one row; ``...`` removes a key."""

    def write(*changes: dict[str, Any]) -> Path:
        rows = {
            str(10001 + number): {key: value for key, value in (ROW | row).items() if value is not ...}
            for number, row in enumerate(changes)
        }
        root = tmp_path / "data"
        root.mkdir(exist_ok=True)
        (root / "dataset.json").write_text(json.dumps(rows, indent=4))
        return root

    return write


def as_csv(root: Path) -> Path:
    """The twin: an unnamed column first, and lists as Python prints them."""
    rows = json.loads((root / "dataset.json").read_text())
    with (root / "dataset.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, ["", "id", *ROW])
        writer.writeheader()
        writer.writerows({"": n, "id": name, **row} for n, (name, row) in enumerate(rows.items()))
    return root / "dataset.csv"


def test_a_pair_is_two_cases_that_differ_in_the_answer(published: Write) -> None:
    cases = load_cases(published({}))

    first, second = cases.cases
    assert (cases.reader, cases.name, cases.public) == ("mediconfusion", "data", False)
    assert (first.id, second.id, first.pair, second.pair) == ("10001-1", "10001-2", "10001", "10001")
    assert (first.question, first.options) == (second.question, second.options)
    assert (first.answer, second.answer) == (ROW["option_B"], ROW["option_A"])
    assert first.meta == {
        "category": "Cerebral;Vascular",
        "picture": "ROCO_1",
        "roco_split": "train",
        "biomedclip_sim": 0.9245,
        "dino_sim": 0.672,
    }
    assert second.meta["category"] == "Vascular"
    assert "Canary" not in repr(cases)


def test_pairs_that_share_a_picture_are_one_group(published: Write) -> None:
    cases = load_cases(published(*THREE))

    groups = {case.pair: case.group for case in cases.cases}
    assert groups["10001"] == groups["10002"] != groups["10003"]
    assert cases.groups == 2


def test_the_csv_twin_gives_the_same_cases(published: Write) -> None:
    root = published(*THREE)
    table = as_csv(root)

    assert load_cases(table).cases == load_cases(root / "dataset.json").cases
    # Beside its twin the object is read, once.
    assert len(load_cases(root)) == 6


def test_images_are_found_by_number_or_by_their_path_in_roco(
    published: Write, picture: Callable[..., Path]
) -> None:
    root = published({})
    picture(root / "images" / "20001.jpg", 10)
    picture(root / "images" / ROW["im_2"], 200)

    first, second = load_cases(root).cases

    assert [case.images[0].pixels().mean() > 100 for case in (first, second)] == [False, True]
    assert first.images[0].digest != second.images[0].digest


def test_some_images_without_the_others_are_a_mistake_and_none_are_not(
    published: Write, picture: Callable[..., Path]
) -> None:
    root = published(*THREE)
    assert all(case.images == () for case in load_cases(root).cases)
    picture(root / "images" / ROW["im_1"], 10)
    picture(root / "images" / ROW["im_2"], 20)

    with pytest.raises(DataError, match=r"dataset.json:10002: image 2 of the pair was not found"):
        load_cases(root)

    kept = load_cases(root, ReadOptions(skip_bad=True))
    assert [case.id for case in kept.cases] == ["10001-1", "10001-2"]
    assert [line.where for line in kept.skipped] == ["dataset.json:10002", "dataset.json:10003"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"im_2_correct": "B"}, "both images have the right answer B"),
        ({"im_1_correct": "C"}, "'im_1_correct' must be A or B"),
        ({"option_B": " left INTERNAL carotid artery "}, "are the same; a choice needs two"),
        ({"option_A": "  "}, "'option_A' is empty"),
        ({"question": ...}, "'question' must be text or a number, is missing"),
        ({"im_2": ROW["im_1"]}, "are the same image"),
        ({"category_1": [1]}, "'category_1' must be a list of words"),
        ({"DINO_sim": 67.2}, "'DINO_sim' is a cosine"),
        ({"BiomedCLIP_sim": "high"}, "'BiomedCLIP_sim' must be a number"),
    ],
)
def test_what_is_no_confusing_pair_is_refused_with_its_place(
    published: Write, change: dict[str, Any], message: str
) -> None:
    root = published({}, change)

    with pytest.raises(DataError, match=r"^dataset.json:10002: ") as caught:
        load_cases(root)
    assert message in str(caught.value)
    assert "thoracic" not in str(caught.value)

    kept = load_cases(root, ReadOptions(skip_bad=True))
    assert {case.pair for case in kept.cases} == {"10001"}
    assert len(kept.skipped) == 1


@pytest.mark.parametrize("limit", [2, 3, 4, 6, 100])
def test_a_limit_keeps_whole_pairs(published: Write, limit: int) -> None:
    cases = load_cases(published(*THREE), ReadOptions(limit=limit, seed=3))

    assert len(cases) == min(6, limit // 2 * 2)
    assert set(Counter(case.pair for case in cases.cases).values()) == {2}


def test_other_tables_are_not_taken_for_pairs(published: Write, dataset: Write, row: Any) -> None:
    recognises = available("reader")["mediconfusion"].recognises
    root = published({})
    (root / "image_dict.json").write_text(json.dumps({ROW["im_1"]: [20001, "https://example.org"]}))

    assert recognises(root)
    assert not recognises(root / "image_dict.json")
    assert not recognises(dataset(row()))
    assert [name for name, reader in available("reader").items() if reader.recognises(root)] == [
        "mediconfusion"
    ]


@pytest.mark.parametrize("text", ["[]", "{}", '"x"', "[1]", "{nonsense", '{"1": []}'])
def test_a_named_table_without_pairs_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "dataset.json").write_text(text)

    with pytest.raises(DataError, match=r"no table of MediConfusion pairs"):
        load_cases(f"mediconfusion:{tmp_path}")


@pytest.mark.parametrize("damage", ["}", "nan"])
def test_a_damaged_table_is_told_by_name(published: Write, damage: str) -> None:
    path = published({}) / "dataset.json"
    text = path.read_text()
    path.write_text(text.replace("0.672", "NaN") if damage == "nan" else text + damage)

    with pytest.raises(DataError, match=r"^dataset.json: "):
        load_cases(path)


@pytest.mark.shared_data
def test_the_real_questions_without_their_images(shared: Path) -> None:
    rows = json.loads((shared / "mediconfusion_text/questions.json").read_text())
    names = {name for row in rows for name in (row["image_1"], row["image_2"])}

    cases = load_cases(shared / "mediconfusion_text")

    assert (cases.reader, len(cases), cases.skipped) == ("mediconfusion", 2 * len(rows), ())
    assert len({case.meta["picture"] for case in cases.cases}) == len(names)
    assert all(case.images == () and case.group for case in cases.cases)
    pairs: dict[str, list[str]] = {}
    for case in cases.cases:
        pairs.setdefault(str(case.pair), []).append("AB"[case.options.index(case.answer)])
    orders = Counter(row["image_1_correct"] + row["image_2_correct"] for row in rows)
    assert Counter("".join(letters) for letters in pairs.values()) == orders
    # Components counted another way: spread one colour along the edges until none is left.
    left, found = set(names), 0
    while left:
        colour, found = {left.pop()}, found + 1
        while (
            reached := {
                name
                for row in rows
                if {row["image_1"], row["image_2"]} & colour
                for name in (row["image_1"], row["image_2"])
            }
            - colour
        ):
            colour |= reached
        left -= colour
    assert cases.groups == found
