"""What a user can type wrong or hand over broken, and what loading must never do."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from medaudit.errors import MedauditError, ModelError, UsageError
from medaudit.image import ArrayImage
from medaudit.model import Capability, LoadOptions, Request
from medaudit.models import load_model
from medaudit.models.routes import architectures
from medaudit.models.vision_ops import ensure_torchvision


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


def edited(folder: Path, **fields: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_loading_and_asking_a_folder_uses_no_network(
    llava_folder: Path,
    clip_folder: Path,
    adapter_folder: Path,
    pictures: list[ArrayImage],
    attempts: list[str],
) -> None:
    adapted = LoadOptions(adapter=str(adapter_folder))
    for path, options in ((llava_folder, None), (clip_folder, None), (llava_folder, adapted)):
        model = load_model(str(path), options)
        asked = Request(Capability.CHOOSE, (pictures[0],), "Is there X?", ("yes", "no"))
        assert model.answer(model.prepare([asked]))[0].scores

    assert attempts == []


def test_an_unknown_id_without_network_is_one_clear_message(attempts: list[str]) -> None:
    start = time.monotonic()

    with pytest.raises(ModelError) as caught:
        load_model("nobody/no-such-model-4711")

    message = str(caught.value)
    assert "'nobody/no-such-model-4711' is neither a local folder nor a Hugging Face model" in message
    assert "no network" in message
    assert "lacks config, weights, processor and tokenizer" in message
    assert time.monotonic() - start < 20
    assert attempts  # control: an id is the one case that does ask


def without(*names: str) -> Any:
    def remove(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return remove


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def corrupt(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])


def adapter_only(folder: Path) -> None:
    (folder / "config.json").rename(folder / "adapter_config.json")


def pickled_beside_a_stray(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "other.safetensors")
    (folder / "pytorch_model.bin").write_bytes(b"would run")


def pickled_by_name(folder: Path) -> None:
    (folder / "adapter_model.bin").write_bytes(b"would run")
    edited(folder, transformers_weights="adapter_model.bin")


def pickled_adapter_inside(folder: Path) -> None:
    (folder / "adapter_config.json").write_text("{}")
    (folder / "adapter_model.bin").write_bytes(b"would run")


def lost_shard(folder: Path) -> None:
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    (folder / "model.safetensors").unlink()  # a loader takes it first


def damaged_processor(folder: Path) -> None:
    (folder / "processor_config.json").write_text("{")


BROKEN = {
    "no config": (without("config.json"), "no config.json"),
    "no processor": (without("processor_config.json"), "no processor (preprocessor_config.json"),
    "no tokenizer": (without("tokenizer.json", "tokenizer_config.json"), "no tokenizer (tokenizer.json"),
    "no weights": (without("model.safetensors"), "no safetensors weights"),
    "pickled": (pickled, "--allow-pickle"),
    "pickled beside a stray": (pickled_beside_a_stray, "only pickled weights (pytorch_model.bin)"),
    "pickled by name": (pickled_by_name, "only pickled weights (adapter_model.bin)"),
    "pickled adapter inside": (pickled_adapter_inside, "only pickled weights (adapter_model.bin)"),
    "stray only": (
        lambda folder: (folder / "model.safetensors").rename(folder / "other.safetensors"),
        "no safetensors weights (model.safetensors)",
    ),
    "corrupt": (corrupt, "its weights do not load"),
    "adapter": (adapter_only, "--adapter"),
    "lost shard": (lost_shard, "lacks 1 of 1 weight files: model-00001-of-00002.safetensors"),
    "damaged processor": (damaged_processor, "its processor does not load"),
    "not JSON": (lambda folder: (folder / "config.json").write_text("{"), "config.json is not JSON"),
    "no type": (lambda folder: (folder / "config.json").write_text("{}"), "names no model_type"),
    "foreign code": (
        lambda folder: edited(folder, model_type="strange", auto_map={"AutoConfig": "x.Y"}),
        "--trust-remote-code",
    ),
    "future type": (lambda folder: edited(folder, model_type="llava_9000"), "pip install -U transformers"),
    "text model": (
        lambda folder: edited(folder, model_type="llama"),
        "does not answer questions about images",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_folder_is_named_with_what_is_missing(case: str, folder: Path, attempts: list[str]) -> None:
    damage, expected = BROKEN[case]
    damage(folder)

    with pytest.raises(ModelError) as caught:
        load_model(str(folder))

    assert expected in str(caught.value)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert attempts == []


def test_pickled_weights_load_when_allowed(llava_folder: Path, folder: Path) -> None:
    import torch
    from safetensors.torch import load_file

    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()

    pickled_model = load_model(str(folder), LoadOptions(allow_pickle=True))

    assert pickled_model.info.parameters == load_model(str(llava_folder)).info.parameters


def test_missing_tensors_are_noted_and_complete_ones_are_not(llava_folder: Path, folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    lost = next(name for name in tensors if "multi_modal_projector" in name)
    del tensors[lost]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})

    notes = load_model(str(folder)).info.notes

    assert notes[0].startswith("WEIGHTS NOT LOADED: 1 tensors")
    assert load_model(str(llava_folder)).info.notes == ()


@pytest.mark.parametrize(
    ("options", "error", "expected"),
    [
        (LoadOptions(device="tpu"), UsageError, "Unknown device 'tpu'"),
        (LoadOptions(dtype="float8"), UsageError, "Unknown dtype 'float8'"),
        (LoadOptions(quantize="2bit"), UsageError, "Unknown quantize '2bit'"),
        (LoadOptions(device="cuda:99"), ModelError, "--device cpu"),
        (LoadOptions(device_map="everywhere"), UsageError, "Unknown device-map 'everywhere'"),
        (LoadOptions(device_map="auto", device="cpu"), UsageError, "Leave --device out"),
        (LoadOptions(revision="main"), ModelError, "no revisions"),
        (LoadOptions(adapter="no-such-adapter"), ModelError, "no adapter_config.json"),
    ],
)
def test_options_that_cannot_be_met(
    options: LoadOptions, error: type[MedauditError], expected: str, llava_folder: Path
) -> None:
    with pytest.raises(error) as caught:
        load_model(str(llava_folder), options)

    assert expected in str(caught.value)


def test_quantising_without_bitsandbytes_says_what_to_install(
    llava_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medaudit.models.placement.find_spec", lambda name: None)

    with pytest.raises(ModelError, match="pip install bitsandbytes"):
        load_model(str(llava_folder), LoadOptions(quantize="4bit"))


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("./no/such/folder", "no such folder"),
        ("weird:thing", "no such folder, and not a model id"),
        ("endpoint:ftp://x#m", "endpoint:http://host:port/v1#model-name"),
        ("endpoint:http://localhost:1/v1", "endpoint:http://host:port/v1#model-name"),
        (3, "int was given"),
    ],
)
def test_a_model_string_that_means_nothing(spec: Any, expected: str) -> None:
    with pytest.raises(ModelError) as caught:
        load_model(spec)

    assert expected in str(caught.value)


def test_a_file_is_not_a_model(llava_folder: Path) -> None:
    with pytest.raises(ModelError, match="is a file"):
        load_model(llava_folder / "config.json")


def test_a_model_object_is_returned_as_it_is(llava_folder: Path) -> None:
    model = load_model(llava_folder)

    assert load_model(model) is model


def test_an_adapter_changes_answers_and_a_pickled_one_is_refused(
    llava_folder: Path, adapter_folder: Path, pictures: list[ArrayImage], tmp_path: Path
) -> None:
    asked = Request(Capability.CHOOSE, (pictures[0],), "Q?", ("yes", "no"))
    bare = load_model(str(llava_folder))
    adapted = load_model(str(llava_folder), LoadOptions(adapter=str(adapter_folder)))
    broken = Path(shutil.copytree(adapter_folder, tmp_path / "adapter"))
    (broken / "adapter_model.safetensors").rename(broken / "other.safetensors")
    (broken / "adapter_model.bin").write_bytes(b"would run")

    (one,), (other,) = (model.answer(model.prepare([asked])) for model in (bare, adapted))

    assert one.scores is not None
    assert other.scores is not None
    assert abs(one.scores[0] - other.scores[0]) > 1e-3
    assert adapted.info.notes == () or "WEIGHTS" not in adapted.info.notes[0]
    with pytest.raises(ModelError, match="--allow-pickle"):
        load_model(str(llava_folder), LoadOptions(adapter=str(broken)))


def test_an_adapter_for_another_model_is_refused(
    qwen_folder: Path, adapter_folder: Path, tmp_path: Path
) -> None:
    foreign = Path(shutil.copytree(adapter_folder, tmp_path / "foreign"))
    config = json.loads((foreign / "adapter_config.json").read_text())
    (foreign / "adapter_config.json").write_text(json.dumps(config | {"target_modules": ["no_such_layer"]}))

    with pytest.raises(ModelError, match="does not fit this base model"):
        load_model(str(qwen_folder), LoadOptions(adapter=str(foreign)))


def test_loading_leaves_the_libraries_settings_as_they_were(llava_folder: Path) -> None:
    from huggingface_hub import constants

    from medaudit.models.vision_ops import huggingface

    logging = huggingface().utils.logging
    before = constants.HF_HUB_OFFLINE, logging.get_verbosity(), logging.is_progress_bar_enabled()

    load_model(str(llava_folder))

    assert before == (constants.HF_HUB_OFFLINE, logging.get_verbosity(), logging.is_progress_bar_enabled())


def test_loading_prints_nothing(llava_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    load_model(str(llava_folder))

    assert capfd.readouterr() == ("", "")


def test_torchvision_imports_and_asking_twice_changes_nothing() -> None:
    first = ensure_torchvision()
    import torchvision

    assert ensure_torchvision() == first
    assert first in {"compiled", "schemas only"}
    assert torchvision.transforms


def test_operators_are_defined_only_where_the_library_does_not_load() -> None:
    code = (
        "from medaudit.models import vision_ops as v; v._library_loads = lambda package: True; "
        "print(v.ensure_torchvision(), len(v._defined)); v._library_loads = lambda package: False; "
        "print(v.ensure_torchvision(), v.ensure_torchvision(), len(v._defined))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.split("\n")[:2] == ["compiled 0", "schemas only schemas only 1"]


def test_the_package_of_models_is_light_to_import() -> None:
    code = "import sys, medaudit.models; print({'torch', 'transformers', 'numpy', 'PIL'} & set(sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "set()"


def test_routes_hold_the_types_that_transformers_names() -> None:
    table = architectures()

    assert table["generative"]["llava"] == "LlavaForConditionalGeneration"
    assert table["contrastive"]["clip"] == "CLIPModel"
    assert "llama" not in table["generative"]
