"""One unit vector per image, from the features that the language model is given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from medaudit.image import ArrayImage
from medaudit.model import Capability
from medaudit.models.embedding import embed_images, embedding_note


@pytest.mark.parametrize("kind", ["llava", "qwen2_vl", "qwen3_vl", "clip"])
def test_embeddings_are_unit_vectors_that_tell_images_apart(
    loaded: dict[str, Any], pictures: list[ArrayImage], state_of: Any, kind: str
) -> None:
    model = loaded[kind]
    model.embed_images(pictures[:1])
    before = state_of(model.network)
    vectors = model.embed_images([*pictures, pictures[0]])

    assert Capability.EMBED in model.info.capabilities
    assert vectors.dtype == np.float32
    assert vectors.shape[0] == 5
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert vectors[0] == pytest.approx(vectors[4], abs=1e-5)
    assert np.abs(vectors[0] - vectors[1]).max() > 1e-3
    assert state_of(model.network) == before


def test_an_embedding_is_the_mean_over_features_after_the_projector(
    loaded: dict[str, Any], pictures: list[ArrayImage]
) -> None:
    import torch

    model = loaded["llava"]
    pixels = model.processor.image_processor(images=[pictures[0].pixels()], return_tensors="pt")
    with torch.no_grad():
        features = model.network.model.get_image_features(pixel_values=pixels["pixel_values"]).pooler_output
    mean = torch.cat([part.reshape(-1, 32) for part in features]).mean(dim=0)

    assert embed_images(model, pictures[:1])[0] == pytest.approx((mean / mean.norm()).numpy(), abs=1e-5)
    assert "after the projector" in embedding_note(model.network)
