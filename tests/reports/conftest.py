"""The sample audit for tests of the outputs."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reports_sample", Path(__file__).with_name("sample.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def sample() -> ModuleType:
    return _load()


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
