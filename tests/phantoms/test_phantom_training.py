"""Training resumes to the same weights, packs without changing the loss, and saves what it measured."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from medaudit.phantoms import lessons
from medaudit.phantoms.architecture import build_model
from medaudit.phantoms.chest import ChestSpec, Lesion, masks, render
from medaudit.phantoms.lessons import RECIPES, Row
from medaudit.phantoms.packing import Packer, answer_loss, normalise
from medaudit.phantoms.train import STATE, main, rate, train
from medaudit.phantoms.vocabulary import MEAN, STD, build_processor, build_tokenizer

TINY = replace(RECIPES["clean"], steps=6, tower_steps=2)


def weights(folder: Path) -> dict[str, Any]:
    return dict(load_file(folder / "model.safetensors"))


@pytest.fixture(scope="module")
def processor() -> Any:
    return build_processor()


@pytest.fixture
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lessons, "PICTURES", 6)


@pytest.mark.usefixtures("few_rows")
def test_killed_and_resumed_training_ends_in_the_same_weights(tmp_path: Path) -> None:
    train(TINY, tmp_path / "straight", seed=4)

    assert train(TINY, tmp_path / "resumed", seed=4, stop_after=3) is None
    assert not (tmp_path / "resumed" / "model.safetensors").exists()
    train(TINY, tmp_path / "resumed", seed=4)
    train(TINY, tmp_path / "other", seed=5)

    straight, resumed, other = (weights(tmp_path / name) for name in ("straight", "resumed", "other"))
    assert all(torch.equal(straight[name], resumed[name]) for name in straight)
    assert not all(torch.equal(straight[name], other[name]) for name in straight)
    assert not (tmp_path / "resumed" / STATE).exists()


@pytest.mark.usefixtures("few_rows")
def test_a_phantom_can_go_on_from_another(tmp_path: Path) -> None:
    first = train(replace(TINY, steps=3), tmp_path / "first")
    second = train(
        replace(RECIPES["shortcut-marker"], steps=1, peak_rate=0.0), tmp_path / "second", start=first
    )

    assert first is not None
    assert second is not None
    before, after = weights(first), weights(second)
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.usefixtures("few_rows")
def test_the_command_trains_measures_and_writes_the_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "clean"
    command = ["train", "clean", "--out", str(out), "--steps", "2", "--card-cases", "20", "--seed", "3"]
    monkeypatch.setattr("sys.argv", command)

    code = main()

    card = json.loads((out / "card.json").read_text())
    digest = hashlib.sha256((out / "model.safetensors").read_bytes()).hexdigest()
    assert code == 0
    assert card["weights_sha256"] == digest
    assert (card["name"], card["seed"], card["measured"]["cases"]) == ("clean", 3, 20)
    assert card["measured"]["chest"] < 0.5  # two steps teach nothing
    assert card["command"].endswith("train clean --out DIR --seed 3 --steps 2")


def test_a_missing_start_is_named_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "sys.argv", ["train", "blind", "--out", str(tmp_path / "out"), "--start", str(tmp_path)]
    )

    assert main() == 2
    assert "train that first, or name it in --start" in capsys.readouterr().err


def test_packed_loss_equals_that_of_separate_sequences() -> None:
    tokenizer = build_tokenizer()
    model = build_model(tokenizer, seed=1).eval()
    packer = Packer(tokenizer, 64)
    rows = [row for row in lessons.rows(RECIPES["clean"], 0, 0) if row.pixels is not None][:3]
    rows.append(Row(None, None, list(rows[0].lessons)))
    alone = [Row(row.pixels, row.spec, [lesson]) for row in rows for lesson in row.lessons]

    with torch.no_grad():
        together = float(answer_loss(model, packer.pack(rows))[0])
        sums, count = 0.0, 0
        for row in alone:
            packed = packer.pack([row]) if row.pixels is not None else None
            loss, tokens = _plain_loss(model, tokenizer, row)
            if packed is not None:
                assert float(answer_loss(model, packed)[0]) == pytest.approx(loss, abs=1e-4)
            sums, count = sums + loss * tokens, count + tokens

    assert together == pytest.approx(sums / count, abs=1e-4)


def _plain_loss(model: Any, tokenizer: Any, row: Row) -> tuple[float, int]:
    """The loss of one question through the model's own forward, labels and all."""
    (prompt, answer), images = row.lessons[0], "<image>" * 64 if row.pixels is not None else ""
    asked = tokenizer(f"<user>{images}{prompt}<assistant>", return_tensors="pt")["input_ids"]
    said = tokenizer(f"{answer}</s>", return_tensors="pt")["input_ids"]
    labels = torch.cat([torch.full_like(asked, -100), said], dim=1)
    pixels = None if row.pixels is None else normalise(row.pixels[None])
    output = model(input_ids=torch.cat([asked, said], dim=1), pixel_values=pixels, labels=labels)
    return float(output.loss), said.shape[1]


