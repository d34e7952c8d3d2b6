"""Where weights lie and where they go: shards, the local hub cache, several devices."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from medaudit.errors import ModelError
from medaudit.image import ArrayImage
from medaudit.model import Capability, LoadOptions, Request
from medaudit.models import load_model
from medaudit.models.placement import input_device
from medaudit.models.vision_ops import huggingface
from medaudit.whitebox.lora import digest


@pytest.fixture
def folder(llava_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(llava_folder, tmp_path / "model"))


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No network; every attempt to use it is listed."""
    tried: list[str] = []

    def refuse(*arguments: Any, **_: Any) -> Any:
        tried.append(str(arguments))
        raise socket.gaierror("no network in this test")

    for name in ("getaddrinfo", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    return tried


def test_a_device_map_without_accelerate_says_what_to_install(
    llava_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medaudit.models.placement.find_spec", lambda name: None)

    with pytest.raises(ModelError, match="pip install accelerate"):
        load_model(str(llava_folder), LoadOptions(device_map="auto"))


@pytest.mark.parametrize("device_map", ["auto", "balanced", "sequential"])
def test_a_device_map_changes_no_score(
    device_map: str, llava_folder: Path, pictures: list[ArrayImage]
) -> None:
    pytest.importorskip("accelerate")
    plain = load_model(str(llava_folder))
    spread: Any = load_model(str(llava_folder), LoadOptions(device_map=device_map))

    assert scores(spread, pictures) == pytest.approx(scores(plain, pictures), abs=1e-4)
    assert spread.info.fingerprint == plain.info.fingerprint


@pytest.mark.parametrize(
    ("spread", "expected"),
    [
        (None, "cuda:1"),
        ({"a": "cpu", "b": 1, "c": 0}, "cuda:1"),
        ({"a": "disk", "b": "cuda:2"}, "cuda:2"),
        ({"": "cpu"}, "cpu"),
    ],
)
def test_inputs_go_to_the_first_device_that_computes(spread: Any, expected: str) -> None:
    assert input_device(SimpleNamespace(hf_device_map=spread), "cuda:1") == expected


def scores(model: Any, pictures: list[ArrayImage]) -> tuple[float, ...]:
    asked = Request(Capability.CHOOSE, (pictures[0],), "Is there X?", ("yes", "no"))
    (answer,) = model.answer(model.prepare([asked]))
    assert answer.scores
    return tuple(answer.scores)


def weights(model: Any) -> str:
    """Digest: kernels may round by where a tensor lies in memory, so equal models are told by weights."""
    return digest(model.network.state_dict())


@pytest.fixture
def sharded(llava_folder: Path, folder: Path) -> Path:
    network = huggingface().LlavaForConditionalGeneration.from_pretrained(llava_folder)
    (folder / "model.safetensors").unlink()
    network.save_pretrained(folder, max_shard_size="60KB")
    assert len(list(folder.glob("model-*.safetensors"))) > 3
    return folder


def test_shards_are_the_same_model_as_one_file(
    llava_folder: Path, sharded: Path, pictures: list[ArrayImage]
) -> None:
    whole, split = load_model(str(llava_folder)), load_model(str(sharded))

    assert split.info.notes == ()
    assert weights(whole) == weights(split)
    assert scores(whole, pictures) == pytest.approx(scores(split, pictures), abs=1e-4)
    assert split.info.parameters == whole.info.parameters
    assert sum(str(file["path"]).endswith(".safetensors") for file in split.info.files) > 3
    assert split.info.fingerprint != whole.info.fingerprint


def test_every_missing_part_is_named_in_one_message(sharded: Path) -> None:
    shards = sorted(path.name for path in sharded.glob("model-*.safetensors"))
    for name in (shards[0], shards[2], "tokenizer.json", "tokenizer_config.json", "processor_config.json"):
        (sharded / name).unlink()

    with pytest.raises(ModelError) as caught:
        load_model(str(sharded))

    message = str(caught.value)
    assert f"lacks 2 of {len(shards)} weight files: {shards[0]}, {shards[2]}; has no processor" in message
    assert "; has no tokenizer" in message
    assert shards[1] not in message
    assert "config.json;" not in message  # control: what is there is not named


def cached(folder: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lay a folder into a local hub cache as somebody/model."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home))
    snapshot = home / "models--somebody--model" / "snapshots" / ("a" * 40)
    shutil.copytree(folder, snapshot)
    (home / "models--somebody--model" / "refs").mkdir()
    (home / "models--somebody--model" / "refs" / "main").write_text("a" * 40)
    return snapshot


@pytest.mark.parametrize("offline", [True, False])
def test_a_cached_id_loads_without_network(
    offline: bool,
    llava_folder: Path,
    tmp_path: Path,
    attempts: list[str],
    monkeypatch: pytest.MonkeyPatch,
    pictures: list[ArrayImage],
) -> None:
    from huggingface_hub import constants

    cached(llava_folder, tmp_path / "hub", monkeypatch)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)

    model = load_model("somebody/model")

    assert model.info.revision == "a" * 40
    plain = load_model(str(llava_folder))
    assert weights(model) == weights(plain)
    assert scores(model, pictures) == pytest.approx(scores(plain, pictures), abs=1e-4)
    assert bool(attempts) is not offline


def test_a_half_cached_id_says_what_is_missing(
    sharded: Path, tmp_path: Path, attempts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = cached(sharded, tmp_path / "hub", monkeypatch)
    first = sorted(snapshot.glob("model-*.safetensors"))[0]
    first.unlink()
    (snapshot / "processor_config.json").unlink()

    with pytest.raises(ModelError) as caught:
        load_model("somebody/model")

    assert "'somebody/model' lacks 1 of" in str(caught.value)
    assert first.name in str(caught.value)
    assert "has no processor" in str(caught.value)


def test_an_unfinished_download_lists_what_the_cache_holds(
    llava_folder: Path, tmp_path: Path, attempts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = cached(llava_folder, tmp_path / "hub", monkeypatch)
    (snapshot / "model.safetensors").unlink()
    (snapshot.parents[1] / "refs" / "main").unlink()  # written last, so an unfinished download has none

    with pytest.raises(ModelError) as caught:
        load_model("somebody/model")

    message = str(caught.value)
    assert "The local cache holds config, processor, tokenizer; it has no safetensors weights" in message
    assert "hf download somebody/model" in message
