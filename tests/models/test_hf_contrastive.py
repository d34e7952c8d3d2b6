"""Scores of contrastive models against the formula, computed here from the network's own outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medaudit.image import ArrayImage
from medaudit.model import Capability, Request
from medaudit.models import load_model
from medaudit.models.class_prompts import ABSENT, PRESENT, asked_finding, bare_question, class_prompts


def logits_by_hand(model: Any, picture: ArrayImage, texts: list[str]) -> Any:
    """``logits_per_image`` of the network's own forward pass, (texts,)."""
    import torch
    from PIL import Image

    inputs = model.processor(
        images=Image.fromarray(picture.pixels()),
        text=texts,
        padding="max_length",
        max_length=96,
        return_tensors="pt",
    )
    with torch.inference_mode():
        return model.network(**inputs).logits_per_image[0].double()


@pytest.mark.parametrize("folder", ["clip_folder", "siglip_folder"])
def test_one_template_equals_the_network_s_own_logits(
    folder: str, request: pytest.FixtureRequest, pictures: list[ArrayImage]
) -> None:
    model: Any = load_model(str(request.getfixturevalue(folder)))
    question = "Would you call it normal?"  # not an "Is there X?", so one text an option
    logits = logits_by_hand(model, pictures[0], [f"{question} yes", f"{question} no"])
    expected = logits - logits.exp().sum().log()

    asked = Request(Capability.CHOOSE, (pictures[0],), question, ("yes", "no"))
    (answer,) = model.answer(model.prepare([asked]))

    assert answer.scores == pytest.approx(expected.tolist(), abs=1e-4)
    assert sum(np.exp(answer.scores or ())) == pytest.approx(1)
    assert answer.lengths == ()
    # Control: the two options are told apart.
    assert answer.scores is not None
    assert abs(answer.scores[0] - answer.scores[1]) > 1e-3


def test_several_templates_average_unit_embeddings(clip_folder: Path, pictures: list[ArrayImage]) -> None:
    model: Any = load_model(str(clip_folder))
    picture = pictures[1]
    unit = {"yes": PRESENT, "no": ABSENT}
    (image,) = model.embed_images([picture]).astype(float)
    classes = []
    for templates in unit.values():
        vectors = model.embed_texts([template.format(finding="effusion") for template in templates])
        mean = vectors.astype(float).mean(axis=0)
        classes.append(mean / np.linalg.norm(mean))
    logits = float(model.network.logit_scale.detach().exp()) * (np.stack(classes) @ image)
    expected = logits - np.log(np.exp(logits).sum())

    asked = Request(Capability.CHOOSE, (picture,), "Is there an effusion?", ("yes", "no"))
    (answer,) = model.answer(model.prepare([asked]))

    assert answer.scores == pytest.approx(expected.tolist(), abs=1e-4)


def test_embeddings_are_unit_vectors_that_tell_pictures_apart(
    clip_folder: Path, pictures: list[ArrayImage]
) -> None:
    model: Any = load_model(str(clip_folder))

    vectors = model.embed_images(pictures)

    assert vectors.shape == (4, 16)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    assert np.abs(vectors[0] - vectors[1]).max() > 1e-3


def test_a_batch_may_mix_numbers_of_images(clip_folder: Path, pictures: list[ArrayImage]) -> None:
    model = load_model(str(clip_folder))
    asked = [
        Request(Capability.CHOOSE, tuple(pictures[:number]), "Which view?", ("AP", "PA"))
        for number in (1, 0, 2)
    ]

    one, none, two = model.answer(model.prepare(asked))
    (alone,) = model.answer(model.prepare([asked[2]]))

    assert one.scores is not None
    assert none.scores is None
    assert "no image" in (none.error or "")
    assert two.scores == pytest.approx(alone.scores, abs=1e-5)
    assert two.scores != pytest.approx(one.scores, abs=1e-4)


def test_contrastive_models_do_not_generate(clip_folder: Path) -> None:
    info = load_model(str(clip_folder)).info

    assert info.capabilities == set(Capability) - {Capability.GENERATE}
    assert info.kind == "contrastive"


def test_texts_are_embedded_once(
    clip_folder: Path, pictures: list[ArrayImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    model: Any = load_model(str(clip_folder))
    asked = [Request(Capability.CHOOSE, (picture,), "Which view?", ("AP", "PA")) for picture in pictures]
    first = model.answer(model.prepare(asked))
    monkeypatch.setattr(model.network, "get_text_features", None)

    assert model.answer(model.prepare(asked)) == first


@pytest.mark.parametrize(
    ("question", "finding"),
    [
        ("Is there an effusion?", "effusion"),
        ("are there any rib fractures", "rib fractures"),
        ("Is there evidence of pneumothorax?", "pneumothorax"),
        ("Does the image show a nodule?", "nodule"),
        ("Does this radiograph contain cardiomegaly?", "cardiomegaly"),
        ("Is a pacemaker visible?", "pacemaker"),
        ("Which side is affected?", None),
        ("Is this an AP view?", None),
        ("Is the heart enlarged?", None),
        ("Is there no effusion?", None),
        ("Is there not an effusion?", None),
        ("Does the image show no nodule?", None),
        ("Doesn't the image show a nodule?", None),
        ("Is there an absence of effusion?", None),
        ("Is there a nodule?", "nodule"),
        ("Is there a knot of vessels?", "knot of vessels"),
    ],
)
def test_findings_are_read_from_presence_questions_only(question: str, finding: str | None) -> None:
    assert asked_finding(question) == finding


def test_yes_and_no_keep_their_order_and_case() -> None:
    no, yes = class_prompts("Is there an effusion?\nAnswer with one of: No, Yes.", ("No", "Yes"))

    assert no[0] == "there is no effusion"
    assert yes[0] == "there is effusion"


def test_a_negated_question_is_never_denied_twice() -> None:
    yes, no = class_prompts("Is there no effusion?\nAnswer with one of: yes, no.", ("yes", "no"))

    assert (yes, no) == (("Is there no effusion? yes",), ("Is there no effusion? no",))


def test_options_become_captions_and_answers_to_the_question() -> None:
    left, right = class_prompts("Which side?\nAnswer with one of: left, right.", ("left", "right"))

    assert left == ("left", "a photo of left", "a medical image showing left", "Which side? left")
    assert right[-1] == "Which side? right"


def test_option_listing_is_no_part_of_the_question() -> None:
    lettered = "What is it?\nA. one two\nB. three\nAnswer with the letter of one option."

    assert bare_question(lettered) == "What is it?"
    assert bare_question("Two\nlines?") == "Two\nlines?"
