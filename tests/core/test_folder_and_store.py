"""The audit folder belongs to one audit and one writer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from medaudit.errors import DataError, UsageError
from medaudit.folder import Events, open_folder
from medaudit.model import Answer
from medaudit.store import Store


def test_the_folder_of_another_audit_is_refused_and_fresh_starts_over(tmp_path: Path) -> None:
    with open_folder(tmp_path, "one", fresh=False) as store:
        store.write({"k": Answer(text="kept")})

    with (
        pytest.raises(UsageError, match="another model, data set, --limit or seed"),
        open_folder(tmp_path, "two", False),
    ):
        pass
    with open_folder(tmp_path, "one", fresh=False) as store:
        assert len(store) == 1
    with open_folder(tmp_path, "two", fresh=True) as store:
        assert len(store) == 0


def test_an_audit_without_its_answers_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "audit.json").write_text("{}")

    with pytest.raises(UsageError, match="--fresh"), open_folder(tmp_path, "one", fresh=False):
        pass
    assert (tmp_path / "audit.json").read_text() == "{}"


def test_fresh_removes_nothing_that_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("precious")

    with open_folder(tmp_path, "one", fresh=True):
        pass

    assert (tmp_path / "thesis.docx").read_text() == "precious"


def test_two_writers_at_once_are_refused(tmp_path: Path) -> None:
    with (
        open_folder(tmp_path, "one", False),
        pytest.raises(UsageError, match="another scan"),
        open_folder(tmp_path, "one", False),
    ):
        pass


def test_an_unwritable_place_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with (
        pytest.raises(UsageError, match="cannot be written"),
        open_folder(tmp_path / "file" / "x", "i", False),
    ):
        pass


def test_a_store_that_is_no_database_says_fresh(tmp_path: Path) -> None:
    (tmp_path / "answers.sqlite").write_bytes(b"not a database, surely" * 100)

    with pytest.raises(DataError, match="--fresh"):
        Store(tmp_path / "answers.sqlite")


def test_answers_come_back_as_they_went(tmp_path: Path) -> None:
    answers = {
        "text": Answer(text="yes\n\u202e<b>"),
        "scores": Answer(scores=(-0.25, -1.5), lengths=(1, 2)),
        "empty": Answer(text=""),
        "error": Answer(error="time-out"),
    }
    with Store(tmp_path / "s.sqlite") as store:
        store.write(answers)
        found = store.lookup([*answers, "unknown"])

    del answers["error"]
    assert found == answers


@pytest.mark.parametrize("text", ["{}", "[1]", '"yes"', "{", '{"txt": "yes"}'])
def test_an_answer_that_was_tampered_with_is_never_judged(tmp_path: Path, text: str) -> None:
    with Store(tmp_path / "s.sqlite") as store:
        store.write({"k": Answer(text="yes")})
        store._db.execute("UPDATE answers SET answer = ?", (text,))

        with pytest.raises(DataError, match="--fresh"):
            store.lookup(["k"])


def test_a_folder_in_the_way_of_an_output_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()

    with pytest.raises(UsageError, match=r"report\.html is a folder"), open_folder(tmp_path, "i", fresh=True):
        pass


def test_lookup_takes_any_number_of_keys() -> None:
    with Store(":memory:") as store:
        store.write({str(number): Answer(text=str(number)) for number in range(5000)})

        assert len(store.lookup(map(str, range(10_000)))) == 5000


def test_events_are_lines_of_json(tmp_path: Path) -> None:
    events = Events(tmp_path)
    events.write("start", cases=3)
    events.write("complete")

    lines = [json.loads(line) for line in (tmp_path / "run.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines] == ["start", "complete"]
