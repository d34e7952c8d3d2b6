"""Vectors with a gradient are the vectors that the model gives when it is asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from medaudit.image import ArrayImage
from medaudit.mitigation.vectors import Sight
from medaudit.models.class_vectors import class_vectors
from medaudit.proposals import grid
from medaudit.testing import context_for, synthetic_cases

from .conftest import OPTIONS, PROMPT

#: The last box lies in a border that a square crop of the wide picture does not show.
BOXES = [*grid((64, 64), 2), (3, 5, 40, 33)]


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_they_agree_with_what_is_asked_for(kind: str, tiny: Any, pictures: list[ArrayImage]) -> None:
    model = tiny(kind)
    ctx = context_for(synthetic_cases(4), model)
    boxes = [BOXES, [], BOXES[:1], *[BOXES[1:3]] * 3]

    images, regions, kept = Sight(model)(model, pictures, boxes)

    asked = np.concatenate([rows for rows in ctx.embed(pictures, boxes=boxes) if len(rows)])
    assert images.detach().numpy() == pytest.approx(ctx.embed(pictures), abs=1e-5)
    assert regions.detach().numpy() == pytest.approx(asked, abs=1e-5)
    assert kept.tolist() == list(range(len(asked)))
    texts = model.class_vectors(PROMPT, OPTIONS).detach().numpy()
    assert texts == pytest.approx(class_vectors(ctx, PROMPT, OPTIONS), abs=1e-5)
    # Control: other boxes have other vectors.
    assert np.abs(asked[0] - asked[3]).max() > 1e-3


def test_boxes_that_are_not_looked_at_are_left_out(tiny: Any) -> None:
    """A processor that crops the middle square of a wide picture: its ends are never seen."""
    model = tiny("clip")
    wide = ArrayImage(np.random.default_rng(1).integers(0, 255, (32, 128, 3), dtype=np.uint8), name="wide")
    boxes = [[(0, 0, 8, 32), (48, 0, 80, 32), (120, 0, 128, 32)]]
    asked = context_for(synthetic_cases(4), model).embed([wide], boxes=boxes)[0]
    seen = np.isfinite(asked).all(axis=1)

    _, regions, kept = Sight(model)(model, [wide], boxes)

    assert kept.tolist() == np.flatnonzero(seen).tolist()
    assert regions.detach().numpy() == pytest.approx(asked[seen], abs=1e-5)


def test_without_boxes_there_are_images_alone(tiny: Any, pictures: list[ArrayImage]) -> None:
    model = tiny("clip")

    images, regions, kept = Sight(model)(model, pictures[:2], [(), ()])

    assert images.shape[0] == 2
    assert len(regions) == len(kept) == 0


def test_regions_have_a_gradient_and_the_text_tower_none(tiny: Any, pictures: list[ArrayImage]) -> None:
    model = tiny("clip")
    network = model.network.requires_grad_(True)
    try:
        _, regions, _ = Sight(model)(model, pictures[:2], [BOXES, BOXES])
        regions[:, 0].sum().backward()
        touched = {
            name for name, own in network.named_parameters() if own.grad is not None and bool(own.grad.any())
        }
    finally:
        network.zero_grad()
        network.requires_grad_(False)

    assert any("vision_model.encoder.layers.0" in name for name in touched)
    assert not any("text_model" in name for name in touched)
