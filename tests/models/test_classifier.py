"""Classifiers over a closed set of answers: scores from planted logits, and what is refused."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from medaudit.architectures.build import build
from medaudit.errors import ModelError
from medaudit.image import ArrayImage
from medaudit.model import Answer, Capability, Request
from medaudit.models import load_model

pytestmark = pytest.mark.filterwarnings("ignore")

#: log 4, log 1 and log 3: among all three the shares are 1/2, 1/8 and 3/8.
BIASES = (math.log(4), 0.0, math.log(3))


def picture(seed: int = 0) -> ArrayImage:
    pixels = np.random.default_rng(seed).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    return ArrayImage(pixels, name=f"noise {seed}")


def ask(model: Any, *options: str, prompt: str = "Effusion?", images: tuple[ArrayImage, ...] = ()) -> Answer:
    request = Request(Capability.CHOOSE, images or (picture(),), prompt, options)
    answers: list[Answer] = model.answer(model.prepare([request]))
    return answers[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("vilt", tmp_path_factory.mktemp("vilt"))


@pytest.fixture(scope="module")
def model(folder: Path) -> Any:
    return load_model(str(folder))


@pytest.fixture(scope="module")
def planted(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The same checkpoint with a last layer that sees nothing and says ``BIASES``."""
    import shutil

    import torch

    copy = tmp_path_factory.mktemp("planted")
    shutil.copytree(folder, copy, dirs_exist_ok=True)
    tensors = load_file(copy / "model.safetensors")
    tensors["classifier.3.weight"] = torch.zeros_like(tensors["classifier.3.weight"])
    tensors["classifier.3.bias"] = torch.tensor(BIASES)
    save_file(tensors, copy / "model.safetensors", metadata={"format": "pt"})
    return load_model(str(copy))


def test_scores_are_log_shares_among_the_options(planted: Any) -> None:
    assert planted.labels == ("yes", "no", "not at all")
    whole = ask(planted, "yes", "no", "not at all").scores
    pair = ask(planted, "no", "yes").scores

    assert whole == pytest.approx([math.log(1 / 2), math.log(1 / 8), math.log(3 / 8)], abs=1e-6)
    assert pair == pytest.approx([math.log(1 / 5), math.log(4 / 5)], abs=1e-6)


def test_a_head_that_is_blind_stays_blind_and_one_that_sees_does_not(planted: Any, model: Any) -> None:
    def moved(subject: Any) -> float:
        first, other = (ask(subject, "yes", "no", images=(picture(seed),)).scores for seed in (0, 1))
        assert first is not None
        assert other is not None
        return abs(first[0] - other[0])

    assert moved(planted) == 0
    assert moved(model) > 1e-2
    assert ask(model, "yes", "no").scores == ask(model, "yes", "no").scores  # patches are shuffled alike


def test_options_are_matched_but_for_case_and_others_are_refused(planted: Any) -> None:
    assert ask(planted, "Yes", "NO").scores == ask(planted, "yes", "no").scores

    stranger = ask(planted, "yes", "secret words")
    twice = ask(planted, "yes", "Yes")
    assert stranger.scores is None
    assert twice.scores is None
    assert "option 2 is not one of the 3 answers" in (stranger.error or "")
    assert "secret" not in (stranger.error or "")
    assert "answer of its own" in (twice.error or "")


def test_one_bad_question_leaves_the_others_alone(planted: Any) -> None:
    good = Request(Capability.CHOOSE, (picture(),), "Effusion?", ("yes", "no"))
    long = Request(Capability.CHOOSE, (picture(),), "Effusion? " * 20, ("yes", "no"))
    none = Request(Capability.CHOOSE, (), "Effusion?", ("yes", "no"))
    answers = planted.answer(planted.prepare([long, good, none]))

    assert "reads 128" in answers[0].error
    assert answers[1].scores == pytest.approx([math.log(4 / 5), math.log(1 / 5)], abs=1e-6)
    assert "exactly one image" in answers[2].error


def test_a_type_without_its_answers_is_not_loaded(folder: Path, tmp_path: Path) -> None:
    import json
    import shutil

    copy = tmp_path / "pretrained"
    shutil.copytree(folder, copy)
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"architectures": ["ViltForMaskedLM"]}))

    with pytest.raises(ModelError, match="does not answer questions about images"):
        load_model(str(copy))


def test_pixels_can_be_painted_and_nothing_further_in_is_reached(model: Any) -> None:
    from medaudit.whitebox.intervention import Intervention
    from medaudit.whitebox.reach import NotReached

    def asked(point: str) -> Answer:
        request = Request(
            Capability.CHOOSE,
            (picture(),),
            "Effusion?",
            model.labels[:2],
            intervention=Intervention(point).to_text(),
        )
        answers: list[Answer] = model.answer(model.prepare([request]))
        return answers[0]

    assert asked("pixels").scores != ask(model, *model.labels[:2]).scores
    with pytest.raises(NotReached, match="pixels alone"):
        asked("patch")
