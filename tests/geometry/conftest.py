"""Stub processors whose geometry is known on paper, and the tiny checkpoints of the model tests."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from medaudit.models import load_model

Pixels = Any


def tiny() -> ModuleType:
    """The builders beside the model tests, which importlib mode does not put on the path."""
    path = Path(__file__).parents[1] / "models" / "conftest.py"
    spec = importlib.util.spec_from_file_location("geometry_tiny_builders", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["geometry_tiny_builders"] = module
    spec.loader.exec_module(module)
    return module


def resized(pixels: Pixels, height: int, width: int) -> Pixels:
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC))


def planes(*pictures: Pixels) -> dict[str, Any]:
    """Pictures (h, w, 3) as a normalised pixel tensor (b, 3, h, w)."""
    stacked = np.stack([np.asarray(picture, dtype=np.float64) for picture in pictures])
    scaled = stacked / 255 - np.array([0.48, 0.45, 0.41])
    return {"pixel_values": (scaled / np.array([0.26, 0.25, 0.27])).transpose(0, 3, 1, 2)}


def square(side: int) -> Callable[[Pixels], dict[str, Any]]:
    """Squeeze any image into a square."""
    return lambda pixels: planes(resized(pixels, side, side))


def cropped(side: int) -> Callable[[Pixels], dict[str, Any]]:
    """Shortest edge to ``side``, then the centre square."""

    def process(pixels: Pixels) -> dict[str, Any]:
        height, width = pixels.shape[:2]
        scale = side / min(height, width)
        small = resized(pixels, round(height * scale), round(width * scale))
        top, left = (small.shape[0] - side) // 2, (small.shape[1] - side) // 2
        return planes(small[top : top + side, left : left + side])

    return process


def letterboxed(side: int) -> Callable[[Pixels], dict[str, Any]]:
    """Longest edge to ``side``, black bars on both sides."""

    def process(pixels: Pixels) -> dict[str, Any]:
        height, width = pixels.shape[:2]
        scale = side / max(height, width)
        small = resized(pixels, round(height * scale), round(width * scale))
        board = np.zeros((side, side, 3), dtype=np.uint8)
        top, left = (side - small.shape[0]) // 2, (side - small.shape[1]) // 2
        board[top : top + small.shape[0], left : left + small.shape[1]] = small
        return planes(board)

    return process


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """Loaded tiny models by name, built once."""
    builders, loaded = tiny(), {}

    def get(name: str) -> Any:
        if name not in loaded:
            folder = tmp_path_factory.mktemp(name)
            if name in ("clip", "siglip"):
                builders.build_contrastive(folder, name)
            else:
                {"llava": builders.build_llava, "qwen": builders.build_qwen}[name](folder)
            loaded[name] = load_model(str(folder))
        return loaded[name]

    return get
