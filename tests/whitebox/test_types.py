"""The same questions to types whose masks, halves, tiles or towers differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from medaudit.architectures.build import build
from medaudit.image import ArrayImage
from medaudit.model import Capability, Request
from medaudit.models import load_model
from medaudit.whitebox.applying import unreached
from medaudit.whitebox.edits import Edits
from medaudit.whitebox.intervention import Intervention
from medaudit.whitebox.scene import scene_of
from medaudit.whitebox.vision_points import traced

# PaliGemma's processor hands tensors to numpy in a way that numpy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

#: Bidirectional image blocks, halves with merged and with separate cross-attention, tiles, features injected
#: layer by layer, features merged inside the decoder.
TYPES = ("gemma3", "paligemma", "t5gemma2", "florence2", "idefics3", "granite4_vision", "kosmos-2")

Load = Callable[[str], Any]


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    models: dict[str, Any] = {}

    def loaded(kind: str) -> Any:
        if kind not in models:
            models[kind] = load_model(str(build(kind, tmp_path_factory.mktemp("types") / kind)))
        return models[kind]

    return loaded


def scores(model: Any, image: ArrayImage, point: str = "") -> np.ndarray[Any, Any]:
    asked = Request(Capability.CHOOSE, (image,), "Is it?", ("yes", "not at all"))
    text = Intervention(point).to_text() if point else ""
    (answer,) = model.answer(model.prepare([replace(asked, intervention=text)]))
    assert answer.error is None
    return np.array(answer.scores)


@pytest.mark.parametrize("kind", TYPES)
def test_nothing_of_a_masked_image_reaches_the_scores(
    load: Load, pictures: list[ArrayImage], kind: str
) -> None:
    model, (first, other) = load(kind), pictures[:2]
    points = ["patch", "projector", "embedding", "attention"]
    if kind == "kosmos-2":
        points.remove("projector")

    assert np.abs(scores(model, first) - scores(model, other)).max() > 1e-4
    for point in points:
        masked = scores(model, first, point)
        assert np.array_equal(masked, scores(model, other, point)), point
        assert np.abs(masked - scores(model, first)).max() > 1e-3, point


@pytest.mark.parametrize("kind", [*TYPES, "mllama", "blip", "git"])
def test_weights_from_an_answer_to_its_image_are_found(
    load: Load, pictures: list[ArrayImage], kind: str
) -> None:
    model, asked = load(kind), Request(Capability.CHOOSE, (pictures[0],), "Is it?", ("yes", "no"))
    found = model.attend(asked, "no")
    assert found.agreement < 1e-3
    for arrays in found.layers.values():
        for weights in arrays:
            assert weights.ndim == 3
            assert weights.shape[2] > 0
            assert (weights >= 0).all()
            assert (weights.sum(axis=-1) <= 1 + 1e-4).all()


@pytest.mark.parametrize(
    ("kind", "point", "reason"),
    [
        ("mllama", "embedding", "cross-attention"),
        ("blip", "projector", "inside one step"),
        ("qwen3_5", "attention", "linear_attention"),
        ("deepseek_vl_hybrid", "patch", "a second vision tower"),
        ("florence2", "block:0", "one token per patch"),
    ],
)
def test_what_a_type_does_not_have_has_a_reason(
    load: Load, pictures: list[ArrayImage], kind: str, point: str, reason: str
) -> None:
    asked = Request(Capability.CHOOSE, (pictures[0],), "Is it?", ("yes", "no"))
    given = unreached(load(kind), asked, point)
    assert given is not None
    assert reason in given
    assert unreached(load(kind), asked, "pixels") is None


def test_linear_attention_layers_are_absent_and_the_others_keep_their_number(
    load: Load, pictures: list[ArrayImage]
) -> None:
    model = load("qwen3_5")
    kinds = model.network.config.get_text_config().layer_types
    asked = Request(Capability.CHOOSE, (pictures[0],), "Is it?", ("yes", "no"))
    full = [number for number, kind in enumerate(kinds) if kind == "full_attention"]
    assert list(model.attend(asked, "no").layers) == full
    assert full != list(range(len(kinds)))


def test_patches_are_followed_through_the_windows_of_a_tower(load: Load) -> None:
    """Qwen2.5-VL runs 2 x 2 units of patches window by window; the order is worked out here by hand."""
    model, rng = load("qwen2_5_vl"), np.random.default_rng(2)
    image = ArrayImage(rng.integers(0, 256, (280, 280, 3), dtype=np.uint8))
    (group,) = model.builder.groups([Request(Capability.GENERATE, (image,), "Where?")])
    inputs = model._placed(group)
    vision = model.network.config.vision_config
    unit = vision.spatial_merge_size**2
    _, rows, columns = (inputs["image_grid_thw"][0] // vision.spatial_merge_size).tolist()
    side = vision.window_size // vision.patch_size // vision.spatial_merge_size
    order = [
        row * columns + column
        for top in range(0, rows, side)
        for left in range(0, columns, side)
        for row in range(top, min(top + side, rows))
        for column in range(left, min(left + side, columns))
    ]
    number = rows * columns * unit
    assert order != sorted(order)

    chosen = (0, 17, 30, number - 1)
    _, (span,) = traced(scene_of(model, inputs), Edits("block:0", (chosen,), counts=((number,),)))

    expected = sorted(order.index(patch // unit) * unit + patch % unit for patch in chosen)
    assert sorted(span.chosen) == expected
    assert sorted(span.chosen) != sorted(chosen)
