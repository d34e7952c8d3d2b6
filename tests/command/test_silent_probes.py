"""A probe that ran and measured nothing says why where the user looks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import medaudit as package
from medaudit.front import lines


@pytest.fixture
def open_data(data: Path) -> Path:
    """The folder of cases, put as open questions."""
    path = data / "cases.jsonl"
    cases = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("\n".join(json.dumps({**case, "options": []}) for case in cases))
    return data


def told(audit: package.Audit, probe: str) -> list[str]:
    return [line for line in lines(audit, Path("x")) if f" {probe}: " in line]


def test_judged_without_a_judge_says_so_on_the_terminal(
    medaudit, open_data: Path, models: Path, tmp_path: Path
) -> None:
    words = ("--data", open_data, "--out", tmp_path / "a", "--probe", "judged")

    done = medaudit("scan", f"python:{models}:agreeable", *words)

    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if "judged:" in line]
    assert line.startswith("not_applicable judged: no judge is named: set judge = ")
    assert "under [probe.judged]" in line


def test_judged_without_an_open_question_says_so(data: Path, models: Path) -> None:
    audit = package.scan(f"python:{models}:reader", data, probes=["judged"])

    assert told(audit, "judged") == ["not_applicable judged: no open question in this data"]


def test_a_probe_that_measured_has_no_such_line(data: Path, models: Path) -> None:
    # The negative control: numbers were found, and one probe has none beside one that has.
    audit = package.scan(f"python:{models}:reader", data, probes=["baselines", "judged"])

    assert any(f.probe == "baselines" and f.estimate is not None for f in audit.findings)
    assert told(audit, "baselines") == []
    assert len(told(audit, "judged")) == 1


def test_a_gated_finding_without_a_number_is_told_once(data: Path, models: Path) -> None:
    gate = {"probe": "judged", "metric": "judged_accuracy", "at_least": 0.5}
    plan = {"audit": {"probes": ["judged"]}, "gate": [gate]}

    audit = package.scan(f"python:{models}:reader", data, plan=plan)

    said = [line for line in lines(audit, Path("x")) if "no open question in this data" in line]
    assert len(said) == 1


def test_a_probe_without_headlines_shows_its_first_numbers(data: Path, models: Path) -> None:
    audit = package.scan(f"python:{models}:reader", data, probes=["wording"])

    said = [line for line in lines(audit, Path("x")) if " wording/" in line]
    assert 1 <= len(said) <= 4
