"""Images of known regions: background kinds, one region that shows the class, and perhaps a marker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from medaudit.regions import Discovery, Regions, discover

MARKER = 0


def sample(
    rng: np.random.Generator,
    *,
    n: int = 400,
    classes: int = 3,
    per_image: int = 4,
    kinds: int = 6,
    accuracy: float = 0.8,
    effect: float = 0.0,
    share: float = 0.5,
    groups: Any = None,
    **more: Any,
) -> tuple[Regions, Any]:
    """Regions, and which of them are markers ``(R,)``.

    ``share`` of the images, of every class alike, hold a marker. With ``effect`` it misleads: class 0 gains
    and the others lose this much accuracy by it, half on either side of ``accuracy``, and their errors go to
    class 0. Without, errors have nothing to do with any region.
    """
    labels = rng.integers(0, classes, n)
    marked = rng.random(n) < share
    side = np.where(marked, 1, -1) * np.where(labels == 0, 1, -1) * effect / 2
    right = rng.random(n) < np.clip(accuracy + side, 0, 1)
    other = (labels + rng.integers(1, classes, n)) % classes
    other = np.where(marked & (labels != 0) & (effect > 0), 0, other)
    predicted = np.where(right, labels, other)
    kind = rng.integers(1, kinds + 1, (n, per_image))
    kind[:, 0] = kinds + 1 + labels
    kind[marked, 1] = MARKER
    kind = rng.permuted(kind, axis=1).ravel()
    centres = np.linalg.qr(rng.normal(size=(32, 32)))[0]
    vectors = centres[kind] + rng.normal(0, 0.08, (len(kind), 32))
    scores = rng.dirichlet(np.ones(classes), len(kind))
    if effect > 0:
        scores[kind == MARKER] = np.eye(classes)[0] * 0.9 + 0.1 / classes
    regions = Regions(
        vectors=vectors,
        image=np.repeat(np.arange(n), per_image),
        scores=scores,
        image_scores=np.eye(classes)[predicted] * 0.5 + 0.5 / classes,
        labels=labels,
        groups=groups,
        **more,
    )
    return regions, kind == MARKER


@pytest.fixture
def make() -> Callable[..., tuple[Regions, Any]]:
    """The builder."""
    return sample


@pytest.fixture(scope="session")
def planted() -> tuple[Regions, Any, Discovery]:
    """A marker that misleads by 50 points, and what is found."""
    regions, marker = sample(np.random.default_rng(0), n=240, per_image=3, effect=0.5)
    return regions, marker, discover(regions)
