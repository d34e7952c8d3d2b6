"""The sample audit for tests of the outputs."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from medaudit.finding import Finding


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"reports_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def sample() -> ModuleType:
    return _load("sample")


@pytest.fixture(scope="session")
def searched() -> ModuleType:
    """Findings of ``spurious`` and ``confusion``."""
    return _load("searched")


@pytest.fixture
def document(sample: ModuleType) -> dict[str, Any]:
    made: dict[str, Any] = sample.document()
    return made


@pytest.fixture
def draw(tmp_path: Path) -> Callable[..., str]:
    """``draw("html", document)`` renders an output through the registry, as ``Audit.save`` does."""
    from medaudit.registry import find

    def render(name: str, document: dict[str, Any], folder: Path | None = None) -> str:
        return str(find("report", name).render(document, folder or tmp_path))

    return render


@pytest.fixture
def page(draw: Callable[..., str], sample: ModuleType) -> Callable[..., str]:
    """The report of these findings alone; ``public`` or not."""

    def render(findings: Sequence[Finding], *, public: bool = True, name: str = "html") -> str:
        whole = sample.document(list(findings), alarms=[])
        whole["data"]["public"] = public
        whole["plan"] = {"audit": {}}
        return draw(name, whole)

    return render
