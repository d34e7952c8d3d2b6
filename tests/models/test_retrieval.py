"""BLIP-2's retrieval network, scored apart from its forward pass and equal to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medaudit.architectures import build
from medaudit.image import ArrayImage
from medaudit.models import load_model
from medaudit.models.retrieval import with_towers

pytestmark = pytest.mark.filterwarnings("ignore")

TEXTS = ["a film without a finding", "an effusion on the left"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load_model(str(build("blip-2", tmp_path_factory.mktemp("blip2"), contrastive=True)))


def pictures() -> list[ArrayImage]:
    rng = np.random.default_rng(5)
    return [ArrayImage(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8), name=str(n)) for n in range(2)]


def own_logits(model: Any, pixels: dict[str, Any]) -> Any:
    """``logits_per_image`` of the network's own forward pass, which cuts no image tokens off these texts."""
    import torch

    tokens = model.processor.tokenizer(TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        ids = {name: tokens[name] for name in ("input_ids", "attention_mask")}
        return model.network(**pixels, **ids).logits_per_image.numpy()


def test_similarity_is_the_network_s_own(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(model.network.config, "image_token_index", None)
    pixels = model.placed_pixels(pictures())
    expected = own_logits(model, pixels)
    with torch.inference_mode():
        images = model.network.get_image_features(**pixels)
        texts = torch.from_numpy(model.embed_texts(TEXTS))
    unit = images / images.norm(dim=-1, keepdim=True)
    queries = (unit @ texts.T).numpy()  # (images, queries, texts)

    assert queries.shape[1] == model.network.config.num_query_tokens > 1
    assert np.allclose(queries.max(axis=1), expected, atol=1e-5)
    # Control: the mean over queries, which a network of one embedding would have, is another number.
    assert np.abs(queries.mean(axis=1) - expected).max() > 1e-2


def test_an_image_has_one_embedding_for_searching(model: Any) -> None:
    vectors = model.embed_images(pictures())

    assert vectors.shape == (2, model.network.config.image_text_hidden_size)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_network_with_towers_keeps_its_class() -> None:
    class Known:
        def get_image_features(self) -> None: ...

    known = Known()
    assert type(with_towers(known)) is Known
    assert type(with_towers(Path("x"))) is type(Path("x"))
