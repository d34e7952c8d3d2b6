"""A fingerprint changes with whatever could change an answer, and with nothing else."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from medaudit.model import LoadOptions
from medaudit.models import class_prompts, load_model, prompts
from medaudit.models.fingerprint import checkpoint_files


def copied(folder: Path, target: Path) -> Path:
    return Path(shutil.copytree(folder, target))


def one_weight_bit(folder: Path) -> None:
    path = folder / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))


def template(folder: Path) -> None:
    path = folder / "chat_template.jinja"
    path.write_text(path.read_text() + " ")


def image_size(folder: Path) -> None:
    path = folder / "processor_config.json"
    path.write_text(path.read_text().replace("0.48145466", "0.5"))


@pytest.mark.parametrize("change", [one_weight_bit, template, image_size])
def test_any_file_that_decides_an_answer_changes_it(
    change: Callable[[Path], None], llava_folder: Path, tmp_path: Path
) -> None:
    folder = copied(llava_folder, tmp_path / "changed")
    before = checkpoint_files(folder)

    change(folder)

    assert checkpoint_files(folder) != before
    assert load_model(str(folder)).info.fingerprint != load_model(str(llava_folder)).info.fingerprint


def test_moving_the_folder_and_leftovers_of_training_do_not_change_it(
    llava_folder: Path, tmp_path: Path
) -> None:
    folder = copied(llava_folder, tmp_path / "moved")
    (folder / "trainer_state.json").write_text("{}")
    (folder / "README.md").write_text("about")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "notes.json").write_text("{}")

    assert load_model(str(folder)).info.fingerprint == load_model(str(llava_folder)).info.fingerprint


def test_precision_changes_it(llava_folder: Path) -> None:
    single, half = (
        load_model(str(llava_folder), LoadOptions(device="cpu", dtype=dtype)).info
        for dtype in ("float32", "bfloat16")
    )

    assert single.fingerprint != half.fingerprint
    assert half.dtype == "bfloat16"


def test_files_are_listed_with_their_digests(llava_folder: Path) -> None:
    info = load_model(str(llava_folder)).info
    listed = {str(file["path"]): file for file in info.files}
    weights = (llava_folder / "model.safetensors").read_bytes()

    assert listed["model.safetensors"]["sha256"] == hashlib.sha256(weights).hexdigest()
    assert listed["model.safetensors"]["size"] == len(weights)
    assert not any(path.startswith("/") for path in listed)


def test_an_adapter_changes_it_and_is_listed(llava_folder: Path, adapter_folder: Path) -> None:
    bare = load_model(str(llava_folder)).info
    adapted = load_model(str(llava_folder), LoadOptions(adapter=str(adapter_folder))).info

    assert adapted.fingerprint != bare.fingerprint
    assert "adapter/adapter_model.safetensors" in {file["path"] for file in adapted.files}


def test_pickled_weights_count_where_they_are_loaded_and_only_there(
    llava_folder: Path, tmp_path: Path
) -> None:
    import torch
    from safetensors.torch import load_file

    folder = copied(llava_folder, tmp_path / "pickled")
    beside = copied(llava_folder, tmp_path / "beside")
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").rename(folder / "other.safetensors")
    (beside / "pytorch_model.bin").write_bytes(b"never opened")

    pickled = load_model(str(folder), LoadOptions(allow_pickle=True)).info
    digest = hashlib.sha256((folder / "pytorch_model.bin").read_bytes()).hexdigest()

    assert {file["path"]: file["sha256"] for file in pickled.files}["pytorch_model.bin"] == digest
    assert load_model(str(beside)).info.fingerprint == load_model(str(llava_folder)).info.fingerprint


def test_a_pickled_adapter_is_listed_beside_any_stray_file(adapter_folder: Path, tmp_path: Path) -> None:
    folder = copied(adapter_folder, tmp_path / "adapter")
    (folder / "adapter_model.safetensors").rename(folder / "other.safetensors")
    (folder / "adapter_model.bin").write_bytes(b"weights")

    assert "adapter/adapter_model.bin" in {file["path"] for file in checkpoint_files(folder, "adapter/")}


def test_other_class_prompts_change_contrastive_models_alone(
    clip_folder: Path, llava_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip, llava = (load_model(str(folder)).info.fingerprint for folder in (clip_folder, llava_folder))

    monkeypatch.setattr(class_prompts, "ABSENT", ("without any {finding}",))

    assert load_model(str(clip_folder)).info.fingerprint != clip
    assert load_model(str(llava_folder)).info.fingerprint == llava


def test_another_rule_for_option_tokens_changes_generative_models_alone(
    clip_folder: Path, llava_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip, llava = (load_model(str(folder)).info.fingerprint for folder in (clip_folder, llava_folder))

    # Without the gap an option is glued to the prompt.
    monkeypatch.setattr(
        prompts, "option_ids", lambda tokens, text, option, last: prompts.plain_ids(tokens, option)
    )

    assert load_model(str(llava_folder)).info.fingerprint != llava
    assert load_model(str(clip_folder)).info.fingerprint == clip
