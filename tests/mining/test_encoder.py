"""A vision model as the reference: tiny checkpoints from configurations, and folders that are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medaudit.errors import ModelError
from medaudit.image import ArrayImage
from medaudit.mining.encoder import load_encoder
from medaudit.models.vision_ops import huggingface

SMALL = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}


def saved(folder: Path, network: Any, side: int = 28) -> Path:
    network.save_pretrained(folder)
    size = {"height": side, "width": side}
    huggingface().ViTImageProcessor(size=size).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def dinov2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    hf = huggingface()
    hf.set_seed(0)
    config = hf.Dinov2Config(
        image_size=28, patch_size=14, hidden_size=16, num_hidden_layers=1, num_attention_heads=2
    )
    return saved(tmp_path_factory.mktemp("dinov2"), hf.Dinov2Model(config))


def pictures(n: int = 5, side: int = 40) -> list[ArrayImage]:
    rng = np.random.default_rng(0)
    return [ArrayImage(rng.integers(0, 256, (side, side, 3)).astype(np.uint8), f"{i}.png") for i in range(n)]


def test_vectors_are_means_of_the_last_states_one_a_picture(dinov2: Path) -> None:
    import torch
    from PIL import Image as Pillow

    hf, images = huggingface(), pictures()
    found = load_encoder(str(dinov2)).vectors([*images, images[0]])

    network = hf.AutoModel.from_pretrained(dinov2).eval()
    given = hf.AutoImageProcessor.from_pretrained(dinov2)(
        images=[Pillow.fromarray(image.pixels()) for image in images], return_tensors="pt"
    )
    with torch.no_grad():
        wanted = network(given["pixel_values"]).last_hidden_state.mean(1).numpy()
    assert found.shape == (6, 16)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[:5], wanted, atol=1e-5)
    np.testing.assert_array_equal(found[5], found[0])
    assert np.ptp(found[:5], axis=0).max() > 1e-3


def test_what_it_was_is_recorded_and_changes_with_the_weights(dinov2: Path, tmp_path: Path) -> None:
    record = load_encoder(str(dinov2)).record
    config = huggingface().AutoConfig.from_pretrained(dinov2)
    huggingface().set_seed(1)
    other = saved(tmp_path / "other", huggingface().Dinov2Model(config))

    assert record["model_type"] == "dinov2"
    assert record["encoder"] == dinov2.name
    assert len(record["fingerprint"]) == 64
    assert load_encoder(str(dinov2)).record == record
    assert load_encoder(str(other)).record["fingerprint"] != record["fingerprint"]


def test_the_vision_half_of_a_contrastive_model_and_convolutions_are_encoders(tmp_path: Path) -> None:
    hf = huggingface()
    text = {**SMALL, "vocab_size": 64, "max_position_embeddings": 16}
    clip = hf.CLIPModel(
        hf.CLIPConfig(
            text_config=text, vision_config={**SMALL, "image_size": 28, "patch_size": 14}, projection_dim=8
        )
    )
    convolutions = hf.ConvNextModel(hf.ConvNextConfig(hidden_sizes=[8, 8], depths=[1, 1], num_stages=2))

    assert load_encoder(str(saved(tmp_path / "clip", clip))).vectors(pictures(2)).shape == (2, 16)
    assert load_encoder(str(saved(tmp_path / "conv", convolutions, 32))).vectors(pictures(2)).shape == (2, 8)


def test_what_is_no_such_model_is_refused(dinov2: Path, tmp_path: Path) -> None:
    import torch

    hf = huggingface()
    with pytest.raises(ModelError, match="no such folder, and no such model in the local cache"):
        load_encoder(str(tmp_path / "nowhere"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"has no preprocessor_config\.json"):
        load_encoder(str(tmp_path / "empty"))

    text = hf.BertModel(hf.BertConfig(**SMALL, vocab_size=64))
    with pytest.raises(ModelError, match="type 'bert' without a vision tower"):
        load_encoder(str(saved(tmp_path / "text", text)))

    pickled = saved(tmp_path / "pickled", hf.AutoModel.from_pretrained(dinov2))
    (pickled / "model.safetensors").unlink()
    torch.save({}, pickled / "pytorch_model.bin")
    with pytest.raises(ModelError, match="only pickled weights"):
        load_encoder(str(pickled))


def test_a_tower_that_would_be_drawn_at_random_is_refused(dinov2: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    part = saved(tmp_path / "part", huggingface().AutoModel.from_pretrained(dinov2))
    weights = load_file(part / "model.safetensors")
    gone = next(name for name in weights if "layer.0" in name)
    del weights[gone]
    save_file(weights, part / "model.safetensors", metadata={"format": "pt"})

    with pytest.raises(ModelError, match="lacks 1 weights of its vision tower"):
        load_encoder(str(part))
