"""Types with a prompt layout of their own: where the image stands, and what surrounds a question."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("transformers")

from medaudit.architectures.build import build
from medaudit.image import ArrayImage
from medaudit.model import Capability, Request
from medaudit.models import load_model
from medaudit.models.frames import FRAMES, still
from medaudit.models.layouts import ends, laid_out
from medaudit.models.prompts import placeholders


def _picture(seed: int) -> ArrayImage:
    pixels = np.random.default_rng(seed).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    return ArrayImage(pixels, name=str(seed))


def _asked(prompt: str, seed: int = 0, pictures: int = 1) -> Request:
    images = tuple(_picture(seed + k) for k in range(pictures))
    return Request(Capability.CHOOSE, images, prompt, ("yes", "not at all"))


def _loaded(kind: str, folder: Path) -> Any:
    return load_model(str(build(kind, folder / "checkpoint")))


@pytest.fixture(scope="module", params=["instructblip", "kosmos-2", "kosmos-2.5"])
def self_placing(request: Any, tmp_path_factory: Any) -> Any:
    return _loaded(request.param, tmp_path_factory.mktemp("arch"))


def test_a_processor_that_places_the_image_gets_no_second_mark(self_placing: Any) -> None:
    (group,) = self_placing.builder.groups([_asked("Is X?")])
    kind = self_placing.network.config.model_type
    ids = group.inputs["input_ids"][0].tolist()
    tokenizer = self_placing.builder.tokenizer
    if kind == "instructblip":
        assert ids.count(tokenizer.convert_tokens_to_ids("<image>")) == 16
        assert tokenizer.decode(ids[16:]) == "Is X?"
    else:
        mask = group.inputs["image_embeds_position_mask"][0]
        after = int((mask == 1).nonzero()[-1]) + 2  # one mark ends the image
        assert int((mask == 1).sum()) == (64 if kind == "kosmos-2" else 16)
        assert tokenizer.decode(ids[after:]).strip() == "Is X?"


def test_a_second_mark_is_an_image_that_the_network_misses(tmp_path: Path) -> None:
    model = _loaded("instructblip", tmp_path)
    model.builder._placeholder = "<image>"  # the control: what other types need
    (group,) = model.builder.groups([_asked("Is X?")])
    with pytest.raises(RuntimeError, match="Number of elements of source < number of ones in mask"):
        model.network(**group.inputs)


def test_every_word_after_the_image_sees_it(tmp_path: Path) -> None:
    model = _loaded("idefics", tmp_path)
    (group,) = model.builder.groups([_asked("Is X?")])
    text = model.builder.tokenizer.decode(group.inputs["input_ids"][0])
    fake = "<fake_token_around_image>"
    assert text == f"<s>{fake}<image>{fake}Is X?"
    assert group.inputs["image_attention_mask"][0, :, 0].tolist() == [0, 0] + [1] * (2 + len("Is X?"))
    # Control: pictures and texts given apart end with the image, and the question comes before it.
    apart = model.builder.processor(images=[[_picture(0).pixels()]], text=["Is X?"], return_tensors="pt")
    assert model.builder.tokenizer.decode(apart["input_ids"][0]) == f"<s>Is X?{fake}<image>{fake}"
    both = model.builder.groups([_asked("Is X?", pictures=0), _asked("Is Y, or Z?", pictures=0)])
    assert [len(one.inputs["input_ids"]) for one in both] == [2]


def test_a_picture_is_a_still_film_to_a_type_that_reads_films(tmp_path: Path) -> None:
    model = _loaded("instructblipvideo", tmp_path)
    (group,) = model.builder.groups([_asked("Is X?")])
    frames = group.inputs["pixel_values"]
    assert frames.shape[:2] == (1, FRAMES["instructblipvideo"])
    assert bool((frames[:, 1:] == frames[:, :1]).all())
    assert model.image_tokens(_asked("Is X?"))[0] == 16 * FRAMES["instructblipvideo"]
    same, other = (model.answer(model.prepare([_asked("Is X?", seed)]))[0].scores for seed in (0, 1))
    assert abs(same[0] - other[0]) > 1e-3
    (refused,) = model.builder.groups([_asked("Is X?", pictures=2)])
    assert refused.error is not None


def test_other_types_get_their_pictures_as_they_are() -> None:
    assert still("llava", [["a", "b"], ["c"]]) == [["a", "b"], ["c"]]
    assert still("instructblipvideo", [["a"], ["b"]]) == [["a"] * 4, ["b"] * 4]
    with pytest.raises(ValueError, match="one picture a question"):
        still("instructblipvideo", [["a", "b"]])


class GitProcessor:
    tokenizer = SimpleNamespace(cls_token="[CLS]", bos_token=None)


def _dialogue() -> Any:
    return SimpleNamespace(
        system_query="system\nBe good.",
        message_start_token="<S>",
        message_end_token="<E>",
        img_start_token="<I>",
        img_end_token="</I>",
        tokenizer=SimpleNamespace(convert_tokens_to_ids={"<E>": 7}.__getitem__),
    )


def test_a_dialogue_on_the_processor_surrounds_the_question() -> None:
    expected = "<S>system\nBe good.<E><S>user\n<I><p></I>\nIs X?<E><S>assistant\n"
    assert laid_out(_dialogue(), "Is X?", "<p>") == expected
    assert laid_out(_dialogue(), "Is X?", "") == expected.replace("<I><p></I>\n", "")
    assert ends(_dialogue()) == [7]


def test_a_question_to_git_holds_no_mark_of_the_image() -> None:
    assert laid_out(GitProcessor(), "Is X?", "") is None
    assert placeholders(GitProcessor()) == [""]


def test_other_processors_have_no_layout_of_their_own() -> None:
    plain = SimpleNamespace(tokenizer=SimpleNamespace(boi_token=None), image_token="<image>")
    assert laid_out(plain, "Is X?", "<image>") is None
    assert ends(plain) == []
    assert placeholders(plain) == ["<image>", ""]


def test_an_answer_of_got_ends_with_its_turn(tmp_path: Path) -> None:
    model = _loaded("got_ocr2", tmp_path)
    (group,) = model.builder.groups([_asked("Is X?")])
    tokenizer = model.builder.tokenizer
    text = tokenizer.decode(group.inputs["input_ids"][0])
    assert text.endswith("</img>\nIs X?<|im_end|><|im_start|>assistant\n")
    assert tokenizer.convert_tokens_to_ids("<|im_end|>") in model.network.generation_config.eos_token_id
    assert int((group.inputs["input_ids"] == model.builder.image_id).sum()) == 16
