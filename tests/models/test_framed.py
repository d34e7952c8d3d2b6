"""Prompts of BERT-like decoders: inside the frame, as the library's documentation calls such a network."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from medaudit.architectures import build
from medaudit.image import ArrayImage
from medaudit.model import Capability, Request
from medaudit.models import load_model
from medaudit.models.framed import closed, opened

pytestmark = pytest.mark.filterwarnings("ignore")

PICTURE = ArrayImage(np.random.default_rng(3).integers(0, 256, (64, 64, 3), dtype=np.uint8), name="noise")


@pytest.fixture(scope="module")
def blip(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load_model(str(build("blip", tmp_path_factory.mktemp("blip"))))


def framed_by(model: Any, prompt: str) -> dict[str, Any]:
    """What the processor itself makes of a prompt: the tokenizer's first token, the text, its last one."""
    from PIL import Image

    return dict(model.processor(images=Image.fromarray(PICTURE.pixels()), text=prompt, return_tensors="pt"))


def test_text_is_that_of_the_documented_call(blip: Any) -> None:
    given = framed_by(blip, "a chest film of")
    documented = blip.network.generate(**{k: v.clone() for k, v in given.items()}, max_new_tokens=4)
    prompt = given["input_ids"].shape[1] - 1  # its generate drops the last token
    expected = blip.processor.tokenizer.decode(documented[0, prompt:], skip_special_tokens=True).strip()

    request = Request(Capability.GENERATE, (PICTURE,), "a chest film of", max_new_tokens=4)
    (answer,) = blip.answer(blip.prepare([request]))

    assert answer.text == expected
    assert "chest film" not in str(answer.text)


def test_an_option_continues_the_text_inside_the_frame(blip: Any) -> None:
    request = Request(Capability.CHOOSE, (PICTURE,), "a chest film of", ("a heart", "no"))
    prepared = blip.prepare([request])
    (answer,) = blip.answer(prepared)
    (group,) = prepared[1]
    ids = [list(option) for option in group.options[0]]
    given = framed_by(blip, "a chest film of")
    begins = blip.network.config.text_config.bos_token_id

    inside = [begins, *given["input_ids"][0, 1:-1].tolist()]
    expected = [by_hand(blip, given["pixel_values"], inside, option) for option in ids]
    assert answer.scores == pytest.approx(expected, abs=1e-3)
    # Control: behind the frame's end, as the processor leaves it, the numbers are others.
    behind = [by_hand(blip, given["pixel_values"], given["input_ids"][0].tolist(), option) for option in ids]
    assert np.abs(np.subtract(behind, expected)).max() > 0.1


def by_hand(model: Any, pixels: Any, prompt: list[int], option: list[int]) -> float:
    import torch

    ids = torch.tensor([prompt + option])
    with torch.inference_mode():
        logits = model.network(pixel_values=pixels, input_ids=ids, attention_mask=torch.ones_like(ids)).logits
    logp = logits[0].double().log_softmax(-1)
    return sum(float(logp[len(prompt) - 1 + step, token]) for step, token in enumerate(option))


def test_other_types_and_unframed_texts_stay_as_they_are() -> None:
    import torch

    tokenizer = SimpleNamespace(cls_token_id=1, sep_token_id=2)
    inputs = {"input_ids": torch.tensor([[1, 7, 8, 2]]), "attention_mask": torch.ones(1, 4)}
    open_text = {"input_ids": torch.tensor([[7, 8]]), "attention_mask": torch.ones(1, 2)}
    git = SimpleNamespace(model_type="git")

    assert opened(git, tokenizer, inputs)["input_ids"].tolist() == [[1, 7, 8]]
    assert opened(git, tokenizer, open_text)["input_ids"].tolist() == [[7, 8]]
    assert closed(git, inputs) is inputs
    assert opened(SimpleNamespace(model_type="llava"), tokenizer, inputs) is inputs
