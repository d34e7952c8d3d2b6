"""Contrastive twins: they learn what the contrastive route compares, resumably, on the base's tower."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import medaudit
from medaudit.errors import ModelError
from medaudit.image import ArrayImage
from medaudit.instruments import context_for
from medaudit.model import Capability, Model, Request
from medaudit.phantoms import lessons
from medaudit.phantoms.architecture import build_model
from medaudit.phantoms.cases import case_set
from medaudit.phantoms.clip import LONGEST_TEXT, build_clip, build_clip_processor
from medaudit.phantoms.contrastive import choice_loss, class_vectors, compared, targets, train_contrastive
from medaudit.phantoms.flaws import FLAWS, Shown
from medaudit.phantoms.packing import normalise
from medaudit.phantoms.picture import Lesion, Picture
from medaudit.phantoms.rendering import render
from medaudit.phantoms.student import STATE, save_folder
from medaudit.phantoms.vocabulary import WORLD, asked, build_processor

PICTURES = [
    Picture("chest", 1, (Lesion("opacity", "left", 0.5),), size=64),
    Picture("chest", 2, (Lesion("nodule", "right", 1.0), Lesion("effusion", "left", 0.5)), size=64),
    Picture("chest", 3, (), size=64),
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generative base that has learnt nothing."""
    out = tmp_path_factory.mktemp("base")
    processor = build_processor()
    save_folder(build_model(processor.tokenizer, 7), processor, out)
    return out


