"""A vision tower marked causal by mistake reads every image both ways, with and without padding beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medaudit.architectures.build import build
from medaudit.image import ArrayImage
from medaudit.model import Capability, Request
from medaudit.models import load_model
from medaudit.models.both_ways import NOTE, look_both_ways


@pytest.fixture(scope="module")
def phi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("phi4_multimodal", tmp_path_factory.mktemp("phi4"))


@pytest.fixture
def requests() -> list[Request]:
    """A square fills its tile; a wide picture leaves padding, and brings a mask into the batch."""
    random = np.random.default_rng(0)
    shapes = ((64, 64, 3), (60, 100, 3))
    pictures = [ArrayImage(random.integers(0, 256, s, dtype=np.uint8), name=str(s)) for s in shapes]
    return [Request(Capability.CHOOSE, (picture,), "Why", ("yes", "no")) for picture in pictures]


def largest_difference(model: Any, requests: list[Request]) -> float:
    together = model.answer(model.prepare(requests))
    alone = [model.answer(model.prepare([request]))[0] for request in requests]
    pairs = zip(together, alone, strict=True)
    return max(abs(a - b) for one, other in pairs for a, b in zip(one.scores, other.scores, strict=True))


def test_an_image_reads_the_same_beside_a_padded_one(phi: Path, requests: list[Request]) -> None:
    model: Any = load_model(str(phi))

    assert NOTE in model.info.notes
    assert largest_difference(model, requests) < 1e-4
    assert model.builder.image_id is not None  # it stands in the vision tower's table


def test_with_the_mark_it_does_not(phi: Path, requests: list[Request]) -> None:
    model: Any = load_model(str(phi))
    for name, module in model.network.named_modules():
        if "img_processor" in name and hasattr(module, "is_causal"):
            module.is_causal = True

    assert largest_difference(model, requests) > 1e-2
    assert look_both_ways(model.network)
    assert not look_both_ways(model.network)


def test_other_types_keep_their_marks(llava_folder: Path) -> None:
    model: Any = load_model(str(llava_folder))

    assert NOTE not in model.info.notes
    assert not look_both_ways(model.network)
