"""Tiny contrastive models and pictures of two kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medaudit.architectures.build import build
from medaudit.image import ArrayImage
from medaudit.mitigation import Lesson
from medaudit.models import load_model
from medaudit.proposals import grid

PROMPT = "Is there an effusion?\nAnswer with one of: yes, no."
OPTIONS = ("yes", "no")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folders: dict[str, Path] = {}

    def load(kind: str) -> Any:
        if kind not in folders:
            folders[kind] = build(kind, tmp_path_factory.mktemp(kind), contrastive=True)
        return load_model(str(folders[kind]))

    return load


@pytest.fixture(scope="session")
def pictures() -> list[ArrayImage]:
    """Six noise pictures; those of odd number are brighter in their lower half."""
    rng = np.random.default_rng(5)
    made = []
    for number in range(6):
        pixels = rng.integers(0, 100, (64, 64, 3), dtype=np.uint8)
        pixels[32:] += np.uint8(120 * (number % 2))
        made.append(ArrayImage(pixels, name=f"p{number}"))
    return made


@pytest.fixture(scope="session")
def lessons(pictures: list[ArrayImage]) -> tuple[Lesson, ...]:
    """The upper left quadrant of each picture is spurious."""
    boxes = grid((64, 64), 2)
    return tuple(
        Lesson(picture, number % 2, boxes, (True, False, False, False))
        for number, picture in enumerate(pictures)
    )
