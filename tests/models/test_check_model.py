"""``medaudit check``: sound models pass, and each planted fault is caught by the check meant for it."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from medaudit.checking import check_model
from medaudit.model import Answer, Capability, ModelInfo, Request
from medaudit.models import load_model


def statuses(model: Any) -> dict[str, str]:
    return {result.name: result.status for result in check_model(model)}


@pytest.mark.parametrize("folder", ["llava_folder", "qwen_folder", "clip_folder", "siglip_folder"])
def test_sound_models_have_no_failing_check(folder: str, request: pytest.FixtureRequest) -> None:
    results = statuses(load_model(str(request.getfixturevalue(folder))))

    assert "fails" not in results.values()
    assert results["image is used"] == "works"
    assert results["batch of 1 equals batch of 4"] == "works"


def test_a_model_with_a_dead_projector_is_caught(llava_folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = Path(shutil.copytree(llava_folder, tmp_path / "blind"))
    tensors = load_file(folder / "model.safetensors")
    for name in tensors:
        if "multi_modal_projector" in name:
            tensors[name].zero_()
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})

    results = statuses(load_model(str(folder)))

    assert results["image is used"] == "fails"
    assert results["weights"] == "works"


def test_weights_that_are_not_in_the_checkpoint_are_caught(llava_folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = Path(shutil.copytree(llava_folder, tmp_path / "partial"))
    tensors = load_file(folder / "model.safetensors")
    del tensors[next(name for name in tensors if "multi_modal_projector" in name)]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})

    assert statuses(load_model(str(folder)))["weights"] == "fails"


class BlackBox:
    """A model of text only; ``say(requests)`` gives the texts of one batch."""

    def __init__(self, say: Callable[[Sequence[Request]], list[str]]) -> None:
        self.say = say
        self.info = ModelInfo("black box", "test", "f", frozenset({Capability.GENERATE}))

    def cost(self, request: Request) -> int:
        return 1

    def prepare(self, requests: Sequence[Request]) -> Sequence[Request]:
        return requests

    def answer(self, prepared: Sequence[Request]) -> list[Answer]:
        return [Answer(text=text) for text in self.say(prepared)]


def mean_grey(request: Request) -> str:
    return str([float(image.pixels().mean()) for image in request.images])


def test_a_black_box_that_looks_passes() -> None:
    results = statuses(BlackBox(lambda batch: [mean_grey(request) for request in batch]))

    assert results["image is used"] == "works"
    assert results["same input twice"] == "works"
    assert results["option scores equal full passes"] == "not_applicable"
    assert results["weights"] == "not_applicable"
    assert "fails" not in results.values()


def test_a_black_box_that_always_says_yes_is_blind() -> None:
    assert statuses(BlackBox(lambda batch: ["yes"] * len(batch)))["image is used"] == "fails"


def test_chance_is_not_taken_for_sight() -> None:
    counter = itertools.count()

    results = statuses(BlackBox(lambda batch: [str(next(counter)) for _ in batch]))

    assert results["image is used"] == "note"
    assert results["same input twice"] == "note"


def test_answers_that_depend_on_the_batch_are_caught() -> None:
    results = statuses(BlackBox(lambda batch: [f"{mean_grey(r)} {len(batch)}" for r in batch]))

    assert results["batch of 1 equals batch of 4"] == "fails"


def test_a_model_that_raises_fails_its_checks_and_the_table_is_whole() -> None:
    def explode(batch: Sequence[Request]) -> list[str]:
        raise ZeroDivisionError("broken")

    results = statuses(BlackBox(explode))

    assert results["image is used"] == "fails"
    assert results["capabilities"] == "works"
    assert len(results) == 10


def test_wrong_fast_scores_are_caught(llava_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model: Any = load_model(str(llava_folder))
    genuine = model.brute_force
    monkeypatch.setattr(
        model,
        "brute_force",
        lambda prepared: [Answer(scores=tuple(s + 0.01 for s in a.scores)) for a in genuine(prepared)],
    )

    assert statuses(model)["option scores equal full passes"] == "fails"
