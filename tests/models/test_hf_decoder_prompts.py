"""Types whose encoder sees the image alone: the question goes to the decoder, or is drawn above the image."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from medaudit.architectures.build import build
from medaudit.image import ArrayImage
from medaudit.model import Capability, Request
from medaudit.models import load_model
from medaudit.models.decoder_prompts import DRAWN, asked_in_decoder
from medaudit.models.inputs import written


@pytest.fixture(scope="module")
def pix2struct(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("pix2struct", tmp_path_factory.mktemp("pix2struct"))


@pytest.fixture
def drawing(pix2struct: Path, tmp_path: Path) -> Path:
    """The same weights with a processor that draws the question, as checkpoints for documents have."""
    for file in pix2struct.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    settings = tmp_path / "processor_config.json"
    table = json.loads(settings.read_text())
    table["image_processor"]["is_vqa"] = True
    settings.write_text(json.dumps(table))
    return tmp_path


def asked(pictures: list[ArrayImage], question: str = "Why") -> list[Request]:
    return [
        Request(Capability.CHOOSE, (picture,), question + "?" * 5 * place, ("yes", "not at all"))
        for place, picture in enumerate(pictures)
    ]


def inputs(model: Any, request: Request) -> dict[str, Any]:
    (group,) = model.prepare([request])[1]
    return dict(group.inputs)


def test_a_question_begins_the_decoders_text(pix2struct: Path, pictures: list[ArrayImage]) -> None:
    model: Any = load_model(str(pix2struct))
    one, other = (inputs(model, asked(pictures[:1], question)[0]) for question in ("Why", "Who"))
    start = model.network.generation_config.decoder_start_token_id

    assert asked_in_decoder(model.network)
    assert written(one).tolist() == [[start, *model.builder.tokenizer("Why")["input_ids"]]]
    assert written(one).tolist() != written(other).tolist()
    assert bool((one["flattened_patches"] == other["flattened_patches"]).all())


def test_questions_of_other_lengths_share_a_batch(pix2struct: Path, pictures: list[ArrayImage]) -> None:
    model: Any = load_model(str(pix2struct))
    requests = asked(pictures)
    together = model.answer(model.prepare(requests))
    alone = [model.answer(model.prepare([request]))[0] for request in requests]

    assert [answer.error for answer in together] == [None] * len(requests)
    for one, other in zip(together, alone, strict=True):
        assert one.scores == pytest.approx(other.scores, abs=1e-4)


def test_what_is_generated_does_not_repeat_the_question(pix2struct: Path, pictures: list[ArrayImage]) -> None:
    model: Any = load_model(str(pix2struct))
    request = Request(Capability.GENERATE, pictures[:1], "A long question", max_new_tokens=2)
    (answer,) = model.answer(model.prepare([request]))

    assert answer.error is None
    assert answer.text is not None
    assert "long" not in answer.text


def test_more_or_fewer_images_than_one_are_refused(pix2struct: Path, pictures: list[ArrayImage]) -> None:
    model: Any = load_model(str(pix2struct))
    for given in ((), tuple(pictures[:2])):
        (answer,) = model.answer(model.prepare([Request(Capability.CHOOSE, given, "Why", ("yes", "no"))]))
        assert "one image" in str(answer.error)


def test_a_drawn_question_changes_the_patches_and_nothing_else(
    drawing: Path, pictures: list[ArrayImage]
) -> None:
    model: Any = load_model(str(drawing))
    one, same, other = (inputs(model, asked(pictures[:1], q)[0]) for q in ("Why", "Why", "Who"))
    start = model.network.generation_config.decoder_start_token_id

    assert DRAWN in model.info.notes
    assert written(one).tolist() == written(other).tolist() == [[start]]
    assert bool((one["flattened_patches"] == same["flattened_patches"]).all())
    assert not bool((one["flattened_patches"] == other["flattened_patches"]).all())


def test_a_type_with_text_in_its_encoder_is_asked_there(
    pictures: list[ArrayImage], llava_folder: Path
) -> None:
    model: Any = load_model(str(llava_folder))

    assert not asked_in_decoder(model.network)
    assert "decoder_input_ids" not in inputs(model, asked(pictures[:1])[0])
