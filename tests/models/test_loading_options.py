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


def test_each_type_is_told_as_it_comes_and_a_failure_sets_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from medaudit.architectures.sweep import COLUMNS
    from medaudit.architectures.table import document

    good = {
        "class": "X",
        "notes": ["fails to be a verdict"],
        "seconds": 1.0,
        **dict.fromkeys(COLUMNS, "works"),
    }
    rows = [
        {"type": "one", **good},
        {"type": "two", **good, "tune": "fails: a shape", "embed": "not_applicable: none"},
    ]

    def sweep(types: list[str], tell: Any) -> list[dict[str, Any]]:
        chosen = [row for row in rows if not types or row["type"] in types]
        for row in chosen:
            tell(row)
        return chosen

    monkeypatch.setattr("medaudit.architectures.sweep.check_architectures", sweep)

    assert front.check_architectures(["one"], False) == 0
    assert front.check_architectures([], False) == 1
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[2:4] == ["one all work", "two fails: tune (a shape); not_applicable: embed (none)"]
    assert lines[4].startswith("2 types; works: generate 2, choose 2, embed 1,")
    assert front.check_architectures([], True) == 1
    assert json.loads(capsys.readouterr().out) == document(rows)


@pytest.mark.parametrize("option", [{"merge": "other"}, {"device_map": "auto"}])
def test_models_that_are_no_checkpoints_refuse_them(option: dict[str, str], tmp_path: Path) -> None:
    from medaudit.errors import ModelError
    from medaudit.models.python_callable import load_python

    file = tmp_path / "mine.py"
    file.write_text("def make():\n    return lambda images, prompt: 'yes'\n")

    with pytest.raises(ModelError, match="works on local checkpoints only"):
        load_python(f"{file}:make", LoadOptions(**option))
