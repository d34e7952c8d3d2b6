"""``medaudit check``: sound models pass, and each planted fault is caught by the check meant for it."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from medaudit.architectures.build import build
from medaudit.checking import check_model, run_checks
from medaudit.checks import CHECKS, inside
from medaudit.checks.bench import Bench
from medaudit.checks.tokens import _judged
from medaudit.checks.weights import _untouched
from medaudit.errors import UsageError
from medaudit.geometry.errors import NoGrid
from medaudit.geometry.geometry import Geometry
from medaudit.geometry.oracle import OracleResult
from medaudit.model import Answer, Capability, ModelInfo, Request
from medaudit.models import load_model
from medaudit.models.one_by_one import ONE_BY_ONE
from medaudit.models.vision_ops import huggingface
from medaudit.phantoms import checkpoint
from medaudit.whitebox import gradients


def statuses(model: Any, *names: str) -> dict[str, str]:
    return {result.name: result.status for result in run_checks(model, names or None)}


@pytest.mark.parametrize("folder", ["llava_folder", "qwen_folder", "clip_folder", "siglip_folder"])
def test_sound_models_fail_for_nothing_but_their_random_vision_tower(
    folder: str, request: pytest.FixtureRequest
) -> None:
    results = statuses(load_model(str(request.getfixturevalue(folder))))

    assert {name for name, status in results.items() if status == "fails"} == {"vision tower"}
    assert results["image is used"] == "works"
    assert results["batch of 1 equals batch of 4"] == "works"
    assert results["padding side"] == "works"
    assert results["attention"] == "works"
    assert results["gradients"] == "works"
    assert results["intervention"] == "works"
    assert list(results) == list(CHECKS)


@pytest.mark.parametrize("name", ["clean", "blind", "shortcut-marker"])
def test_trained_phantoms_have_no_failing_check(name: str) -> None:
    results = {result.name: result for result in check_model(load_model(f"phantom:{name}"))}

    assert "fails" not in {result.status for result in results.values()}
    assert results["vision tower"].status == results["projector"].status == "works"
    assert results["token geometry"].status == "works"
    assert results["tokens per image"].detail.startswith("64 image tokens")
    assert "left padding" in results["padding side"].detail
    assert "requests/s" in results["speed"].detail
    assert "MB" in results["memory"].detail


def test_single_checks_run_by_name() -> None:
    model = BlackBox(lambda batch: [mean_grey(request) for request in batch])

    assert [result.name for result in run_checks(model, ["speed", "weights"])] == ["speed", "weights"]
    with pytest.raises(UsageError, match="Did you mean 'speed'"):
        run_checks(model, ["sped"])


@pytest.fixture
def phantom(tmp_path: Path) -> Path:
    return Path(shutil.copytree(checkpoint("clean"), tmp_path / "phantom"))


def rewritten(folder: Path, change: Callable[[dict[str, Any]], None]) -> Any:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return load_model(str(folder))


def test_a_tower_that_was_initialised_again_before_saving_is_caught(phantom: Path) -> None:
    """As a wrong base class, or a call of init_weights after loading, leaves a checkpoint behind."""
    network = huggingface().LlavaForConditionalGeneration.from_pretrained(phantom)
    fresh = type(network)(network.config).model.vision_tower.state_dict()
    network.model.vision_tower.load_state_dict(fresh)
    network.save_pretrained(phantom)

    results = statuses(load_model(str(phantom)), "vision tower", "weights", "projector")

    assert results == {"vision tower": "fails", "weights": "works", "projector": "works"}


def test_one_trained_norm_layer_is_enough_not_to_be_accused(phantom: Path) -> None:
    def reset_all_but_one(tensors: dict[str, Any]) -> None:
        norms = sorted(name for name in tensors if "vision_tower" in name and "norm" in name)
        for name in norms[2:]:
            tensors[name].fill_(float(name.endswith("weight")))

    (result,) = run_checks(rewritten(phantom, reset_all_but_one), ["vision tower"])

    assert result.status == "works"
    assert result.detail.startswith("1 of 8 norm layers")


def test_norm_layers_that_add_one_themselves_start_at_zero() -> None:
    import torch

    class OnePlusNorm(torch.nn.Module):
        def __init__(self, start: float) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.full((4,), start))

    moved = torch.nn.BatchNorm2d(2)
    moved.running_mean += 0.1

    assert _untouched(OnePlusNorm(0.0))
    assert not _untouched(OnePlusNorm(0.01))
    assert _untouched(torch.nn.BatchNorm2d(2))
    assert not _untouched(moved)


def test_right_padding_is_caught_and_named() -> None:
    model: Any = load_model("phantom:clean")
    assert statuses(model, "padding side") == {"padding side": "works"}

    model.builder.tokenizer.padding_side = "right"
    (result,) = run_checks(model, ["padding side"])

    assert result.status == "fails"
    assert "right padding" in result.detail


def test_generated_texts_that_depend_on_the_batch_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    model: Any = load_model("phantom:clean")
    genuine = model._generate
    row = "generated: batch of 1 equals batch of 4"
    assert statuses(model, row)[row] == "works"

    def crowded(group: Any) -> list[Answer]:
        return [Answer(text=f"{answer.text} {len(group.places)}") for answer in genuine(group)]

    monkeypatch.setattr(model, "_generate", crowded)

    assert statuses(model, row)[row] == "fails"


def test_a_type_that_padding_changes_runs_one_by_one(
    llava_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    together: Any = load_model(str(llava_folder))
    monkeypatch.setitem(ONE_BY_ONE, "llava", "planted")
    apart: Any = load_model(str(llava_folder))
    requests = Bench(apart, 0).plain

    assert [group.places for group in apart.builder.groups(requests)] == [(0,), (1,), (2,), (3,)]
    assert [group.places for group in together.builder.groups(requests)] == [(0, 1, 2, 3)]
    assert apart.info.notes == ("ONE BY ONE: planted",)
    assert apart.info.fingerprint != together.info.fingerprint
    (result,) = run_checks(apart, ["batch of 1 equals batch of 4"])
    assert result.status == "works"
    assert result.detail.endswith("run one by one")


@pytest.mark.parametrize("kind", ["blip", "kosmos-2", "git"])
def test_a_type_is_in_the_table_only_if_a_padded_batch_changes_it(kind: str, tmp_path: Path) -> None:
    model: Any = load_model(str(build(kind, tmp_path / kind)))
    assert statuses(model, "padding side") == {"padding side": "works"}

    model.builder.one_by_one = False

    changed = kind in ONE_BY_ONE
    assert changed == (kind != "git")  # control: absolute positions, and yet exact
    assert statuses(model, "padding side") == {"padding side": "fails" if changed else "works"}


def test_a_map_that_looks_elsewhere_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    model: Any = load_model("phantom:clean")
    genuine = Geometry.token_map

    def mirrored(self: Geometry, size: tuple[int, int], stage: str = "projector") -> Any:
        tokens = genuine(self, size, stage)
        return replace(tokens, cells=tokens.cells[::-1].copy(), places=tokens.places[::-1].copy())

    monkeypatch.setattr(Geometry, "token_map", mirrored)

    assert statuses(model, "token geometry")["token geometry"] == "fails"


def test_a_type_without_a_grid_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(self: Geometry, size: tuple[int, int], stage: str = "projector") -> Any:
        raise NoGrid("a resampler mixes the whole image")

    monkeypatch.setattr(Geometry, "token_map", none)
    (result,) = run_checks(load_model("phantom:clean"), ["token geometry"])

    assert result.status == "not_applicable"
    assert result.detail.startswith("projector: a resampler mixes the whole image; patch:")


@pytest.mark.parametrize(
    ("hits", "chance", "control", "status"),
    [
        (12, 0.1, 0.0, "works"),
        (9, 0.1, 0.1, "works"),
        (8, 0.1, 0.1, "note"),  # a map that misses more, and yet far above chance
        (2, 0.1, 0.1, "fails"),
        (0, 0.1, 0.1, "fails"),
        (12, 1.0, 1.0, "note"),  # one token: every map is right
        (12, 0.5, 1.0, "note"),  # the shifted map is as good
    ],
)
def test_geometry_is_judged_against_chance_and_control(
    hits: int, chance: float, control: float, status: str
) -> None:
    assert _judged(OracleResult(hits, 12, chance, control, 0.0), "patch")[0] == status


def test_a_wrong_gradient_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    model: Any = load_model("phantom:clean")
    genuine = gradients.score_and_gradient
    assert statuses(model, "gradients")["gradients"] == "works"

    def doubled(*given: Any) -> Any:
        score, pixels, raw = genuine(*given)
        return score, pixels, {name: 2 * part for name, part in raw.items()}

    monkeypatch.setattr(gradients, "score_and_gradient", doubled)

    assert statuses(model, "gradients")["gradients"] == "fails"


def test_attention_of_another_pass_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    model: Any = load_model("phantom:clean")
    genuine = model.attend

    def other(*given: Any) -> Any:
        return replace(genuine(*given), agreement=0.6)

    monkeypatch.setattr(model, "attend", other)

    assert statuses(model, "attention")["attention"] == "fails"


def test_an_edit_that_removes_what_it_should_keep_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    model: Any = load_model("phantom:clean")
    monkeypatch.setattr(inside, "_BESIDE", (0, 0.0, 0.0, 40.0, 40.0))
    (result,) = run_checks(model, ["intervention"])

    assert result.status == "fails"
    assert "where nothing is removed" in result.detail


def test_tuning_is_checked_where_it_is_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    model: Any = load_model("phantom:clean")
    offered = model._info.capabilities | {Capability.TUNE}
    monkeypatch.setattr(model, "_info", replace(model._info, capabilities=offered))
    assert statuses(model, "tuning") == {"tuning": "works"}

    monkeypatch.setattr(inside, "LARGEST_COPY", 1000)
    assert statuses(model, "tuning") == {"tuning": "note"}

    monkeypatch.setattr(model, "_info", replace(model._info, capabilities=offered - {Capability.TUNE}))
    assert statuses(model, "tuning") == {"tuning": "not_applicable"}


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
    assert results["projector"] == "fails"


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
    assert list(results) == list(CHECKS)


def test_wrong_fast_scores_are_caught(llava_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model: Any = load_model(str(llava_folder))
    genuine = model.brute_force
    monkeypatch.setattr(
        model,
        "brute_force",
        lambda prepared: [Answer(scores=tuple(s + 0.01 for s in a.scores)) for a in genuine(prepared)],
    )

    assert statuses(model)["option scores equal full passes"] == "fails"
