"""A network that denoises blocks: its option scores are read from left to right, its text is repeatable."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from medaudit.architectures import build
from medaudit.image import ArrayImage
from medaudit.model import Capability, Request
from medaudit.models import load_model
from medaudit.models.denoising import NOTE, read_in_order

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load_model(str(build("diffusion_gemma", tmp_path_factory.mktemp("diffusion"))))


def picture(seed: int) -> ArrayImage:
    pixels = np.random.default_rng(seed).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    return ArrayImage(pixels, name=str(seed))


def test_reading_is_causal_and_denoising_is_not(model: Any) -> None:
    import torch

    (group,) = model.builder.groups([Request(Capability.GENERATE, (picture(0),), "What is seen?")])
    ids = group.inputs["input_ids"]
    changed = ids.clone()
    changed[0, -1] = (changed[0, -1] + 1) % 200
    block, other = torch.full((1, 8), 9), torch.full((1, 8), 9)
    other[0, -1] = 10
    with torch.inference_mode():
        first, second = (
            model.network(**group.inputs | {"input_ids": given}).logits[0] for given in (ids, changed)
        )
        whole, last = (model.network(**group.inputs, decoder_input_ids=b).logits[0] for b in (block, other))

    assert first.shape == (ids.shape[1], model.network.config.text_config.vocab_size)
    assert torch.allclose(first[:-1], second[:-1], atol=1e-5)
    assert (first[-1] - second[-1]).abs().max() > 1e-2
    # Control: in a block, the first token sees the last.
    assert whole.shape[0] == 8
    assert (whole[0] - last[0]).abs().max() > 1e-4


def test_text_is_as_long_as_asked_and_the_same_again(model: Any) -> None:
    import torch

    asked = [Request(Capability.GENERATE, (picture(0),), "What?", max_new_tokens=3)]
    torch.manual_seed(11)
    first = model.answer(model.prepare(asked))[0]
    state = torch.random.get_rng_state()
    torch.manual_seed(12)
    again = model.answer(model.prepare(asked))[0]
    torch.manual_seed(11)

    assert first.text == again.text
    assert torch.equal(state, torch.random.get_rng_state())  # the caller's own draws are left alone
    (group,) = model.builder.groups(asked)
    ids = model.network.generate(**group.inputs, max_new_tokens=3)
    assert ids.shape[1] == group.inputs["input_ids"].shape[1] + 3
    assert NOTE in model.info.notes


def test_options_see_the_image_and_other_networks_are_left_alone(model: Any) -> None:
    asked = [Request(Capability.CHOOSE, (picture(seed),), "Is it?", ("yes", "no way")) for seed in (0, 0, 1)]
    first, again, other = (np.array(answer.scores) for answer in model.answer(model.prepare(asked)))

    assert np.allclose(first, again, atol=1e-5)
    assert np.abs(first - other).max() > 1e-3
    plain = object()
    assert read_in_order(plain) is plain
