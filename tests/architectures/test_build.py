"""Tiny checkpoints: real folders, loaded by the ordinary route, the same for the same seed."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from medaudit.architectures import NotBuildable, build
from medaudit.architectures import build as build_package
from medaudit.architectures.kinds import SPEECH_ONLY, kinds, select
from medaudit.architectures.recipes import RECIPES
from medaudit.architectures.tokenizer import tiny_tokenizer
from medaudit.architectures.wake import wake
from medaudit.errors import UsageError
from medaudit.models import load_model
from medaudit.models.fingerprint import sha256
from medaudit.models.vision_ops import huggingface

pytestmark = pytest.mark.filterwarnings("ignore")


def test_a_checkpoint_is_a_real_folder_and_the_seed_decides_its_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("building used the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    first, again, other = (build("llava", tmp_path / str(n), seed=seed) for n, seed in enumerate((0, 0, 1)))

    digests = [sha256(folder / "model.safetensors") for folder in (first, again, other)]
    assert {"config.json", "tokenizer.json", "processor_config.json"} <= {p.name for p in first.iterdir()}
    assert digests[0] == digests[1] != digests[2]
    model = load_model(str(first))
    assert model.info.kind == "generative"
    assert (model.info.parameters or 0) < 3_000_000
    assert not [note for note in model.info.notes if "NOT LOADED" in note]


def test_a_type_with_two_classes_is_built_as_either(tmp_path: Path) -> None:
    writes = load_model(str(build("blip", tmp_path / "a")))
    compares = load_model(str(build("blip", tmp_path / "b", contrastive=True)))

    assert (writes.info.kind, compares.info.kind) == ("generative", "contrastive")


def test_the_list_of_types_is_that_of_the_library_without_those_that_only_hear() -> None:
    found = kinds()
    configurations = huggingface().CONFIG_MAPPING

    assert len(found) == len({(kind.type, kind.route) for kind in found})
    assert {"llava", "clip", "qwen2_5_vl", "vilt"} <= {kind.type for kind in found}
    for name in SPEECH_ONLY:  # control: nothing that sees was left out by name
        if name in configurations:
            fields = configurations[name]().to_dict()
            assert not any("vision" in field or "image" in field for field in fields), name


def test_recipes_speak_of_types_that_exist() -> None:
    known = {kind.name for kind in kinds()} | {kind.type for kind in kinds()}

    assert sorted(set(RECIPES) - known - {f"{kind.type}:contrastive" for kind in kinds()}) == []


def test_an_unknown_type_names_the_nearest() -> None:
    assert {kind.route for kind in select(["blip"])} == {"generative", "contrastive"}
    with pytest.raises(UsageError, match="llava_next"):
        select(["llava_nex"])


def test_a_type_without_anything_to_build_says_why(tmp_path: Path) -> None:
    reasons = {kind: made.why_not for kind, made in RECIPES.items() if made.why_not}

    for kind in reasons:
        with pytest.raises(NotBuildable) as caught:
            build(kind, tmp_path / "x")
        assert len(str(caught.value)) > 40, kind  # a reason, not a word
    assert "llava" not in reasons


def test_waking_moves_every_parameter_and_repeats_itself() -> None:
    import torch

    layers = [torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.LayerNorm(4)) for _ in range(2)]
    for layer in layers:
        for parameter in layer.parameters():
            torch.nn.init.zeros_(parameter)
        wake(layer, seed=3)

    for one, other in zip(layers[0].parameters(), layers[1].parameters(), strict=True):
        assert torch.equal(one, other)
        assert bool((one != 0).all())


def test_tokens_are_bytes_and_marks_are_whole() -> None:
    tokenizer = tiny_tokenizer({"image_token": "<image>"}, ["<image>", "<row>"])

    ids = tokenizer("a<image>b", add_special_tokens=False)["input_ids"]

    assert len(ids) == 3
    assert ids[1] == tokenizer.image_token_id
    assert tokenizer.decode(ids) == "a<image>b"


def test_the_package_names_its_door() -> None:
    assert build_package is build
