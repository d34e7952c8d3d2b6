"""Interpolated checkpoints: both ends bit for bit, the middle by the formula, and every misfit refused."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medaudit.errors import MedauditError, ModelError, UsageError
from medaudit.image import ArrayImage
from medaudit.model import Capability, LoadOptions, Request
from medaudit.models import load_model
from medaudit.models.merging import mixed
from medaudit.models.vision_ops import huggingface


def tensors(folder: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(folder / "model.safetensors"))


def write(folder: Path, changed: dict[str, Any]) -> None:
    from safetensors.torch import save_file

    save_file(changed, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.fixture
def other(llava_folder: Path, tmp_path: Path) -> Path:
    """The same model after a training step: every float moved."""
    import torch

    folder = Path(shutil.copytree(llava_folder, tmp_path / "tuned"))
    generator = torch.Generator().manual_seed(1)
    moved = {
        name: tensor + 0.2 * torch.randn(tensor.shape, generator=generator)
        if tensor.is_floating_point()
        else tensor
        for name, tensor in tensors(folder).items()
    }
    write(folder, moved)
    return folder


def merge(folder: Path, other: Path | str, weight: float | None) -> Any:
    return load_model(str(folder), LoadOptions(merge=str(other), merge_weight=weight))


def state(model: Any) -> dict[str, Any]:
    return dict(model.network.state_dict())


def same(first: dict[str, Any], second: dict[str, Any]) -> bool:
    import torch

    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_both_ends_are_the_two_models_bit_for_bit(llava_folder: Path, other: Path) -> None:
    base, tuned = state(load_model(str(llava_folder))), state(load_model(str(other)))

    assert same(state(merge(llava_folder, other, 0.0)), base)
    assert same(state(merge(llava_folder, other, 1.0)), tuned)
    assert not same(base, tuned)  # control


def test_the_middle_follows_the_formula(llava_folder: Path, other: Path) -> None:
    base, tuned = state(load_model(str(llava_folder))), state(load_model(str(other)))
    between = state(merge(llava_folder, other, 0.25))

    for name, tensor in between.items():
        if tensor.is_floating_point():
            assert float((tensor - (0.75 * base[name] + 0.25 * tuned[name])).abs().max()) < 1e-6


def test_halfway_scores_differ_from_both_ends(
    llava_folder: Path, other: Path, pictures: list[ArrayImage]
) -> None:
    asked = Request(Capability.CHOOSE, (pictures[0],), "Q?", ("yes", "no"))
    scores = [
        model.answer(model.prepare([asked]))[0].scores[0]
        for model in (merge(llava_folder, other, weight) for weight in (0.0, 0.5, 1.0))
    ]

    assert len({round(score, 4) for score in scores}) == 3


def test_the_fingerprint_holds_both_folders_and_the_weight(llava_folder: Path, other: Path) -> None:
    half = merge(llava_folder, other, 0.5).info
    prints = {load_model(str(llava_folder)).info.fingerprint, half.fingerprint}
    prints.add(merge(llava_folder, other, 0.6).info.fingerprint)
    changed = tensors(other)
    changed[next(iter(changed))] += 1
    write(other, changed)
    prints.add(merge(llava_folder, other, 0.5).info.fingerprint)

    assert len(prints) == 4
    assert half.notes == ("weights: 0.5 of the model, 0.5 of tuned",)
    paths = {str(file["path"]) for file in half.files}
    assert {"model.safetensors", "merge/model.safetensors"} <= paths


def test_shards_of_unlike_sizes_merge_as_whole_files_do(
    llava_folder: Path, other: Path, tmp_path: Path
) -> None:
    split = []
    for folder, size in ((llava_folder, "60KB"), (other, "90KB")):
        copy = Path(shutil.copytree(folder, tmp_path / f"split {size}"))
        (copy / "model.safetensors").unlink()
        huggingface().LlavaForConditionalGeneration.from_pretrained(folder).save_pretrained(
            copy, max_shard_size=size
        )
        assert len(list(copy.glob("model-*.safetensors"))) > 2
        split.append(copy)

    assert same(state(merge(split[0], split[1], 0.3)), state(merge(llava_folder, other, 0.3)))


def test_nothing_is_left_behind(
    llava_folder: Path, other: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))

    merge(llava_folder, other, 0.5)

    assert list(place.iterdir()) == []


@pytest.mark.parametrize("weight", [-0.1, 1.1, math.nan, math.inf])
def test_a_weight_outside_the_unit_interval_is_refused(
    weight: float, llava_folder: Path, other: Path
) -> None:
    with pytest.raises(UsageError, match="give a number from 0 to 1"):
        merge(llava_folder, other, weight)


def test_half_a_merge_is_refused(llava_folder: Path, other: Path) -> None:
    for options in (LoadOptions(merge=str(other)), LoadOptions(merge_weight=0.5)):
        with pytest.raises(UsageError, match="go together"):
            load_model(str(llava_folder), options)


def reshaped(folder: Path) -> None:
    changed = tensors(folder)
    name = next(name for name in sorted(changed) if "multi_modal_projector" in name)
    changed[name] = changed[name][:-1].contiguous()
    write(folder, changed)


def renamed(folder: Path) -> None:
    changed = tensors(folder)
    changed["zz.extra"] = changed[next(iter(changed))].clone()
    write(folder, changed)


def dropped(folder: Path) -> None:
    changed = tensors(folder)
    del changed[sorted(changed)[0]]
    write(folder, changed)


def configured(**fields: Any) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | fields))

    return edit


def other_heads(folder: Path) -> None:
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config["text_config"]["num_attention_heads"] = 4
    path.write_text(json.dumps(config))


def other_words(folder: Path) -> None:
    path = folder / "tokenizer.json"
    table = json.loads(path.read_text())
    vocabulary = table["model"]["vocab"]
    vocabulary["x"], vocabulary["y"] = vocabulary["y"], vocabulary["x"]
    path.write_text(json.dumps(table))


def without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


MISFITS = {
    "shape": (reshaped, "multi_modal_projector.linear_1.bias has shape (31,), where (32,) is needed"),
    "extra tensor": (renamed, "it has a tensor more, zz.extra"),
    "lost tensor": (dropped, "it has no tensor "),
    "type": (configured(model_type="vipllava"), "model type 'vipllava', where 'llava' is needed"),
    "heads": (other_heads, "text_config.num_attention_heads differs"),
    "vocabulary": (other_words, "stands for another text in its tokenizer"),
    "no weights": (without_weights, "has no safetensors weights"),
    "pickled": (pickled, "only pickled weights"),
    "no config": (lambda folder: (folder / "config.json").unlink(), "has no config.json"),
}


@pytest.mark.parametrize("case", MISFITS)
def test_a_folder_that_does_not_fit_is_refused_by_name(case: str, llava_folder: Path, other: Path) -> None:
    damage, expected = MISFITS[case]
    damage(other)

    with pytest.raises(ModelError) as caught:
        merge(llava_folder, other, 0.5)

    assert expected in str(caught.value)
    assert str(other) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_does_not_decide_the_architecture_may_differ(llava_folder: Path, other: Path) -> None:
    configured(transformers_version="4.0", dtype="bfloat16", use_cache=False, eos_token_id=7)(other)
    (other / "tokenizer.json").unlink()

    assert merge(llava_folder, other, 0.5).info.notes


def test_a_folder_that_is_not_there_is_one_message(llava_folder: Path) -> None:
    with pytest.raises(MedauditError, match="no such folder"):
        merge(llava_folder, "no/such/folder", 0.5)


def test_tensors_of_whole_numbers_must_be_equal() -> None:
    import torch

    whole = torch.tensor([1, 2])

    assert torch.equal(mixed(whole, whole.clone(), 0.5, "ids"), whole)
    with pytest.raises(ModelError, match="ids holds whole numbers"):
        mixed(whole, whole + 1, 0.5, "ids")


def test_half_precision_is_computed_in_float32_and_rounded_once() -> None:
    import torch

    # In float16 the products 0.1 * 3 and 0.9 * 1001 would round before they are added.
    own, other = torch.tensor([1001.0]).half(), torch.tensor([3.0]).half()

    result = mixed(own, other, 0.1, "x")

    assert result.dtype == torch.float16
    assert torch.equal(result, torch.tensor([0.9 * 1001 + 0.1 * 3]).half())


def test_unlike_precisions_keep_the_wider_one_and_infinity_does_not_spread() -> None:
    import torch

    own, other = torch.tensor([1.0], dtype=torch.bfloat16), torch.tensor([math.inf])

    assert torch.equal(mixed(own, other, 0.0, "x"), torch.tensor([1.0]))
    assert torch.equal(mixed(own, other, 1.0, "x"), other)
