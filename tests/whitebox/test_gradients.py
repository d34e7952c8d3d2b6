"""Is the gradient the slope of the score, and does the heat map lie where the image is?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from medaudit.errors import UsageError
from medaudit.image import ArrayImage
from medaudit.model import Capability, Request
from medaudit.whitebox.edits import Edits
from medaudit.whitebox.forced import forced
from medaudit.whitebox.gradients import score_and_gradient
from medaudit.whitebox.intervening import intervening

KINDS = ("llava", "qwen2_vl", "qwen3_vl", "clip")


def asked(pictures: list[ArrayImage]) -> Request:
    return Request(Capability.CHOOSE, (pictures[2],), "Is it?", ("yes", "not at all"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_changes_the_score_by_the_slope(
    loaded: dict[str, Any], pictures: list[ArrayImage], kind: str
) -> None:
    """(f(x + d) - f(x - d)) / 2 = <g, d> for a d half along g, half random; a shuffled g must miss."""
    model, rng = loaded[kind], np.random.default_rng(1)
    model.network.double()
    try:
        _, pixels, raw = score_and_gradient(model, asked(pictures), "not at all")
        (name,) = raw
        along = raw[name] / np.sqrt(np.square(raw[name]).mean())
        direction = (along + rng.standard_normal(along.shape)) * 1e-3
        ends = [
            score_and_gradient(model, asked(pictures), "not at all", {name: pixels[name] + sign * direction})[
                0
            ]
            for sign in (1, -1)
        ]
    finally:
        model.network.float()
    slope = (ends[0] - ends[1]) / 2
    predicted = float((raw[name].astype(np.float64) * direction).sum())
    shuffled = float((rng.permutation(raw[name].ravel()).reshape(direction.shape) * direction).sum())

    assert slope == pytest.approx(predicted, rel=1e-2)
    assert abs(shuffled) < abs(predicted) / 2


@pytest.mark.parametrize("kind", KINDS)
def test_the_score_is_the_one_that_the_model_answers_with(
    loaded: dict[str, Any], pictures: list[ArrayImage], kind: str
) -> None:
    model = loaded[kind]
    (answer,) = model.answer(model.prepare([asked(pictures)]))
    found = model.pixel_gradient(asked(pictures), "not at all")
    assert found.score == pytest.approx(answer.scores[1], abs=1e-4)
    assert found.alive


@pytest.mark.parametrize("kind", KINDS)
def test_heat_is_the_gradient_moved_to_the_original_image(
    loaded: dict[str, Any], pictures: list[ArrayImage], kind: str
) -> None:
    found = loaded[kind].pixel_gradient(asked(pictures), "yes")
    (raw,) = found.raw.values()

    assert found.heat.shape == (56, 84)
    assert found.heat.dtype == np.float32
    assert found.heat.sum() == pytest.approx(np.abs(raw).sum(), rel=1e-4)
    assert (found.heat.sum(axis=0) > 0).all()


@pytest.mark.parametrize("kind", ["llava", "clip"])
@pytest.mark.parametrize("patch", range(4))
def test_heat_lies_where_the_one_patch_that_is_seen_lies(
    loaded: dict[str, Any], pictures: list[ArrayImage], kind: str, patch: int
) -> None:
    """A tower of 2 x 2 patches with three of them masked sees one quarter of 28 x 42 pixels."""
    model, request = loaded[kind], asked(pictures)
    inputs = model.placed_pixels(request.images) if kind == "clip" else forced(model, request, "yes").prompt
    others = tuple(number for number in range(4) if number != patch)
    with intervening(model, inputs, [Edits("patch", (others,))]):
        heat = model.pixel_gradient(request, "yes").heat

    top, left = 28 * (patch // 2), 42 * (patch % 2)
    inside = heat[top : top + 28, left : left + 42].sum()
    assert inside > 0
    assert heat.sum() == pytest.approx(inside, rel=1e-6)


def test_a_similarity_has_a_gradient_without_other_options(
    loaded: dict[str, Any], pictures: list[ArrayImage]
) -> None:
    model = loaded["clip"]
    alone = Request(Capability.CHOOSE, (pictures[0],), "Is it?", ("yes",))
    found = model.pixel_gradient(alone, "yes")
    assert found.alive
    assert abs(found.score) <= model._scale()


@contextmanager
def blind(network: Any, kind: str) -> Iterator[None]:
    """The last step of the image path with weights of zero."""
    import torch

    parts = {
        "llava": lambda: network.model.multi_modal_projector.linear_2,
        "qwen2_vl": lambda: network.model.visual.merger.mlp[2],
        "clip": lambda: network.visual_projection,
    }
    weight = parts[kind]().weight
    kept = weight.detach().clone()
    try:
        with torch.no_grad():
            weight.zero_()
        yield
    finally:
        with torch.no_grad():
            weight.copy_(kept)


@pytest.mark.parametrize("kind", ["llava", "qwen2_vl", "clip"])
def test_a_dead_image_path_is_reported_as_such(
    loaded: dict[str, Any], pictures: list[ArrayImage], kind: str
) -> None:
    model = loaded[kind]
    with blind(model.network, kind):
        found = model.pixel_gradient(asked(pictures), "yes")
    assert not found.alive
    assert not found.heat.any()
    assert model.pixel_gradient(asked(pictures), "yes").alive


@pytest.mark.parametrize("kind", ["llava", "clip"])
def test_no_parameter_keeps_a_gradient(loaded: dict[str, Any], pictures: list[ArrayImage], kind: str) -> None:
    model = loaded[kind]
    model.pixel_gradient(asked(pictures), "yes")
    assert all(parameter.grad is None for parameter in model.network.parameters())


def test_a_request_that_has_no_gradient_says_why(loaded: dict[str, Any], pictures: list[ArrayImage]) -> None:
    none = Request(Capability.CHOOSE, (), "Is it?", ("yes", "no"))
    two = Request(Capability.CHOOSE, tuple(pictures[:2]), "Is it?", ("yes", "no"))
    for request in (none, two):
        with pytest.raises(UsageError, match="one image"):
            loaded["llava"].pixel_gradient(request, "yes")
    with pytest.raises(UsageError, match="none of the request"):
        loaded["clip"].pixel_gradient(asked(pictures), "maybe")
