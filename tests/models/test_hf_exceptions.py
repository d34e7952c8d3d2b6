"""Types whose masks, positions or halves differ: the bidirectional prompt, and encoder-decoders."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from medaudit.image import ArrayImage
from medaudit.model import Capability, Request
from medaudit.models import likelihood, load_model
from medaudit.models.scorer import Scorer
from medaudit.models.vision_ops import huggingface

# PaliGemma's processor hands tensors to numpy in a way that numpy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def builders() -> ModuleType:
    """The helpers of this folder's conftest, which importlib mode does not put on the path."""
    spec = importlib.util.spec_from_file_location("tiny_builders", Path(__file__).with_name("conftest.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["tiny_builders"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def paligemma(tmp_path_factory: pytest.TempPathFactory) -> Path:
    transformers, tiny = huggingface(), builders()
    folder = tmp_path_factory.mktemp("paligemma")
    tokenizer = tiny.tiny_tokenizer()
    text = {
        "model_type": "gemma", "vocab_size": len(tokenizer) + 1100, "hidden_size": 32, "head_dim": 16,
        "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2,
        "bos_token_id": 1, "eos_token_id": 3, "pad_token_id": 0,
    }  # fmt: skip
    vision = {
        "model_type": "siglip_vision_model", "hidden_size": 32, "intermediate_size": 64, "projection_dim": 32,
        "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 28, "patch_size": 14,
    }  # fmt: skip
    network = transformers.PaliGemmaForConditionalGeneration(
        transformers.PaliGemmaConfig(
            text_config=text, vision_config=vision, image_token_index=2, projection_dim=32, hidden_size=32
        )
    )
    tiny.wake(network)
    images = transformers.SiglipImageProcessor(size={"height": 28, "width": 28})
    images.image_seq_length = 4
    network.save_pretrained(folder)
    transformers.PaliGemmaProcessor(images, tokenizer).save_pretrained(folder)
    return folder


def asked(pictures: list[ArrayImage]) -> list[Request]:
    return [
        Request(Capability.CHOOSE, (picture,), "Why" + "?" * 5 * place, ("yes", "not at all"))
        for place, picture in enumerate(pictures)
    ]


def test_a_bidirectional_prompt_is_scored_without_seeing_its_options(
    paligemma: Path, pictures: list[ArrayImage]
) -> None:
    model: Any = load_model(str(paligemma))

    answers = model.answer(model.prepare(asked(pictures)))
    reference = model.brute_force(model.prepare(asked(pictures)))

    assert [answer.error for answer in answers] == [None] * 4
    assert "shared prefix" in model.info.notes[-1]
    for one, other in zip(answers, reference, strict=True):
        assert one.scores == pytest.approx(other.scores, abs=1e-4)


def test_options_that_leak_into_the_prompt_are_noticed(
    paligemma: Path, pictures: list[ArrayImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(likelihood, "SUFFIX_TYPE", {})
    model: Any = load_model(str(paligemma))

    model.answer(model.prepare(asked(pictures)))

    assert "differs" in model.info.notes[-1]


def test_encoder_decoders_score_options_as_decoder_input() -> None:
    import torch

    transformers, tiny = huggingface(), builders()
    config = transformers.T5Config(
        vocab_size=40, d_model=16, d_kv=8, d_ff=32, num_layers=1, num_heads=2,
        decoder_start_token_id=0, pad_token_id=0, eos_token_id=1,
    )  # fmt: skip
    network = transformers.T5ForConditionalGeneration(config).eval()
    tiny.wake(network)
    ids = torch.tensor([[0, 5, 6], [7, 8, 9]])
    inputs = {"input_ids": ids, "attention_mask": (ids > 0).long()}
    options = [[[11, 12], [13]], [[14], [15, 16, 17], [18]]]
    scorer = Scorer(network, "float32", 0)

    with torch.inference_mode():
        scores = scorer.scores(inputs, options)
        start = torch.tensor([[0, 15, 16]])
        logits = network(
            input_ids=ids[1:], attention_mask=inputs["attention_mask"][1:], decoder_input_ids=start
        ).logits[0]
    steps = torch.log_softmax(logits.double(), dim=-1)
    by_hand = float(steps[0, 15] + steps[1, 16] + steps[2, 17])

    assert [len(row) for row in scores] == [2, 3]
    assert scores[1][1] == pytest.approx(by_hand, abs=1e-4)
    assert "decoder" in scorer.note
