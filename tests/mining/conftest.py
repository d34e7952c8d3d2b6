"""Pools of drawn shapes with known attributes, and a model that is blind to one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from medaudit.case import Case
from medaudit.descriptors import small_grey
from medaudit.image import LazyImage

VALUES = {"side": ("left", "right"), "size": ("small", "large"), "form": ("bar", "disc")}


@dataclass(frozen=True)
class Planted:
    """Cases, one per picture, and vectors of a model that folds left on right, and of one that does not."""

    cases: tuple[Case, ...]
    folded: Any
    plain: Any
    hashes: Any


def drawn(side: str, size: str, form: str, rng: np.random.Generator) -> Any:
    """One bright shape on noise, in the upper or lower half of one side."""
    picture = rng.normal(60, 6, (64, 64))
    reach = (4 if size == "small" else 9) + rng.integers(0, 2)
    x, y = 16 + rng.integers(-1, 2), 20 + 24 * rng.integers(0, 2)
    down, across = np.mgrid[:64, :64]
    inside = np.hypot(down - y, across - x) <= reach
    if form == "bar":
        inside = (np.abs(down - y) <= 2) & (np.abs(across - x) <= reach)
    picture[inside] += 120
    if side == "right":
        picture = picture[:, ::-1]
    return np.repeat(np.clip(picture, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def planted(n: int = 400, seed: int = 0, **constant: str) -> Planted:
    rng = np.random.default_rng(seed)
    cases = []
    for i in range(n):
        told = {name: constant.get(name, values[rng.integers(2)]) for name, values in VALUES.items()}
        pixels = drawn(**told, rng=rng)
        image = LazyImage(lambda pixels=pixels: pixels, f"shape-{seed}-{i}", f"shape-{i}.png", (64, 64))
        cases.append(Case(f"c{i:05d}", (image,), "Is there a shape?", "yes", ("yes", "no"), f"p{i}", told))
    pixels = np.stack([small_grey(case.images[0].pixels()) for case in cases]).reshape(n, 64, 64)
    project = rng.normal(size=(256, 64)).astype(np.float32)

    def seen(pictures: Any) -> Any:
        return pictures.reshape(n, 16, 4, 16, 4).mean((2, 4)).reshape(n, -1).astype(np.float32) @ project

    hashes = rng.integers(0, 2**64, n, dtype=np.uint64)
    return Planted(tuple(cases), seen(pixels + pixels[:, :, ::-1]), seen(pixels), hashes)


@pytest.fixture(scope="session")
def pool() -> Planted:
    return planted()


@pytest.fixture(scope="session")
def make() -> Any:
    return planted
