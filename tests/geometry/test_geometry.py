"""The geometry of loaded models: what it gives, keeps, refuses, and leaves alone."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from medaudit.errors import ModelError, UsageError
from medaudit.geometry import NoGrid, geometry_of
from medaudit.models.vision_ops import huggingface

Get = Callable[[str], Any]


def test_qwen_merges_two_by_two_patches_of_fourteen_pixels(models: Get) -> None:
    tokens = geometry_of(models("qwen")).token_map((56, 84), "projector")

    assert tokens.views[0].patches == (4, 6)
    assert tokens.views[0].grid == (2, 3)
    assert tokens.box(4) == pytest.approx((28, 28, 56, 56))
    assert tokens.tokens((27, 0, 29, 28)) == [0, 1]


def test_its_patches_come_in_blocks_of_a_merge(models: Get) -> None:
    tokens = geometry_of(models("qwen")).token_map((56, 84), "patch")

    assert tokens.box(2) == pytest.approx((0, 14, 14, 28))
    assert tokens.box(4) == pytest.approx((28, 0, 42, 14))
    assert sorted(tokens.tokens((0, 0, 28, 28))) == [0, 1, 2, 3]


def test_a_contrastive_model_has_patches_and_no_tokens_behind_them(models: Get) -> None:
    geometry = geometry_of(models("clip"))

    assert len(geometry.token_map((60, 100), "patch")) == 4
    with pytest.raises(NoGrid, match="one pooled embedding"):
        geometry.token_map((60, 100), "projector")
    with pytest.raises(NoGrid, match="one pooled embedding"):
        geometry.token_map((60, 100), "projector")


def test_maps_are_measured_once_and_from_any_thread(models: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    model = models("qwen")
    geometry = type(geometry_of(model))(model)
    calls = []
    process = geometry.process
    monkeypatch.setattr(geometry, "process", lambda pixels: calls.append(1) or process(pixels))

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: geometry.token_map((56, 70)), range(8)))

    assert len(calls) == 4
    assert all(one is found[0] for one in found)
    assert geometry_of(model) is geometry_of(model)
    assert geometry.token_map((70, 56)) is not found[0]


def test_measuring_leaves_the_models_own_builder_alone(models: Get) -> None:
    model = models("llava")
    before = dict(vars(model.builder))

    geometry_of(model).token_map((61, 97))

    assert vars(model.builder) == before


def test_a_stage_or_a_model_that_does_not_exist_is_named(models: Get) -> None:
    with pytest.raises(UsageError, match="patch, projector"):
        geometry_of(models("clip")).token_map((60, 100), "block")
    with pytest.raises(ModelError, match="local model"):
        geometry_of(models("clip").info)


@pytest.mark.parametrize(("name", "prefix"), [("clip", 1), ("siglip", 0), ("qwen", 0), ("llava", 1)])
def test_class_tokens_are_counted_before_the_patches(models: Get, name: str, prefix: int) -> None:
    geometry = geometry_of(models(name))
    sequence = geometry.sequence((60, 100))

    assert geometry.prefix_tokens == prefix
    assert sequence.in_order
    assert sequence.rows([0, 2]) == [prefix, prefix + 2]


class Windowed:
    """Qwen2.5-VL behind the two attributes that a geometry asks for."""

    def __init__(self, processor: Any) -> None:
        transformers = huggingface()
        vision = {
            "depth": 2, "hidden_size": 32, "num_heads": 2, "intermediate_size": 64, "out_hidden_size": 32,
            "patch_size": 14, "window_size": 56, "fullatt_block_indexes": [1],
        }  # fmt: skip
        text = {
            "vocab_size": 300, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
            "num_attention_heads": 2, "num_key_value_heads": 2, "max_position_embeddings": 512,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]},
        }  # fmt: skip
        config = transformers.Qwen2_5_VLConfig(
            text_config=text, vision_config=vision, image_token_id=2, video_token_id=6,
            vision_start_token_id=4, vision_end_token_id=5,
        )  # fmt: skip
        self.network = transformers.Qwen2_5_VLForConditionalGeneration(config).eval()
        self.processor = processor
        self.builder = None


def test_windowed_attention_permutes_the_towers_rows(models: Get) -> None:
    geometry = geometry_of(Windowed(models("qwen").processor))
    # 56 x 84 pixels: 2 x 3 blocks of 4 patches, in windows of 2 x 2 blocks: the third block of the first
    # row waits until the first window is done.
    sequence = geometry.sequence((56, 84))

    blocks = sequence.tokens.reshape(-1, 4)
    assert not sequence.in_order
    assert blocks[:, 0].tolist() == [0, 4, 12, 16, 8, 20]
    assert (np.diff(blocks, axis=1) == 1).all()
    assert sequence.rows([8]) == [16]
