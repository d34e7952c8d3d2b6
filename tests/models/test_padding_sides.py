"""Encoders that count positions from the left edge are padded on the right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from medaudit.architectures import build
from medaudit.image import ArrayImage
from medaudit.model import Capability, Request
from medaudit.models import load_model

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def florence(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load_model(str(build("florence2", tmp_path_factory.mktemp("florence"))))


def scores(model: Any, asked: list[Request]) -> Any:
    return np.array([answer.scores for answer in model.answer(model.prepare(asked))])


def test_a_shorter_question_keeps_its_scores_in_a_batch(florence: Any) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    picture = ArrayImage(pixels, name="noise")
    asked = [
        Request(Capability.CHOOSE, (picture,), question, ("yes", "not at all"))
        for question in ("Normal?", "Is there any sign of fluid beside the left lung?")
    ]
    alone = np.concatenate([scores(florence, [one]) for one in asked])

    assert np.allclose(scores(florence, asked), alone, atol=1e-3)
    # Control: padded on the left, the shorter question stands at other positions.
    florence.builder.tokenizer.padding_side = "left"
    try:
        assert np.abs(scores(florence, asked)[0] - alone[0]).max() > 0.1
    finally:
        florence.builder.tokenizer.padding_side = "right"
