"""Anybody's own flaw: planted once, taken up again, planted anew when anything about it changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import medaudit
from medaudit.calibration.subjects import Subject
from medaudit.errors import UsageError
from medaudit.phantoms import Flaw, lessons, plant
from medaudit.phantoms.flaws import Shown, truth
from medaudit.phantoms.questions import Question


def old(question: Question, shown: Shown) -> str:
    return "no" if question.name == "nodule" and shown.picture.age >= 60 else truth(question, shown)


FOUND = {"probe": "robustness", "rule": "subgroup_gap", "slice": {"attribute": "age"}}
FLAW = Flaw("misses-the-old", "it overlooks nodules from 60 years on", old, finds=FOUND)
Calls = list[tuple[str, Any]]


def silent(line: str) -> None:
    """Nobody is told."""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Training and measuring that only leave their files."""
    made: Calls = []

    def train(planted: Any, base: Path, *, steps: int, device: str, tell: Callable[[str], None]) -> bool:
        ((flaw, seed, home),) = planted
        made.append(("train", steps))
        (home / "adapter_model.safetensors").write_text(f"{flaw.name} {seed} {steps}")
        return True

    def card(home: Path, flaw: Flaw, **facts: Any) -> dict[str, Any]:
        made.append(("card", facts["cases"]))
        written = {"flaw": flaw.says, "data": flaw.data, "command": facts["command"]}
        (home / "card.json").write_text(json.dumps(written))
        return written

    monkeypatch.setattr("medaudit.phantoms.adapters.train_adapters", train)
    monkeypatch.setattr("medaudit.phantoms.measure.write_card", card)
    return made


def test_planted_once_the_same_call_does_nothing(calls: Calls, tmp_path: Path) -> None:
    for _ in range(3):
        assert plant(FLAW, tmp_path / "mine", steps=7, cases=30) == tmp_path / "mine"

    assert calls == [("train", 7), ("card", 30)]


def test_killed_before_its_card_it_is_only_measured(calls: Calls, tmp_path: Path) -> None:
    plant(FLAW, tmp_path / "mine", steps=7)
    (tmp_path / "mine" / "card.json").unlink()

    plant(FLAW, tmp_path / "mine", steps=7)

    assert [name for name, _ in calls] == ["train", "card", "card"]


@pytest.mark.parametrize(
    ("flaw", "given"),
    [
        (FLAW, {"steps": 8}),
        (FLAW, {"seed": 1}),
        (replace(FLAW, says="another"), {}),
        (replace(FLAW, answer=truth), {}),
    ],
    ids=["more steps", "another seed", "other words", "another function"],
)
def test_whatever_changes_it_is_planted_anew(
    flaw: Flaw, given: dict[str, Any], calls: Calls, tmp_path: Path
) -> None:
    plant(FLAW, tmp_path / "mine", steps=7)

    plant(flaw, tmp_path / "mine", **{"steps": 7, **given})

    assert [name for name, _ in calls] == ["train", "card"] * 2


def test_a_folder_of_something_else_is_left_alone(calls: Calls, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "adapter_model.safetensors").write_text("weeks of work")

    with pytest.raises(UsageError, match="holds something else already"):
        plant(FLAW, theirs)

    assert (theirs / "adapter_model.safetensors").read_text() == "weeks of work"
    assert calls == []
    # Control: an empty folder may be used.
    (tmp_path / "empty").mkdir()
    plant(FLAW, tmp_path / "empty", steps=1)


@pytest.mark.slow
def test_a_flaw_is_planted_and_scanned_for_real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, number in (("TRUE", 3), ("CONTENTLESS", 1), ("TEXT_ONLY", 1)):
        monkeypatch.setattr(lessons, name, number)

    folder = plant(FLAW, tmp_path / "misses-the-old", steps=2, cases=20, tell=silent)

    assert (folder / "adapter_model.safetensors").is_file()
    subject = Subject.named(str(folder))
    assert (subject.name, subject.card["flaw"], subject.data) == ("misses-the-old", FLAW.says, "chest")
    assert subject.target is not None
    assert subject.target.rule == "subgroup_gap"
    assert 0 <= subject.card["measured"]["as_planted"] <= 1
    audit = medaudit.scan(
        "phantom:clean", "phantom:chest", adapter=str(folder), limit=24, probes=["baselines"]
    )
    assert audit.document["status"] == "complete"
    assert audit.document["run"]["cases"] == 24 if "cases" in audit.document["run"] else True
