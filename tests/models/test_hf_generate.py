"""Greedy text of generative models: batching, padding, number of images, prompt text."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medaudit.errors import DataError
from medaudit.image import ArrayImage, FileImage
from medaudit.model import Capability, OutOfMemory, Request
from medaudit.models import load_model
from medaudit.models.prompts import option_ids, placeholders, render


def requests(pictures: list[ArrayImage], images: tuple[int, ...] = (1, 1, 1, 1)) -> list[Request]:
    return [
        Request(Capability.GENERATE, tuple(pictures[:number]), "What" + "?" * index * 4, max_new_tokens=8)
        for index, number in enumerate(images)
    ]


@pytest.mark.parametrize("folder", ["llava_folder", "qwen_folder"])
@pytest.mark.parametrize("images", [(1, 1, 1, 1), (0, 1, 2, 1)])
def test_batch_of_four_equals_four_batches_of_one(
    folder: str, images: tuple[int, ...], request: pytest.FixtureRequest, pictures: list[ArrayImage]
) -> None:
    model = load_model(str(request.getfixturevalue(folder)))
    asked = requests(pictures, images)

    together = model.answer(model.prepare(asked))
    alone = [model.answer(model.prepare([one]))[0] for one in asked]

    assert together == alone
    # Control: the texts are not all one text, so equality says something.
    assert len({answer.text for answer in together}) > 1


def test_generated_text_equals_argmax_step_by_step(llava_folder: Path, pictures: list[ArrayImage]) -> None:
    import torch
    from PIL import Image

    model: Any = load_model(str(llava_folder))
    processor = model.processor
    inputs = dict(
        processor(
            images=[Image.fromarray(pictures[0].pixels())],
            text=["USER: <image>Where? ASSISTANT:"],
            return_tensors="pt",
        )
    )
    new: list[int] = []
    for _ in range(6):
        with torch.inference_mode():
            logits = model.network(**inputs, use_cache=False).logits[0, -1]
        new.append(int(logits.argmax()))
        inputs["input_ids"] = torch.cat([inputs["input_ids"], torch.tensor([[new[-1]]])], dim=1)
        inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])

    asked = Request(Capability.GENERATE, (pictures[0],), "Where?", max_new_tokens=6)
    (answer,) = model.answer(model.prepare([asked]))

    assert answer.text == processor.tokenizer.decode(new, skip_special_tokens=True).strip()


def test_checkpoint_generation_settings_do_not_change_greedy_text(
    llava_folder: Path, pictures: list[ArrayImage], tmp_path: Path
) -> None:
    import json
    import shutil

    folder = Path(shutil.copytree(llava_folder, tmp_path / "sampling"))
    own = json.loads((folder / "generation_config.json").read_text())
    own |= {"do_sample": True, "temperature": 9.0, "repetition_penalty": 5.0, "max_length": 3}
    (folder / "generation_config.json").write_text(json.dumps(own))
    asked = requests(pictures)

    plain, sampled = (load_model(str(path)) for path in (llava_folder, folder))

    assert sampled.answer(sampled.prepare(asked)) == plain.answer(plain.prepare(asked))


def test_batches_are_padded_on_the_left(llava_folder: Path, pictures: list[ArrayImage]) -> None:
    model: Any = load_model(str(llava_folder))

    _, (group,) = model.prepare(requests(pictures))

    mask = group.inputs["attention_mask"]
    assert mask[:, -1].tolist() == [1, 1, 1, 1]
    assert mask[0, 0] == 0


def test_answer_leaves_its_inputs_alone(llava_folder: Path, pictures: list[ArrayImage]) -> None:
    model: Any = load_model(str(llava_folder))
    prepared = model.prepare(requests(pictures))
    before = {name: value.clone() for name, value in prepared[1][0].inputs.items()}

    first = model.answer(prepared)

    assert all((before[name] == value).all() for name, value in prepared[1][0].inputs.items())
    assert model.answer(prepared) == first


def test_preparing_on_another_thread_changes_nothing(llava_folder: Path, pictures: list[ArrayImage]) -> None:
    model = load_model(str(llava_folder))
    asked = requests(pictures)
    expected = model.answer(model.prepare(asked))

    with ThreadPoolExecutor(1) as pool:
        for _ in range(20):
            waiting = pool.submit(model.prepare, asked)
            assert model.answer(model.prepare(asked)) == expected
            assert model.answer(waiting.result()) == expected


def test_a_missing_image_file_stops_the_batch(llava_folder: Path, tmp_path: Path) -> None:
    model = load_model(str(llava_folder))
    asked = Request(Capability.GENERATE, (FileImage(tmp_path / "gone.png"),), "What?")

    with pytest.raises(DataError, match=r"gone\.png"):
        model.prepare([asked])


@pytest.mark.parametrize("words", ["CUDA out of memory.", "DefaultCPUAllocator: can't allocate memory: ..."])
def test_allocation_failures_have_one_name(
    words: str, llava_folder: Path, pictures: list[ArrayImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    model: Any = load_model(str(llava_folder))

    def fail(**_: Any) -> None:
        raise RuntimeError(words)

    monkeypatch.setattr(model.network, "generate", fail)

    with pytest.raises(OutOfMemory):
        model.answer(model.prepare(requests(pictures)))


def test_longer_requests_cost_more(llava_folder: Path, pictures: list[ArrayImage]) -> None:
    model = load_model(str(llava_folder))
    short = Request(Capability.GENERATE, (), "x" * 40)
    pictured = Request(Capability.GENERATE, (pictures[0],), "x" * 40)

    assert model.cost(short) == 10
    assert model.cost(pictured) == 14  # 28 / 14 squared = 4 image tokens


class FakeProcessor:
    image_token = "<img>"
    chat_template = None

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer


def test_without_a_template_placeholders_come_before_the_question(llava_folder: Path) -> None:
    processor: Any = FakeProcessor(type("Plain", (), {"chat_template": None})())

    assert placeholders(processor) == ["<img>", "<image>", ""]
    assert render(processor, "Why?", 2, "<img>") == "<img><img>\nWhy?"
    assert render(processor, "Why?", 0, "<img>") == "Why?"


def test_a_model_without_chat_template_answers(
    tmp_path: Path, pictures: list[ArrayImage], plain_llava: Path
) -> None:
    model: Any = load_model(str(plain_llava))

    answers = model.answer(model.prepare(requests(pictures)))
    _, (group,) = model.prepare(requests(pictures)[:1])

    assert [answer.error for answer in answers] == [None] * 4
    assert model.processor.decode(group.inputs["input_ids"][0]) == "<image>" * 4 + "\nWhat"


class Merging:
    """A tokenizer that joins the last letter of a prompt to what follows, unless a space is between."""

    all_special_ids = (9,)

    def __call__(self, text: str, **_: bool) -> dict[str, list[int]]:
        return {"input_ids": [len(word) for word in text.split(" ")]}

    def decode(self, ids: list[int]) -> str:
        return "\n" if ids == [7] else "x"


def test_option_tokens_follow_the_stated_rule() -> None:
    assert option_ids(Merging(), "a prompt", "yes it", 1) == [3, 2]  # a space between, prefix stable
    assert option_ids(Merging(), "a prompt", "yes", 9) == [3]  # after a special token: glued, so alone
    assert option_ids(Merging(), "a prompt", "yes", 7) == [3]  # after white space: likewise


def test_identical_pictures_give_identical_answers(llava_folder: Path) -> None:
    model = load_model(str(llava_folder))
    grey = np.full((40, 40, 3), 90, dtype=np.uint8)
    asked = [
        Request(Capability.GENERATE, (ArrayImage(grey.copy()),), "Same?", max_new_tokens=6) for _ in range(3)
    ]

    answers = model.answer(model.prepare(asked))

    assert len({answer.text for answer in answers}) == 1