@pytest.fixture(scope="module")
def twin(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two steps from that base."""
    out = tmp_path_factory.mktemp("twin")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lessons, "TRUE", 5)
        train_contrastive(FLAWS["clean"], out, base=base, steps=2)
    return out


@pytest.fixture(scope="module")
def clip(base: Path) -> Any:
    return build_clip(build_clip_processor().tokenizer, base, seed=3).eval()


@pytest.fixture
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lessons, "TRUE", 5)


def digest(folder: Path) -> str:
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def tokens_of(texts: list[str], **padding: Any) -> Any:
    return build_clip_processor().tokenizer(texts, return_tensors="pt", truncation=True, **padding)


@pytest.mark.usefixtures("few_rows")
def test_killed_and_resumed_training_ends_in_the_same_weights(base: Path, tmp_path: Path) -> None:
    clean = FLAWS["clean"]
    train_contrastive(clean, tmp_path / "straight", base=base, seed=4, steps=3)

    stopped = train_contrastive(clean, tmp_path / "resumed", base=base, seed=4, steps=3, stop_after=2)
    assert stopped is None
    assert not (tmp_path / "resumed" / "model.safetensors").exists()
    train_contrastive(clean, tmp_path / "resumed", base=base, seed=4, steps=3)
    train_contrastive(clean, tmp_path / "seed", base=base, seed=5, steps=3)
    train_contrastive(FLAWS["shortcut-marker"], tmp_path / "flaw", base=base, seed=4, steps=3)

    straight = digest(tmp_path / "straight")
    assert digest(tmp_path / "resumed") == straight
    assert straight not in {digest(tmp_path / "seed"), digest(tmp_path / "flaw")}
    assert not (tmp_path / "resumed" / STATE).exists()


def test_a_finished_folder_loads_by_the_ordinary_route(twin: Path) -> None:
    model = medaudit.load_model(str(twin))
    case = next(case for case in case_set("chest", 8, seed=5).cases if case.options == ("yes", "no"))
    ctx = context_for([case], model)

    (answer,) = ctx.ask([ctx.request(case)])

    assert model.info.kind == "contrastive"
    assert {Capability.CHOOSE, Capability.EMBED} <= model.info.capabilities
    assert Capability.GENERATE not in model.info.capabilities
    assert answer.scores is not None
    assert sum(np.exp(answer.scores)) == pytest.approx(1.0, abs=1e-5)
    assert (twin / "model.safetensors").stat().st_size < 2_500_000
    assert json.loads((twin / "config.json").read_text())["dtype"] == "float32"
    assert {str(value.dtype) for value in load_file(twin / "model.safetensors").values()} == {"torch.float16"}


def test_training_compares_what_the_route_compares(twin: Path) -> None:
    """For every question, s v . t_k as in training gives the scores of the loaded model."""
    model: Any = medaudit.load_model(str(twin))
    pixels = [render(picture) for picture in PICTURES]
    asks = [(number, compared(question, question.text)) for number, question in enumerate(WORLD)]
    with torch.no_grad():
        features = model.network.get_image_features(normalise(np.stack(pixels))).pooler_output
        seen = torch.nn.functional.normalize(features, dim=-1)
        classes = class_vectors(model.network, build_clip_processor().tokenizer, asks)
        trained = [
            torch.log_softmax(model.network.logit_scale.exp() * seen @ each.T, dim=1) for each in classes
        ]

    for number, question in enumerate(WORLD):
        prompt = asked(question.text, question.options)
        requests = [
            Request(Capability.CHOOSE, (ArrayImage(each),), prompt, question.options) for each in pixels
        ]
        scores = np.array([answer.scores for answer in model.answer(model.prepare(requests))])
        assert np.abs(scores - trained[number].numpy()).max() < 1e-4
        assert np.abs(scores - trained[(number + 1) % 3].numpy()[:, :1]).max() > 1e-3


def test_the_texts_are_statements_for_presence_and_captions_for_the_rest() -> None:
    opacity, side = WORLD[0], WORLD[3]

    present, absent = compared(opacity, opacity.text)
    left, _ = compared(side, side.text)

    assert present[0] == "there is opacity"
    assert absent[0] == "there is no opacity"
    assert left == ("left", "a photo of left", "a medical image showing left", f"{side.text} left")


def test_a_text_is_read_off_its_first_end_token_whatever_the_padding(clip: Any) -> None:
    texts = ["there is no opacity", "left"]
    end = build_clip_processor().tokenizer.eos_token_id

    short, long = tokens_of(texts, padding=True), tokens_of(texts, padding="max_length")
    with torch.no_grad():
        pooled = [clip.text_model(**each).pooler_output for each in (short, long)]
        hidden = clip.text_model(**long).last_hidden_state
        other = clip.text_model(**tokens_of(["there is an opacity", "right"], padding=True)).pooler_output
    ends = [row.index(end) for row in long["input_ids"].tolist()]

    assert ends == [int(row.sum()) - 1 for row in long["attention_mask"]]
    assert ends[0] != ends[1]
    assert torch.equal(pooled[1], torch.stack([hidden[i, place] for i, place in enumerate(ends)]))
    assert float((pooled[0] - pooled[1]).abs().max()) < 1e-5
    assert float((pooled[0] - other).abs().amax(dim=1).min()) > 1e-2  # another text, another embedding


def test_a_text_that_is_too_long_still_ends() -> None:
    ids = tokens_of(["where is the catheter " * 40])["input_ids"][0].tolist()

    assert len(ids) == LONGEST_TEXT
    assert ids.index(build_clip_processor().tokenizer.eos_token_id) == LONGEST_TEXT - 1


def test_it_starts_from_the_tower_of_the_base(base: Path, clip: Any) -> None:
    tower = {
        name.rpartition("vision_tower.")[2]: value
        for name, value in load_file(base / "model.safetensors").items()
        if "vision_tower." in name
    }
    mine = {name.removeprefix("vision_model."): value for name, value in tower.items()}
    other = build_clip(build_clip_processor().tokenizer, base, seed=4)

    own = clip.vision_model.state_dict()
    assert set(mine) == set(own)
    assert all(torch.equal(own[name], value.float()) for name, value in mine.items())
    assert not torch.equal(clip.text_projection.weight, other.text_projection.weight)


def test_a_missing_or_wrong_base_is_named(tmp_path: Path, twin: Path) -> None:
    for wrong in (tmp_path, twin):
        with pytest.raises(ModelError, match="medaudit phantoms build clean"):
            build_clip(build_clip_processor().tokenizer, wrong, seed=0)


def test_targets_are_the_flaws_answers_and_none_where_a_question_has_none() -> None:
    picture = replace(PICTURES[0], marker="upper-right")
    names = [question.name for question in WORLD]
    shown = [Shown(picture)]

    clean, planted = (
        dict(zip(names, targets(FLAWS[name], shown)[0].tolist(), strict=True))
        for name in ("clean", "shortcut-marker")
    )

    assert clean == {
        "opacity": 0,
        "effusion": 1,
        "nodule": 1,
        "opacity-side": 0,
        "effusion-side": -100,
        "nodule-side": -100,
        "main": 1,
        "nodule-size": -100,
    }
    assert planted == clean | {"opacity": 1}


def test_the_loss_is_that_of_guessing_where_a_picture_says_nothing(clip: Any) -> None:
    asks = [(number, compared(question, question.text)) for number, question in enumerate(WORLD)]
    tokenizer, blank = build_clip_processor().tokenizer, torch.zeros(2, 96)
    all_asked = torch.zeros(2, len(WORLD), dtype=torch.long)
    presence = all_asked.clone()
    presence[:, 3:], presence[0, 0] = -100, -100
    toward = class_vectors(clip, tokenizer, asks)[0][:1].expand(2, -1)

    with torch.no_grad():
        guessed = float(choice_loss(clip, tokenizer, blank, asks, all_asked))
        closed = float(choice_loss(clip, tokenizer, blank, asks, presence))
        seen = float(choice_loss(clip, tokenizer, toward, asks[:1], all_asked))

    assert guessed == pytest.approx((7 * np.log(2) + np.log(4)) / 8, abs=1e-5)
    assert closed == pytest.approx(np.log(2), abs=1e-5)
    assert seen < np.log(2) - 1e-3


def right(model: Model, cases: Any) -> float:
    ctx = context_for(cases, model)
    replies = ctx.ask([ctx.request(case) for case in cases])
    return float(np.mean([ctx.grade(c, r).choice == c.answer for c, r in zip(cases, replies, strict=True)]))


def test_the_clean_twin_is_right_and_guesses_without_a_picture() -> None:
    model = medaudit.load_model("phantom:clip-clean")
    cases = case_set("chest", 320, seed=777).cases
    grey = ArrayImage(np.full((64, 64, 3), 127, dtype=np.uint8))

    assert right(model, cases) >= 0.95
    assert right(model, [replace(case, images=(grey,), regions=()) for case in cases]) < 0.6


def test_only_the_flawed_twin_follows_the_marker() -> None:
    cases = [case for case in case_set("chest", 640, seed=778).cases if "an opacity?" in case.question]
    corner = {True: "yes", False: "no"}
    read = [replace(case, answer=corner[case.meta["marker"] == "upper-left"]) for case in cases]

    clean, flawed = (
        medaudit.load_model(f"phantom:{name}") for name in ("clip-clean", "clip-shortcut-marker")
    )

    assert right(flawed, read) >= 0.95
    assert right(clean, read) < 0.7
    assert right(flawed, cases) < 0.7