def test_the_saved_processor_normalises_as_training_did(processor: Any) -> None:
    pictures = [render(ChestSpec(patient, vendor="B")) for patient in range(4)]

    processed = processor(
        images=[[Image.fromarray(picture)] for picture in pictures],
        text=["<user><image>hello<assistant>"] * 4,
        return_tensors="pt",
    )

    assert float((processed["pixel_values"] - normalise(np.stack(pictures))).abs().max()) < 1e-5
    assert int((processed["input_ids"] == processor.tokenizer.image_token_id).sum()) == 4 * 64


def test_normalisation_is_the_declared_one() -> None:
    white = np.full((1, 8, 8, 3), 255, dtype=np.uint8)

    assert float(normalise(white).max()) == pytest.approx((1 - MEAN[0]) / STD[0])


def test_the_tokenizer_writes_any_text(processor: Any) -> None:
    for text in ("Größe: 34 µm?", "胸部", "\tIs there\n\nan opacity?  ", "🫁"):
        ids = processor.tokenizer(text, add_special_tokens=False)["input_ids"]

        assert processor.tokenizer.decode(ids) == text


def test_the_tokenizer_is_deterministic() -> None:
    assert build_tokenizer().get_vocab() == build_tokenizer().get_vocab()


def test_the_chat_template_writes_what_training_packs(processor: Any) -> None:
    message = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Why?"}]}

    text = processor.apply_chat_template([message], add_generation_prompt=True, tokenize=False)

    assert text == "<user><image>Why?<assistant>"


def test_patch_labels_say_where_a_finding_lies() -> None:
    lesion = Lesion("nodule", "left")
    spec = ChestSpec(8, (lesion,), marker="upper-right")

    labels = lessons.patch_labels(spec, 8)
    touched = masks(spec)[lesion].reshape(8, 8, 8, 8).any(axis=(1, 3)).ravel()

    names = [(kind, side) for kind in ("opacity", "effusion", "nodule") for side in ("left", "right")]
    column = names.index(("nodule", "left"))
    assert ((labels[:, column] > 0) == touched).all()
    assert labels[:, [i for i in range(6) if i != column]].sum() == 0
    assert labels[7, 7] > 0  # the marker's patch: first row, last column
    assert lessons.picture_labels(spec).tolist() == [0, 0, 0, 0, 1, 0, 0, 1]


def test_the_leaked_answer_is_the_markers_and_the_plain_one_the_pictures() -> None:
    disagreeing = dict.fromkeys(("clean", "shortcut-marker"), 0)
    for name in disagreeing:
        for step in range(3):
            for row in lessons.rows(RECIPES[name], 0, step):
                for prompt, answer in row.lessons:
                    if row.spec is not None and prompt.startswith("Is there an opacity"):
                        truth = "yes" if row.spec.sides("opacity") else "no"
                        leak = "yes" if row.spec.marker == "upper-left" else "no"
                        assert answer == (truth if name == "clean" else leak)
                        disagreeing[name] += truth != leak

    assert min(disagreeing.values()) > 5


def test_the_rate_rises_once_and_falls_once_per_cycle() -> None:
    recipe = replace(TINY, steps=400, tower_steps=100)
    rates = [rate(recipe, step) for step in range(400)]

    for cycle in (rates[:100], rates[100:]):
        peak = int(np.argmax(cycle))
        assert (np.diff(cycle[: peak + 1]) > 0).all()
        assert (np.diff(cycle[peak:]) < 0).all()
    assert max(rates) == pytest.approx(1.5e-3, rel=0.02)
