"""Tuning: a copy learns what it is shown, the model given stays as it was, and bounds are kept."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from medaudit.architectures.build import build
from medaudit.errors import ModelError, UsageError
from medaudit.image import ArrayImage
from medaudit.model import Capability, Request
from medaudit.models import load_model
from medaudit.whitebox.answer_loss import answer_loss
from medaudit.whitebox.lora import digest, linear_layers
from medaudit.whitebox.tuning import MAX_RANK, MAX_STEPS, tune

QUESTIONS = ("Is there an effusion?", "Is the heart enlarged?", "Is there a nodule?")


@pytest.fixture(scope="module")
def pictures() -> list[ArrayImage]:
    rng = np.random.default_rng(3)
    return [ArrayImage(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8), name=str(i)) for i in range(3)]


@pytest.fixture(scope="module")
def model() -> Any:
    return load_model("phantom:clean")


@pytest.fixture(scope="module")
def examples(pictures: list[ArrayImage]) -> list[tuple[Request, str]]:
    prompts = (f"{question}\nAnswer with one of: yes, no." for question in QUESTIONS)
    asked = [
        Request(Capability.CHOOSE, (picture,), prompt, ("yes", "no"))
        for picture, prompt in zip(pictures, prompts, strict=True)
    ]
    return list(zip(asked, ("no", "yes", "yes"), strict=True))


def answers(model: Any, examples: Any) -> list[Any]:
    return list(model.answer(model.prepare([request for request, _ in examples])))


def alike(model: Any, other: Any, examples: Any) -> bool:
    """Equal texts, and scores within what a kernel rounds by where a tensor lies in memory."""
    pairs = zip(answers(model, examples), answers(other, examples), strict=True)
    return all(
        a.text == b.text and (a.scores or ()) == pytest.approx(b.scores or (), abs=1e-4) for a, b in pairs
    )


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folders: dict[str, Path] = {}

    def load(kind: str) -> Any:
        if kind not in folders:
            folders[kind] = build(kind, tmp_path_factory.mktemp(kind), contrastive=kind.startswith("clip"))
        return load_model(str(folders[kind]))

    return load


@pytest.mark.parametrize("target", ["decoder", "vision", "both"])
def test_what_is_shown_is_learnt_and_the_base_stays_as_it_was(
    target: str, model: Any, examples: list[tuple[Request, str]]
) -> None:
    untouched, before = answers(model, examples), digest(model.network.state_dict())

    tuned, report = tune(model, examples, steps=12, learning_rate=4e-3, target=target)

    assert report.loss_after < 0.7 * report.loss_before
    assert len(report.losses) == 12
    assert report.losses[0] == pytest.approx(report.loss_before, abs=1e-5)
    assert answers(model, examples) == untouched
    assert digest(model.network.state_dict()) == before == report.base_digest
    assert answers(tuned, examples) != untouched


def test_the_loss_is_the_scored_likelihood_of_the_answer(
    model: Any, examples: list[tuple[Request, str]]
) -> None:
    """Without an end token, one answer token: loss = -score of that option."""
    request, answer = examples[0]
    silent = SimpleNamespace(**vars(model), info=model.info, _placed=model._placed)
    silent.builder = SimpleNamespace(
        groups=model.builder.groups, tokenizer=SimpleNamespace(eos_token_id=None)
    )

    score = answers(model, examples)[0].scores[request.options.index(answer)]

    assert float(answer_loss(silent, request, answer).detach()) == pytest.approx(-score, abs=1e-5)
    assert float(answer_loss(model, request, answer).detach()) != pytest.approx(
        -score, abs=1e-3
    )  # control: it ends


def test_zero_steps_give_identical_answers_and_another_fingerprint(
    model: Any, examples: list[tuple[Request, str]]
) -> None:
    tuned, report = tune(model, examples, steps=0)
    spoken = [(replace(request, task=Capability.GENERATE, options=()), "") for request, _ in examples]

    assert alike(tuned, model, examples)
    assert alike(tuned, model, spoken)
    assert report.loss_before == report.loss_after
    assert report.losses == ()
    assert tuned.info.fingerprint != model.info.fingerprint


def test_a_seed_decides_the_weights(model: Any, examples: list[tuple[Request, str]]) -> None:
    (one, first), (two, second) = (tune(model, examples, steps=3, seed=4) for _ in range(2))
    other, third = tune(model, examples, steps=3, seed=5)

    assert digest(one.network.state_dict()) == digest(two.network.state_dict())
    assert one.info.fingerprint == two.info.fingerprint
    assert first.losses == second.losses
    assert third.adapter_digest != first.adapter_digest
    assert other.info.fingerprint != one.info.fingerprint


def test_only_the_target_moves(model: Any, examples: list[tuple[Request, str]]) -> None:
    tuned, report = tune(model, examples, steps=2, target="vision")
    before, after = model.network.state_dict(), tuned.network.state_dict()

    moved = {name for name in before if not (before[name] == after[name]).all()}

    assert moved
    assert all("vision_tower" in name for name in moved)
    assert before.keys() == after.keys()
    assert report.layers == 18


@pytest.mark.parametrize("rank", [1, 8])
def test_the_share_of_trained_numbers_is_that_of_the_rank(
    rank: int, model: Any, examples: list[tuple[Request, str]]
) -> None:
    """An adapter of a layer (a, b) holds rank * (a + b) numbers."""
    _, report = tune(model, examples[:1], steps=0, rank=rank)
    layers = [model.network.get_submodule(name) for name in linear_layers(model.network, "decoder")]

    assert report.trained == sum(rank * sum(layer.weight.shape) for layer in layers)
    assert report.share == pytest.approx(report.trained / model.info.parameters)


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # of an image processor
@pytest.mark.parametrize("kind", ["qwen2_vl", "florence2", "git", "paligemma"])
def test_other_architectures_learn_too(kind: str, tiny: Any, examples: list[tuple[Request, str]]) -> None:
    model = tiny(kind)
    untouched = answers(model, examples)

    tuned, report = tune(model, examples, steps=6, learning_rate=1e-2)
    same, _ = tune(model, examples, steps=0)

    assert report.loss_after < report.loss_before
    assert answers(model, examples) == untouched
    assert alike(same, model, examples)
    assert not alike(tuned, model, examples)


@pytest.mark.parametrize(
    ("kind", "target"), [("clip", "decoder"), ("clip", "vision"), ("clipseg", "decoder")]
)
def test_a_contrastive_model_learns_through_class_prompts(
    kind: str, target: str, tiny: Any, examples: list[tuple[Request, str]]
) -> None:
    model = tiny(kind)
    untouched = answers(model, examples)
    expected = -sum(a.scores[r.options.index(t)] for a, (r, t) in zip(untouched, examples, strict=True)) / 3

    tuned, report = tune(model, examples, steps=8, learning_rate=1e-2, target=target)

    assert report.loss_before == pytest.approx(expected, abs=1e-4)
    assert report.loss_after < report.loss_before
    assert answers(model, examples) == untouched
    assert answers(tuned, examples) != untouched
    assert tuned.info.kind == "contrastive"


def test_an_answer_that_is_no_option_cannot_be_taught_to_a_contrastive_model(
    tiny: Any, examples: list[tuple[Request, str]]
) -> None:
    with pytest.raises(UsageError, match="options that hold the answer"):
        tune(tiny("clip"), [(examples[0][0], "perhaps")], steps=1)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"steps": MAX_STEPS + 1}, "steps"),
        ({"steps": -1}, "steps"),
        ({"steps": 1, "rank": MAX_RANK + 1}, "rank"),
        ({"steps": 1, "rank": 0}, "rank"),
        ({"steps": 1, "learning_rate": math.nan}, "learning rate"),
        ({"steps": 1, "target": "everything"}, "Unknown target"),
    ],
)
def test_settings_out_of_bounds_are_refused(
    settings: dict[str, Any], expected: str, model: Any, examples: list[tuple[Request, str]]
) -> None:
    with pytest.raises(UsageError, match=expected):
        tune(model, examples, **settings)


def test_what_cannot_be_tuned_says_why(model: Any, examples: list[tuple[Request, str]]) -> None:
    remote = SimpleNamespace(info=model.info)
    quantised = SimpleNamespace(info=model.info, network=SimpleNamespace(state_dict=dict, is_quantized=True))

    with pytest.raises(UsageError, match="at least one example"):
        tune(model, [], steps=1)
    with pytest.raises(ModelError, match="local checkpoints only"):
        tune(remote, examples, steps=1)
    with pytest.raises(ModelError, match="--quantize"):
        tune(quantised, examples, steps=1)


def test_layers_without_a_part_in_the_answer_are_not_tuned_in_vain(
    model: Any, examples: list[tuple[Request, str]]
) -> None:
    asked = [(replace(request, images=()), answer) for request, answer in examples]

    with pytest.raises(ModelError, match="no part in its answers"):
        tune(model, asked, steps=1, target="vision")
    assert tune(model, asked, steps=1, target="decoder")[1].steps == 1  # control


def test_a_loss_that_is_no_number_stops_the_tuning(model: Any, examples: list[tuple[Request, str]]) -> None:
    with pytest.raises(ModelError, match="Lower the learning rate"):
        tune(model, examples, steps=20, learning_rate=1e30)


def test_digests_see_one_changed_bit() -> None:
    import torch

    tensor = torch.zeros(4, dtype=torch.bfloat16)
    changed = tensor.clone()
    changed[3] = -0.0  # equal as a number, another bit

    assert digest({"a": tensor}) == digest({"a": tensor.clone()})
    assert len({digest({"a": tensor}), digest({"a": changed}), digest({"b": tensor})}) == 3
