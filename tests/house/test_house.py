"""The rules of the house that a program can check."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import medaudit

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("probes", "shifts", "privacy", "reports")
TOPS = ("medaudit", *ROOMS)
SOURCES = sorted(path for top in TOPS for path in (ROOT / top).rglob("*.py"))


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def rooms_of(path: Path) -> set[str]:
    return {room for room in ROOMS for name in imported(path) if name.startswith(f"medaudit.{room}")}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_core_imports_no_room_and_rooms_do_not_import_one_another(path: Path) -> None:
    top = path.relative_to(ROOT).parts[0]
    allowed = set() if top == "medaudit" else {top}
    if path.name in {"cli.py", "pytest_plugin.py"}:
        allowed = set(ROOMS)

    assert rooms_of(path) <= allowed


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_is_longer_than_400_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


def test_the_median_file_is_short() -> None:
    lengths = sorted(len(path.read_text().splitlines()) for path in SOURCES)

    assert lengths[len(lengths) // 2] <= 150


def test_every_package_folder_is_declared() -> None:
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    declared = {tool["package-dir"].get(name, name).replace(".", "/") for name in tool["packages"]}
    found = {path.parent.relative_to(ROOT).as_posix() for path in SOURCES if path.name == "__init__.py"}

    assert found == declared


def test_the_public_surface_is_pinned() -> None:
    assert medaudit.__all__ == [
        "Answer",
        "Audit",
        "Capability",
        "Case",
        "CaseSet",
        "Context",
        "Control",
        "Finding",
        "MedauditError",
        "ModelInfo",
        "Region",
        "Request",
        "Threshold",
        "Verdict",
        "available",
        "load_audit",
        "load_cases",
        "load_model",
        "probe",
        "reader",
        "scan",
        "shift",
    ]
    assert len(medaudit.__all__) <= 25
    # A name that a folder also bears would be overwritten by importing the folder.
    assert not set(medaudit.__all__) & {path.stem for path in (ROOT / "medaudit").iterdir()}
    for name in medaudit.__all__:
        assert getattr(medaudit, name) is not None


HEAVY = "{'torch', 'transformers', 'numpy', 'PIL', 'pandas', 'scipy', 'albumentations', 'pydicom'}"


@pytest.mark.parametrize(
    ("code", "extra"),
    [("import medaudit", "'pydantic', 'typer', 'rich'"), ("import medaudit.cli", "'pydantic'")],
)
def test_importing_costs_nothing(code: str, extra: str) -> None:
    check = f"{code}; import sys; print(sorted(({HEAVY} | {{{extra}}}) & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, cwd="/")

    assert done.stdout.strip() == "[]"


def test_no_plugin_folder_is_loaded_by_importing_the_core() -> None:
    check = "import medaudit, sys; print([m for m in sys.modules if m.startswith('medaudit.')])"

    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, cwd="/")

    assert done.stdout.strip() == "[]"


def test_the_project_speaks_of_itself_alone() -> None:
    texts = [*SOURCES, *ROOT.glob("*.md"), ROOT / "Makefile", ROOT / ".ci" / "run"]
    # Spelled apart so that this file does not find itself.
    banned = ["/" + "work/", "/" + "farm/", "bash" + "_jobs"]

    assert [path.name for path in texts for word in banned if word in path.read_text()] == []
