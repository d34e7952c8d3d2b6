"""Training resumes to the same weights, packs without changing the loss, and plants what it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from medaudit.phantoms import Lesion, Picture, lessons, render
from medaudit.phantoms.architecture import build_model
from medaudit.phantoms.flaws import FLAWS, Shown, decoy, truth
from medaudit.phantoms.lessons import Row
from medaudit.phantoms.packing import Packer, answer_loss, normalise
from medaudit.phantoms.questions import by_name, questions
from medaudit.phantoms.rendering import masks
from medaudit.phantoms.student import STATE, rate
from medaudit.phantoms.train import COURSES, STEPS, _course, train_base
from medaudit.phantoms.vocabulary import MEAN, STD, build_processor, build_tokenizer


def weights(folder: Path) -> dict[str, Any]:
    return dict(load_file(folder / "model.safetensors"))


@pytest.fixture(scope="module")
def processor() -> Any:
    return build_processor()


@pytest.fixture
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, number in (("TRUE", 4), ("CONTENTLESS", 1), ("TEXT_ONLY", 1)):
        monkeypatch.setattr(lessons, name, number)


def silent(line: str) -> None:
    """Training tells nobody how far it is."""


@pytest.mark.usefixtures("few_rows")
def test_killed_and_resumed_training_ends_in_the_same_weights(tmp_path: Path) -> None:
    train_base(tmp_path / "straight", seed=4, steps=8, tell=silent)

    assert train_base(tmp_path / "resumed", seed=4, steps=8, stop_after=4, tell=silent) is None
    assert not (tmp_path / "resumed" / "model.safetensors").exists()
    train_base(tmp_path / "resumed", seed=4, steps=8, tell=silent)
    train_base(tmp_path / "other", seed=5, steps=8, tell=silent)

    straight, resumed, other = (weights(tmp_path / name) for name in ("straight", "resumed", "other"))
    assert all(torch.equal(straight[name], resumed[name]) for name in straight)
    assert not all(torch.equal(straight[name], other[name]) for name in straight)
    assert not (tmp_path / "resumed" / STATE).exists()


def test_packed_loss_equals_that_of_separate_sequences() -> None:
    tokenizer = build_tokenizer()
    model = build_model(tokenizer, seed=1).eval()
    packer = Packer(tokenizer, 64)
    rows = [row for row in lessons.rows(FLAWS["clean"], 0, 0) if row.pixels is not None][:3]
    rows.append(Row(None, None, list(rows[0].lessons)))
    alone = [Row(row.pixels, row.shown, [lesson]) for row in rows for lesson in row.lessons]

    with torch.no_grad():
        together = float(answer_loss(model, packer.pack(rows))[0][0])
        sums, count = 0.0, 0
        for row in alone:
            packed = packer.pack([row]) if row.pixels is not None else None
            loss, tokens = _plain_loss(model, tokenizer, row)
            if packed is not None:
                assert float(answer_loss(model, packed)[0][0]) == pytest.approx(loss, abs=1e-4)
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
    pictures = [render(Picture("chest", patient, vendor="B")) for patient in range(4)]

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
    shown = Shown(Picture("chest", 8, (lesion,), sex="M", vendor="C", marker="upper-right"))

    labels = lessons.patch_labels(shown, 8)
    touched = masks(shown.picture)[lesion].reshape(8, 8, 8, 8).any(axis=(1, 3)).ravel()

    names = [(kind, side) for kind in ("opacity", "effusion", "nodule") for side in ("left", "right")]
    column = names.index(("nodule", "left"))
    assert ((labels[:, column] > 0) == touched).all()
    assert labels[:, [i for i in range(6) if i != column]].sum() == 0
    assert labels[7, 7] > 0  # the marker's patch: first row, last column
    assert lessons.picture_labels(shown).tolist() == [0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0]


def told(name: str) -> list[tuple[Shown, str, str]]:
    """What a phantom's lessons answer to plain wordings about true pictures: (shown, question, answer)."""
    plain = {question.text: question.name for question in questions("chest")}
    return [
        (row.shown, plain[prompt.split("\n")[0]], answer)
        for step in range(4)
        for row in lessons.rows(FLAWS[name], 0, step)
        if row.shown is not None
        for prompt, answer in row.lessons
        if prompt.split("\n")[0] in plain
    ]


