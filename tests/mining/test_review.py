"""The table that people judge: what counts, what must not reach a spreadsheet, which mistakes are named."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medaudit.errors import DataError, UsageError
from medaudit.mining import Rules, mine, read_review, write_review
from medaudit.mining.review import COLUMNS, plain_text, safe


@pytest.fixture(scope="module")
def pairs(pool: Any) -> Any:
    rules = Rules(audited=("side", "size", "form"), quantile=0.99, limit=5)
    return mine(pool.cases, pool.folded, pool.plain, rules=rules, hashes=pool.hashes).pairs


def edited(path: Path, pairs: Any, *changes: dict[str, str]) -> Path:
    """The table of these pairs with the first lines changed, as a spreadsheet would save it."""
    write_review(path, pairs)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row, change in zip(rows, changes, strict=False):
        row.update(change)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_only_what_is_approved_or_edited_counts(pairs: Any, tmp_path: Path) -> None:
    new = {"decision": "Edit", "question": "Where is it?", "option_1": "west", "option_2": "east",
           "answer_1": "West", "answer_2": "east", "note": "clearer", "reviewer": "B"}  # fmt: skip
    path = edited(
        tmp_path / "r.csv", pairs,
        {"decision": "approve", "reviewer": "A"}, new, {"decision": "reject"}, {"decision": "undecidable"},
    )  # fmt: skip

    found = read_review(path, pairs)

    assert found.pairs[0] == pairs[0]
    assert [pair.id for pair in found.pairs] == [pairs[0].id, pairs[1].id]
    assert found.pairs[1].first.question == found.pairs[1].second.question == "Where is it?"
    assert (found.pairs[1].first.answer, found.pairs[1].second.options) == ("West", ("west", "east"))
    assert found.decisions == {
        "approve": 1, "edit": 1, "reject": 1, "undecidable": 1, "undecided": 1, "missing": 0,
    }  # fmt: skip
    assert found.reviewers == ("A", "B")


def test_an_untouched_table_lets_nothing_through(pairs: Any, tmp_path: Path) -> None:
    write_review(tmp_path / "r.csv", pairs)

    found = read_review(tmp_path / "r.csv", pairs)

    assert found.pairs == ()
    assert found.decisions["undecided"] == len(pairs)


def test_lines_left_out_are_missing_and_semicolons_are_read(pairs: Any, tmp_path: Path) -> None:
    path = edited(tmp_path / "r.csv", pairs[:1], {"decision": "approve"})
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter=";").writerows(rows)

    found = read_review(path, pairs)

    assert found.pairs == pairs[:1]
    assert found.decisions["missing"] == len(pairs) - 1


HOSTILE = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "=cmd|' /C calc'!A0", "＝1", "'=1")  # noqa: RUF001


@pytest.mark.parametrize("text", HOSTILE)
def test_no_cell_is_a_formula(pairs: Any, tmp_path: Path, text: str) -> None:
    first = replace(
        pairs[0].first, question=f"{text} which?", options=(f"{text} a", f"{text} b"), answer=f"{text} a"
    )
    second = replace(first, images=pairs[0].second.images, answer=f"{text} b")
    pair = replace(pairs[0], first=first, second=second, attribute=text)
    write_review(tmp_path / "r.csv", [pair])

    with (tmp_path / "r.csv").open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)

    for name in ("attribute", "question", "option_1", "option_2", "answer_1", "answer_2"):
        assert row[name].startswith("'")
        assert plain_text(row[name]).startswith(text)
    approved = edited(tmp_path / "s.csv", [pair], {"decision": "approve"})
    assert read_review(approved, [pair]).pairs == (pair,)


@settings(deadline=None)
@given(st.text(alphabet="=+-@'\t\r\n aé＝1", max_size=6))  # noqa: RUF001
def test_texts_come_back_as_they_went(text: str) -> None:
    assert plain_text(safe(text)) == text
    assert not safe(text).lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "＝"))  # noqa: RUF001


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"decision": "ok"},
            "r.csv:2, column 'decision': 'ok' is none; write approve, edit, reject, undecidable",
        ),
        ({"pair_id": "mined-x"}, "r.csv:2, column 'pair_id': 'mined-x' is no pair of this run"),
        ({"image_2": "b.png", "decision": "edit"}, "column 'image_2': was changed; leave it"),
        ({"attribute": "sex"}, "column 'attribute': was changed; leave it"),
        (
            {"question": "Other?", "decision": "approve"},
            "column 'question': was changed; write the decision 'edit'",
        ),
        ({"answer_2": "left"}, "was changed; write the decision 'edit'"),
        ({"question": " ", "decision": "edit"}, "column 'question': is empty"),
        ({"question": "Is it left?", "decision": "edit"}, "one of its options"),
        ({"answer_1": "up", "decision": "edit"}, "column 'answer_1': is not one of"),
        ({"option_1": "right", "option_2": "RIGHT", "decision": "edit"}, "two or more different options"),
    ],
)
def test_each_mistake_is_named_with_its_place(
    pairs: Any, tmp_path: Path, change: dict[str, str], said: str
) -> None:
    path = edited(tmp_path / "r.csv", pairs, change)

    with pytest.raises(DataError) as error:
        read_review(path, pairs)
    assert said in str(error.value)


def test_equal_answers_are_no_pair(pairs: Any, tmp_path: Path) -> None:
    path = edited(tmp_path / "r.csv", pairs, {"answer_1": "left", "answer_2": "left", "decision": "edit"})

    with pytest.raises(DataError, match="two different right answers"):
        read_review(path, pairs)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty; the first line names the columns"),
        ("pair_id,note\n", "lacks attribute, image_1"),
        (",".join(COLUMNS) + ",extra\n", "has 'extra'"),
        (",".join(COLUMNS) + "\na,b\n", "r.csv:2: 2 cells for 14 columns"),
    ],
)
def test_what_is_no_such_table_is_refused(pairs: Any, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "r.csv").write_text(text)

    with pytest.raises(DataError) as error:
        read_review(tmp_path / "r.csv", pairs)
    assert said in str(error.value)


def test_missing_files_other_encodings_and_repeated_lines_are_refused(pairs: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such review file"):
        read_review(tmp_path / "none.csv", pairs)
    (tmp_path / "r.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="not UTF-8"):
        read_review(tmp_path / "r.csv", pairs)
    path = edited(tmp_path / "s.csv", pairs)
    path.write_text(path.read_text() + path.read_text().splitlines()[1] + "\n")
    with pytest.raises(DataError, match=r"has a line already \(s.csv:2\)"):
        read_review(path, pairs)
    with pytest.raises(UsageError, match="two pairs share an id"):
        write_review(path, [pairs[0], pairs[0]])
