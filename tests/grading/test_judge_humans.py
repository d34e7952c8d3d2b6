"""Reading human verdicts: scales, raters, and every mistake as one message."""

from __future__ import annotations

from pathlib import Path

import pytest

from medaudit.errors import DataError
from medaudit.grading.human_labels import read_humans


def table(folder: Path, text: str, name: str = "h.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_table_of_two_raters_on_five_points(tmp_path: Path) -> None:
    found = read_humans(
        table(tmp_path, "case_id,human,rater\na,5,x\na,4,y\nb,1,x\nb,2,y\nc,4,x\nc,,y\n"), {"a", "b", "c"}
    )

    assert found.scale == "1-5"
    assert found.by_rater == {"x": {"a": 1.0, "b": 0.0, "c": 0.75}, "y": {"a": 0.75, "b": 0.25}}
    assert found.scores == {"a": 0.875, "b": 0.125, "c": 0.75}
    assert found.right == {"a": 1.0, "b": 0.0, "c": 1.0}


def test_json_lines_of_zeros_and_ones(tmp_path: Path) -> None:
    found = read_humans(table(tmp_path, '{"id": "a", "human": 0}\n\n{"id": "b", "human": 1}\n', "h.jsonl"))

    assert (found.scale, found.right) == ("0-1", {"a": 0.0, "b": 1.0})


def test_a_named_column_settles_what_ones_mean(tmp_path: Path) -> None:
    assert read_humans(table(tmp_path, "case_id,human_0_1\na,1\nb,1\n")).scores == {"a": 1.0, "b": 1.0}
    assert read_humans(table(tmp_path, "case_id,human_1_5\na,1\nb,1\n")).scores == {"a": 0.0, "b": 0.0}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("case_id,human\na,1\nb,1\n", "human_0_1 or human_1_5"),
        ("case_id,human\na,0\nb,5\n", "off the scale 0-1"),
        ("case_id,human\na,3\nb,6\n", "off the scale 1-5"),
        ("case_id,human\na,0\nb,0.5\n", "off the scale 0-1"),
        ("case_id,human\na,good\n", "row 2: the human score is not a number"),
        ("case_id,human\na,0\na,1\n", "two scores of one rater"),
        ("case_id,score\na,0\n", "no human score"),
        ("human\n0\n", "no case id"),
        ("case_id,human\nz,0\n", "'z' is none of the judged"),
        ("case_id,human\na,\n", "holds no human score"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(DataError, match=says):
        read_humans(table(tmp_path, text), {"a", "b"})


def test_a_file_that_is_not_there_or_not_json_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_humans(tmp_path / "none.csv")
    with pytest.raises(DataError, match="row 1: not JSON"):
        read_humans(table(tmp_path, "case,human\n", "h.jsonl"))