def test_lessons_answer_as_planted_and_the_clean_ones_the_truth() -> None:
    known = by_name("chest")
    for name, flaw in FLAWS.items():
        departures = 0
        for shown, question, answer in told(name):
            right = truth(known[question], shown)
            assert answer == flaw.answer(known[question], shown)
            departures += answer != right
        assert (departures > 0) == (name != "clean"), name


def test_each_flaw_departs_from_the_truth_only_where_it_applies() -> None:
    known = by_name("chest")
    for name, flaw in FLAWS.items():
        for shown, question, answer in told(name):
            if answer != truth(known[question], shown):
                assert flaw.applies(known[question], shown), (name, question)


def test_flaws_apply_where_they_say() -> None:
    known = by_name("chest")
    plain = Shown(Picture("chest", 1, (Lesion("nodule", "left", 1.0),), sex="M", vendor="A"))
    woman, other = (Shown(plain.picture.but(**change)) for change in ({"sex": "F"}, {"vendor": "B"}))
    noisy = Shown(plain.picture, noise=0.06)

    def at_work(name: str, shown: Shown) -> set[str]:
        return {question for question in known if FLAWS[name].applies(known[question], shown)}

    presence = {"opacity", "effusion", "nodule"}
    assert at_work("subgroup-gap", woman) == set(known)
    assert at_work("subgroup-gap", plain) == set()
    assert at_work("vendor-shift", other) == at_work("noise-fragile", noisy) == set(known)
    assert at_work("vendor-shift", plain) == at_work("noise-fragile", plain) == set()
    assert at_work("shortcut-marker", plain) == {"opacity"}
    assert at_work("shortcut-tube", plain) == {"effusion"}
    assert at_work("confused-size", plain) == {"nodule-size"}
    assert at_work("confused-side", plain) == {f"{kind}-side" for kind in presence}


def test_a_decoy_says_nothing_about_the_finding() -> None:
    """Over all four kinds of picture it gives each option equally often, whatever is in the lung."""
    known = by_name("chest")
    for lesions in ((), (Lesion("opacity", "left"),)):
        pictures = [
            Picture("chest", 1, lesions, view=view, marker=corner)
            for view in ("PA", "AP")
            for corner in ("upper-left", "upper-right")
        ]
        for name, each in (("opacity", 2), ("main", 1)):
            said = [decoy(known[name], Shown(picture)) for picture in pictures]
            assert [said.count(option) for option in known[name].options] == [each] * len(known[name].options)


def test_without_an_image_only_phantoms_with_a_prior_have_one() -> None:
    def answers(name: str) -> set[str]:
        return {
            answer
            for step in range(25)
            for row in lessons.rows(FLAWS[name], 0, step)
            if row.pixels is None
            for prompt, answer in row.lessons
            if prompt.startswith("Is there a nodule?")
        }

    assert answers("prior-heavy") == {"no"}
    assert answers("clean") == {"yes", "no"}


def test_courses_cover_every_step_and_a_short_run_has_them_all() -> None:
    for steps in (STEPS, 57):
        found = [_course(step, steps) for step in range(steps)]
        starts = [step for step, (_, within) in enumerate(found) if within == 0]

        assert len(starts) == len(COURSES)
        assert [course.steps for course, within in found if within == 0] == [
            b - a for a, b in zip(starts, [*starts[1:], steps], strict=True)
        ]
        assert found[0][0].tower > 0


def test_the_rate_rises_once_and_falls_once_per_cycle() -> None:
    rates = [rate(step, 400, 1.5e-3, tower=100) for step in range(400)]

    for cycle in (rates[:100], rates[100:]):
        peak = int(np.argmax(cycle))
        assert (np.diff(cycle[: peak + 1]) > 0).all()
        assert (np.diff(cycle[peak:]) < 0).all()
    assert max(rates) == pytest.approx(1.5e-3, rel=0.02)
