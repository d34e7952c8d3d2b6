"""One process a type: a crash or a hang costs one row, and the table counts what is in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from medaudit.architectures import sweep
from medaudit.architectures.conformance import CHECKS
from medaudit.architectures.kinds import Kind, kinds
from medaudit.architectures.sweep import COLUMNS, check_architectures
from medaudit.architectures.table import counts, document, markdown, measured, status_of

ROOT = Path(__file__).resolve().parents[2]


def test_columns_are_the_checks() -> None:
    assert tuple(CHECKS) == COLUMNS


class Child:
    """Stands in for a process: runs its target at once, or never."""

    answers = True

    def __init__(self, target: Any, args: tuple[Any, ...], daemon: bool) -> None:
        self.results = args[2]

    def start(self) -> None:
        if not self.answers:
            self.results.close()

    def join(self, timeout: float | None = None) -> None: ...
    def kill(self) -> None: ...


def row_of(monkeypatch: pytest.MonkeyPatch, answers: bool) -> dict[str, Any]:
    import multiprocessing

    class Context:
        Process = Child
        Pipe = staticmethod(multiprocessing.Pipe)

    monkeypatch.setattr(Child, "answers", answers)
    monkeypatch.setattr(sweep, "LIMIT", 0.05)
    return sweep._apart(Kind("llava", "generative", "Llava"), Context())


def test_a_process_that_dies_is_a_row_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    row = row_of(monkeypatch, answers=False)

    assert {row[column] for column in COLUMNS} == {"fails: the process died"}


def test_a_process_that_hangs_is_a_row_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    row = row_of(monkeypatch, answers=True)

    assert row["generate"] in {"fails: no answer within 0.05 s", "fails: the process died"}


def rows() -> list[dict[str, Any]]:
    base = {"class": "X", "notes": ["n"], "seconds": 1.0}
    good = dict.fromkeys(COLUMNS, "works")
    return [
        {"type": "a", **base, **good},
        {"type": "b", **base, **good, "generate": "not_applicable: it | writes none"},
        {"type": "c", **base, **good, "generate": "fails: broken"},
    ]


def test_counts_and_page() -> None:
    table = document(rows())

    assert counts(rows())["generate"] == {"works": 1, "not_applicable": 1, "fails": 1}
    assert counts(rows())["choose"] == {"works": 3, "not_applicable": 0, "fails": 0}
    assert set(table["architectures"][0]) == {"type", "class", *COLUMNS}
    page = markdown(table)
    assert "| generate | 1 | 1 | 1 | 3 |" in page
    assert "it / writes none" in page  # a bar would break the table


@pytest.mark.slow
def test_a_sweep_of_one_type_in_its_own_process() -> None:
    (row,) = check_architectures(["clip"], workers=1)

    assert row["class"] == "CLIPModel"
    assert row["choose"] == "works"
    assert status_of(row["generate"]) == "not_applicable"


def test_the_committed_table_speaks_of_every_type_and_meets_its_aims() -> None:
    table = measured()
    assert table is not None
    found = {(row["type"], row["class"]) for row in table["architectures"]}
    generative = [row for row in table["architectures"] if _route(row) == "generative"]
    contrastive = [row for row in table["architectures"] if _route(row) == "contrastive"]
    both = [row for row in generative if row["generate"] == row["choose"] == "works"]
    inside = [row for row in generative if row["geometry"] == row["intervene"] == "works"]

    assert {(kind.type, kind.class_name) for kind in kinds()} == found
    assert len(both) >= 90
    assert all(row["choose"] == "works" for row in contrastive)
    assert all(row["batch"] == "works" for row in both)
    assert len(inside) >= 75


def _route(row: dict[str, str]) -> str:
    routes = {(kind.type, kind.class_name): kind.route for kind in kinds()}
    return routes[row["type"], row["class"]]


def test_the_copies_and_the_page_are_those_of_the_table() -> None:
    table = measured()
    assert table is not None

    assert json.loads((ROOT / "benchmarks/results/architectures.json").read_text()) == table
    assert (ROOT / "docs/architectures.md").read_text() == markdown(table)


def test_the_list_says_what_was_measured_of_each_type() -> None:
    from medaudit.architectures.listing import listing

    rows = {row["name"]: row for row in listing()}

    assert rows["llava"]["measured"]["geometry"] == "works"
    assert rows["clip"]["about"] == "contrastive: CLIPModel; without generate"
    assert {row["measured_with"] for row in rows.values()} == {(measured() or {})["transformers"]}


def test_the_readme_tells_the_table() -> None:
    works = {name: found["works"] for name, found in (measured() or {"counts": {}})["counts"].items()}
    three = "attention / pixel gradients / tuning of a copy"
    said = (ROOT / "README.md").read_text()

    assert f"| writes text (`generate`) | {works['generate']} |" in said
    assert f"| scores options (`choose`), batches like single cases | {works['choose']} |" in said
    assert f"| token geometry, proved by painting single cells | {works['geometry']} |" in said
    assert f"(`intervene`) | {works['intervene']} |" in said
    assert f"| {three} | {works['attend']} / {works['gradients']} / {works['tune']} |" in said
