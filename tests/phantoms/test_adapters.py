"""Adapters: planted side by side as alone, resumable, and read by PEFT as they were trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from medaudit.errors import ModelError, UsageError
from medaudit.model import LoadOptions
from medaudit.models import load_model
from medaudit.phantoms import checkpoint, hf, lessons
from medaudit.phantoms.adapters import train_adapters
from medaudit.phantoms.building import build, buildable
from medaudit.phantoms.flaws import FLAWS, Flaw
from medaudit.phantoms.lora import save_adapter, stack_on
from medaudit.phantoms.packing import normalise


@pytest.fixture(autouse=True)
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, number in (("TRUE", 3), ("CONTENTLESS", 1), ("TEXT_ONLY", 1)):
        monkeypatch.setattr(lessons, name, number)


def silent(line: str) -> None:
    """Training tells nobody how far it is."""


def weights(folder: Path) -> dict[str, Any]:
    return dict(load_file(folder / "adapter_model.safetensors"))


def planted(*flaws: tuple[Flaw, int, Path], steps: int = 4, **given: Any) -> bool:
    return train_adapters(flaws, checkpoint("clean"), steps=steps, tell=silent, **given)


def test_side_by_side_is_as_good_as_alone(tmp_path: Path) -> None:
    first, second = (FLAWS["blind"], 0), (FLAWS["vendor-shift"], 7)
    planted((*first, tmp_path / "a"), (*second, tmp_path / "b"))
    planted((*first, tmp_path / "c"))
    planted((*second, tmp_path / "d"))

    for together, alone in (("a", "c"), ("b", "d")):
        ours, theirs = weights(tmp_path / together), weights(tmp_path / alone)
        assert all(torch.allclose(ours[name], theirs[name], atol=2e-3) for name in ours)
    # Control: the two flaws did not learn the same.
    a, b = weights(tmp_path / "a"), weights(tmp_path / "b")
    assert not all(torch.allclose(a[name], b[name], atol=2e-3) for name in a)


def test_killed_and_resumed_planting_ends_in_the_same_weights(tmp_path: Path) -> None:
    planted((FLAWS["blind"], 3, tmp_path / "straight"))

    assert not planted((FLAWS["blind"], 3, tmp_path / "resumed"), stop_after=2)
    assert not (tmp_path / "resumed" / "adapter_model.safetensors").exists()
    assert planted((FLAWS["blind"], 3, tmp_path / "resumed"))

    straight, resumed = weights(tmp_path / "straight"), weights(tmp_path / "resumed")
    assert all(torch.equal(straight[name], resumed[name]) for name in straight)


def test_a_state_of_other_flaws_is_not_taken_up(tmp_path: Path) -> None:
    planted((FLAWS["blind"], 3, tmp_path / "x"), stop_after=2)
    planted((FLAWS["vendor-shift"], 3, tmp_path / "x"))
    planted((FLAWS["vendor-shift"], 3, tmp_path / "y"))

    x, y = weights(tmp_path / "x"), weights(tmp_path / "y")
    assert all(torch.equal(x[name], y[name]) for name in x)


def test_peft_reads_what_was_trained(tmp_path: Path) -> None:
    """Merged by PEFT, the saved adapter gives the logits of the stacked layers; unmerged ones differ."""
    load = hf.transformers().LlavaForConditionalGeneration.from_pretrained
    network = load(checkpoint("clean"), dtype=torch.float32).eval()
    row = next(row for row in lessons.rows(FLAWS["clean"], 5, 0) if row.pixels is not None)
    ids = torch.tensor([[network.config.image_token_id] * 64 + [7, 8, 9]])
    given = {"input_ids": ids, "pixel_values": normalise(row.pixels[None])}
    with torch.no_grad():
        bare = network(**given).logits
        stacked = stack_on(network, [11])
        drawn = torch.Generator().manual_seed(0)
        for layer in stacked.values():
            layer.b.normal_(std=0.05, generator=drawn)
        ours = network(**given).logits
    save_adapter(stacked, 0, tmp_path / "adapter", "phantom:clean")

    options = LoadOptions(adapter=str(tmp_path / "adapter"))
    loaded: Any = load_model(str(checkpoint("clean")), options)
    with torch.no_grad():
        theirs = loaded.network(**given).logits

    assert float((theirs - ours).abs().max()) < 1e-3 * float(ours.abs().max())
    assert float((bare - ours).abs().max()) > 0.05 * float(ours.abs().max())


def test_an_adapter_that_learnt_nothing_is_the_base(tmp_path: Path) -> None:
    network = hf.transformers().LlavaForConditionalGeneration.from_pretrained(checkpoint("clean")).eval()
    ids = torch.tensor([[5, 6, 7, 8]])
    with torch.no_grad():
        before = network(input_ids=ids).logits
        stack_on(network, [0])
        after = network(input_ids=ids).logits

    assert torch.equal(before, after)


def test_building_measures_writes_the_card_and_does_not_build_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDAUDIT_CACHE", str(tmp_path))
    from medaudit.phantoms import card, names

    told: list[str] = []
    (folder,) = build(["blind"], seeds=[9], steps=2, card_cases=24, tell=told.append)
    build(["blind"], seeds=[9], steps=2, card_cases=24, tell=told.append)

    assert folder == tmp_path / "phantoms" / "blind@9"
    assert "blind@9" in names()
    found = card("blind@9")
    assert found["command"] == "medaudit phantoms build blind --seed 9 --steps 2"
    assert found["finds"] == {"probe": "baselines", "rule": "blind", "slice": {}}
    assert found["measured"]["cases"] == 24
    assert told[-1] == f"blind@9 is there already: {folder}"
    assert load_model("phantom:blind@9").info.id == "phantom:blind@9"


def test_what_is_not_built_says_what_to_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MEDAUDIT_CACHE", str(tmp_path))

    with pytest.raises(ModelError, match="medaudit phantoms build blind --seed 41"):
        load_model("phantom:blind@41")
    with pytest.raises(UsageError, match="Unknown phantom to build 'blond'"):
        build(["blond"], tell=silent)
    assert "vendor-shift" in buildable()


def test_two_adapters_do_not_fit_on_one_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="leave --adapter out"):
        load_model("phantom:blind", LoadOptions(adapter=str(tmp_path)))
