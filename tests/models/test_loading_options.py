"""Loading options reach the model from the command line, the environment and a plan alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from medaudit import front
from medaudit.cli import app
from medaudit.errors import UsageError
from medaudit.model import LoadOptions
from medaudit.plan import parse_plan
from medaudit.resolve import load

OPTIONS = {"device_map": "balanced", "merge": "other", "merge_weight": 0.25}
TYPED = ["--device-map", "balanced", "--merge", "other", "--merge-weight", "0.25"]
ENVIRONMENT = {
    "MEDAUDIT_DEVICE_MAP": "balanced",
    "MEDAUDIT_MERGE": "other",
    "MEDAUDIT_MERGE_WEIGHT": "0.25",
}


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, LoadOptions]]:
    """What was asked of the loader; nothing is loaded."""
    seen: list[tuple[Any, LoadOptions]] = []

    def note(model: Any, options: LoadOptions) -> Any:
        seen.append((model, options))
        raise UsageError("stop here")

    monkeypatch.setattr("medaudit.models.load_model", note)
    return seen


@pytest.mark.parametrize(("words", "environment"), [(TYPED, {}), ([], ENVIRONMENT)])
def test_check_takes_them_from_the_command_line_and_the_environment(
    words: list[str], environment: dict[str, str], loaded: list[tuple[Any, LoadOptions]]
) -> None:
    CliRunner().invoke(app, ["check", "somewhere", *words], env=environment)

    assert loaded == [("somewhere", LoadOptions(**OPTIONS))]


def test_check_without_them_loads_with_defaults(loaded: list[tuple[Any, LoadOptions]]) -> None:
    CliRunner().invoke(app, ["check"], env={"MEDAUDIT_MODEL": "some where"})

    assert loaded == [("some where", LoadOptions())]


def test_scan_lays_them_over_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[front.Job] = []
    monkeypatch.setattr(front, "run", lambda job, **_: given.append(job) or 1 / 0)

    CliRunner().invoke(app, ["scan", "somewhere", *TYPED])

    assert {name: given[0].given[name] for name in OPTIONS} == OPTIONS


def test_a_plan_holds_them(loaded: list[tuple[Any, LoadOptions]]) -> None:
    with pytest.raises(UsageError, match="stop here"):
        load("somewhere", "phantom:chest", parse_plan({"audit": {**OPTIONS, "limit": 1}}))

    assert loaded == [("somewhere", LoadOptions(**OPTIONS))]


@pytest.mark.parametrize(
    "table", [{"device_map": "anywhere"}, {"merge_weight": 1.5}, {"merge_weight": float("nan")}]
)
def test_a_plan_refuses_what_is_out_of_bounds(table: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(table))):
        parse_plan({"audit": table})


def test_several_models_are_checked_one_at_a_time(loaded: list[tuple[Any, LoadOptions]]) -> None:
    with pytest.raises(UsageError, match="one at a time"):
        front.check(["one", "two"])

    assert loaded == []


def test_architectures_hands_on_the_types_and_fails_where_a_row_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(front, "check_architectures", lambda types, as_json: asked.append(types) or 1)

    result = CliRunner().invoke(app, ["check", "--architectures", "llava", "clip"])

    assert asked == [["llava", "clip"]]
    assert result.exit_code == 1


ROWS = [
    {"type": "one", "generate": "works", "tune": "not_applicable: no decoder", "notes": [], "seconds": 1.0},
    {"type": "two", "generate": "works", "tune": "fails: a shape", "notes": ["fails to be a verdict"]},
]


@pytest.mark.parametrize(("rows", "code"), [(ROWS[:1], 0), (ROWS, 1)])
def test_a_row_of_the_sweep_says_what_works_and_why_not(
    rows: list[dict[str, Any]],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def sweep(types: list[str], tell: Any) -> list[dict[str, Any]]:
        for row in rows:
            tell(row)
        return rows

    monkeypatch.setattr("medaudit.architectures.sweep.check_architectures", sweep)

    assert front.check_architectures([], False) == code
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert (
        lines
        == [
            "one works: generate; not_applicable: tune (no decoder)",
            "two works: generate; fails: tune (a shape)",
        ][: len(rows)]
    )
    assert front.check_architectures([], True) == code
    assert json.loads(capsys.readouterr().out) == rows


@pytest.mark.parametrize("option", [{"merge": "other"}, {"device_map": "auto"}])
def test_models_that_are_no_checkpoints_refuse_them(option: dict[str, str], tmp_path: Path) -> None:
    from medaudit.errors import ModelError
    from medaudit.models.python_callable import load_python

    file = tmp_path / "mine.py"
    file.write_text("def make():\n    return lambda images, prompt: 'yes'\n")

    with pytest.raises(ModelError, match="works on local checkpoints only"):
        load_python(f"{file}:make", LoadOptions(**option))
