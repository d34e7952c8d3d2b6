"""Types that are asked in a way of their own: composites, wrapped networks, pages, clips, decoders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medaudit.architectures.build import build
from medaudit.image import ArrayImage
from medaudit.model import Capability, Request
from medaudit.models import load_model

pytestmark = pytest.mark.filterwarnings("ignore")


def request(prompt: str = "Is there an effusion?", seed: int = 0) -> Request:
    pixels = np.random.default_rng(seed).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    return Request(Capability.CHOOSE, (ArrayImage(pixels, name="noise"),), prompt, ("yes", "not at all"))


def inputs(model: Any, *requests: Request) -> dict[str, Any]:
    (group,) = model.builder.groups(requests)
    assert group.error is None
    found: dict[str, Any] = group.inputs
    return found


def scores(model: Any, asked: Request) -> tuple[float, ...]:
    (answer,) = model.answer(model.prepare([asked]))
    assert answer.error is None
    return tuple(answer.scores)


def loaded(folder: Path) -> Any:
    return load_model(str(folder))


def unloaded(model: Any) -> list[str]:
    return [note for note in model.info.notes if "NOT LOADED" in note]


def test_of_an_omni_model_the_part_that_answers_is_loaded(tmp_path: Path) -> None:
    whole = loaded(build("qwen2_5_omni", tmp_path / "whole"))
    alone = loaded(build("qwen2_5_omni_thinker", tmp_path / "alone"))

    assert type(whole.network).__name__ == "Qwen2_5OmniThinkerForConditionalGeneration"
    assert not unloaded(whole)
    assert scores(whole, request()) == pytest.approx(scores(alone, request()), abs=1e-4)  # one seed
    assert scores(whole, request(seed=1)) != pytest.approx(scores(whole, request()), abs=1e-3)


def test_a_wrapped_network_is_read_whole_and_its_template_takes_the_question(tmp_path: Path) -> None:
    from medaudit.models.vision_ops import huggingface

    folder = build("shieldgemma2", tmp_path)
    model = loaded(folder)
    text = model.processor.tokenizer.decode(inputs(model, request("Is it normal?"))["input_ids"][0])

    assert not unloaded(model)
    assert "Policy: Is it normal? Yes or No?" in text
    plain = huggingface().AutoModelForImageTextToText.from_pretrained(folder, output_loading_info=True)[1]
    assert plain["missing_keys"]  # control: the class of the library's own table does not find them


def test_words_of_a_question_stand_nowhere_on_the_page(tmp_path: Path) -> None:
    model = loaded(build("udop", tmp_path))
    found = inputs(model, request("normal or not"))
    words = found["input_ids"][0, :-1]

    assert model.processor.tokenizer.decode(words) == "normal or not"  # no placeholder in front
    assert not found["bbox"][0, :-1].any()
    assert model.processor.image_processor.apply_ocr is False
    assert scores(model, request(seed=1)) != pytest.approx(scores(model, request()), abs=1e-3)


def test_an_option_begins_the_text_of_a_decoder(tmp_path: Path) -> None:
    model = loaded(build("t5gemma2", tmp_path))
    requests = [request("Normal?"), request("Is the heart enlarged on this radiograph?", seed=1)]
    (group,) = model.builder.groups(requests)
    alone = [scores(model, asked) for asked in requests]
    together = [answer.scores for answer in model.answer(model.prepare(requests))]

    assert [len(ids) for ids in group.options[0]] == [3, 10]  # letters, and no gap before them
    assert group.inputs["attention_mask"][0].tolist() == sorted(
        group.inputs["attention_mask"][0], reverse=True
    )
    for one, other in zip(alone, together, strict=True):
        assert one == pytest.approx(other, abs=1e-3)


def test_a_donut_that_answers_questions_gets_its_marks(tmp_path: Path) -> None:
    from medaudit.models.decoder_prompts import marked

    model = loaded(build("vision-encoder-decoder", tmp_path))
    tokenizer = model.processor.tokenizer
    text = tokenizer.decode(inputs(model, request("Normal?"))["decoder_input_ids"][0])

    assert text == "<s_docvqa><s_question>Normal?</s_question><s_answer>"
    assert scores(model, request(seed=1)) != pytest.approx(scores(model, request()), abs=1e-3)
    tokenizer = loaded(build("t5gemma2", tmp_path / "other")).processor.tokenizer
    assert marked(tokenizer, "Normal?") == "Normal?"  # control: a vocabulary without them


def test_a_picture_is_a_clip_in_which_nothing_moves(tmp_path: Path) -> None:
    model = loaded(build("videoprism", tmp_path, contrastive=True))
    clip = model._pixels(list(request().images))["pixel_values_videos"]

    assert clip.shape == (1, 2, 3, 108, 108)
    assert bool((clip[:, 0] == clip[:, 1]).all())
    assert float(clip.std()) > 0.1  # control: it is a picture
    assert scores(model, request(seed=1)) != pytest.approx(scores(model, request()), abs=1e-3)
