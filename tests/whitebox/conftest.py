"""Loaded tiny models, and helpers that look at what a network keeps."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from medaudit.image import ArrayImage
from medaudit.models import load_model


def _builders() -> ModuleType:
    """The checkpoint builders of tests/models, which importlib mode does not put on the path."""
    path = Path(__file__).parents[1] / "models" / "conftest.py"
    spec = importlib.util.spec_from_file_location("tiny_builders", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["tiny_builders"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Models by type, each loaded once. A test that changes one puts it back."""
    tiny, root = _builders(), tmp_path_factory.mktemp("white-box")
    made = {"llava": tiny.build_llava, "qwen2_vl": tiny.build_qwen}
    made["clip"] = lambda folder: tiny.build_contrastive(folder, "clip")
    models = {}
    for kind, build in made.items():
        (root / kind).mkdir()
        models[kind] = load_model(str(build(root / kind)))
    from medaudit.architectures.build import build as architecture

    models["qwen3_vl"] = load_model(str(architecture("qwen3_vl", root / "qwen3_vl")))
    return models


@pytest.fixture(scope="session")
def pictures() -> list[ArrayImage]:
    """Four pictures of noise, two sizes: 56 x 56 and 56 x 84."""
    rng = np.random.default_rng(5)
    return [
        ArrayImage(rng.integers(0, 256, (56, width, 3), dtype=np.uint8), name=f"picture {number}")
        for number, width in enumerate((56, 56, 84, 84))
    ]


@pytest.fixture(scope="session")
def state_of() -> Any:
    """Everything that an intervention could leave behind: hooks, wrapped methods, attention settings."""

    def state(network: Any) -> Any:
        hooks = [
            (name, len(part._forward_hooks), len(part._forward_pre_hooks), sorted(part.__dict__))
            for name, part in network.named_modules()
        ]
        configs = {
            name: part.config._attn_implementation
            for name, part in network.named_modules()
            if hasattr(part, "config")
        }
        return hooks, configs

    return state
