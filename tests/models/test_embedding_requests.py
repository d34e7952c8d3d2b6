"""Embeddings asked as requests: the same vectors in a batch and alone, stored, and said which they are."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medaudit.architectures import build
from medaudit.engine import Engine
from medaudit.errors import NotApplicableError, UsageError
from medaudit.image import ArrayImage
from medaudit.model import Answer, Capability, Request
from medaudit.models import load_model
from medaudit.models.class_vectors import class_vectors
from medaudit.store import Store
from medaudit.testing import context_for
from medaudit.whitebox.intervention import Intervention

pytestmark = pytest.mark.filterwarnings("ignore")

GENERATIVE = ("llava", "qwen", "paligemma", "blip-2")
CONTRASTIVE = ("clip", "siglip", "blip-2 retrieval")
QUESTION = "Is there an effusion?"


@pytest.fixture(scope="module")
def models(
    llava_folder: Path,
    qwen_folder: Path,
    clip_folder: Path,
    siglip_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str], Any]:
    """Loaded tiny models by name."""
    folders = {"llava": llava_folder, "qwen": qwen_folder, "clip": clip_folder, "siglip": siglip_folder}
    loaded: dict[str, Any] = {}

    def get(name: str) -> Any:
        if name not in loaded:
            kind, _, other = name.partition(" ")
            folder = folders.get(name) or build(kind, tmp_path_factory.mktemp(kind), contrastive=bool(other))
            loaded[name] = load_model(str(folder))
        return loaded[name]

    return get


def state(network: Any) -> list[Any]:
    """What a pass could leave behind: hooks, and methods wrapped or replaced."""
    return [
        (name, len(part._forward_hooks), len(part._forward_pre_hooks), sorted(part.__dict__))
        for name, part in network.named_modules()
    ]


@pytest.mark.parametrize("name", [*GENERATIVE, *CONTRASTIVE])
def test_a_batch_gives_what_each_image_gives_alone(
    models: Callable[[str], Any], pictures: list[ArrayImage], name: str
) -> None:
    model = models(name)
    ctx = context_for([], model)
    places = ("", "tower", "projector", "answer") if name in GENERATIVE else ("", "tower")
    ctx.embed(pictures[:1])
    before = state(model.network)
    for where in places:
        together = ctx.embed(pictures, where=where)
        alone = np.concatenate([ctx.embed([picture], where=where) for picture in pictures])

        assert np.linalg.norm(together, axis=1) == pytest.approx(1, abs=1e-5)
        assert np.abs(together - alone).max() < 1e-3
        # Control: pictures differ by more than a batch does.
        assert np.abs(together[0] - together[1]).max() > 5e-3
    assert state(model.network) == before
    assert sum("embeddings" in note for note in model.info.notes) == len(places)


@pytest.mark.parametrize("name", ["llava", "qwen", "clip", "blip-2 retrieval"])
def test_requests_give_the_model_s_own_vectors(
    models: Callable[[str], Any], pictures: list[ArrayImage], name: str
) -> None:
    model = models(name)

    exact, asked = model.embed_images(pictures), context_for([], model).embed(pictures)

    assert (exact * asked).sum(axis=1) == pytest.approx(1, abs=1e-6)
    assert np.abs(exact @ exact.T - asked @ asked.T).max() < 1e-3
    assert (exact * asked[::-1]).sum(axis=1).min() < 1 - 1e-4  # control: of other pictures they are others


def test_the_answer_s_state_follows_the_question_and_the_tower_runs_without_the_language_model(
    models: Callable[[str], Any], pictures: list[ArrayImage]
) -> None:
    model = models("llava")
    ctx = context_for([], model)
    one, other = (ctx.embed(pictures[:1], where="answer", prompt=text) for text in (QUESTION, "Normal?"))
    assert np.abs(one - other).max() > 1e-2

    import torch

    (group,) = model.builder.groups([Request(Capability.GENERATE, (pictures[0],), QUESTION)])
    with torch.inference_mode():
        states = model.network(**model._placed(group), output_hidden_states=True).hidden_states[-1][0, -1]
    unit = (states / states.norm()).numpy()
    assert one[0] == pytest.approx(unit, abs=1e-3)

    ran: list[int] = []
    layer = model.network.get_decoder().layers[0]
    handle = layer.register_forward_hook(lambda *_: ran.append(1))
    try:
        ctx.embed(pictures, where="tower")
        ctx.embed(pictures, where="projector")
        assert ran == []
        ctx.embed(pictures[:1], where="answer")
        assert ran  # control: the hook would have seen it
    finally:
        handle.remove()


def test_one_pass_serves_a_whole_batch(models: Callable[[str], Any], pictures: list[ArrayImage]) -> None:
    for name, places in (("llava", ("", "tower")), ("clip", ("", "tower"))):
        model = models(name)
        passes: list[int] = []
        tower = model.network.get_encoder("image")
        handle = tower.register_forward_hook(lambda *_, passes=passes: passes.append(1))
        try:
            for where in places:
                passes.clear()
                context_for([], model).embed(pictures, where=where)
                assert len(passes) == 1
        finally:
            handle.remove()


def test_embeddings_are_resumed_from_the_store(
    models: Callable[[str], Any], pictures: list[ArrayImage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = models("clip")
    found = []
    for turn in range(2):
        with Store(tmp_path / "answers.sqlite") as store:
            ctx = context_for([], model, ask=Engine(model, store, batch_size=3).ask)
            if turn:
                monkeypatch.setattr(model, "answer", lambda prepared: pytest.fail("asked again"))
            found.append((ctx.embed(pictures), ctx.embed_texts(["effusion", QUESTION])))

    assert np.array_equal(found[0][0], found[1][0])
    assert np.array_equal(found[0][1], found[1][1])


@pytest.mark.parametrize("name", CONTRASTIVE)
def test_class_vectors_rank_options_as_the_contrastive_route_does(
    models: Callable[[str], Any], pictures: list[ArrayImage], name: str
) -> None:
    model = models(name)
    ctx = context_for([], model)
    for prompt, options in ((QUESTION, ("yes", "no")), ("Which organ?", ("heart", "lung", "liver"))):
        classes = class_vectors(ctx, prompt, options)
        requests = [Request(Capability.CHOOSE, (picture,), prompt, options) for picture in pictures]
        scores = np.array([answer.scores for answer in model.answer(model.prepare(requests))])

        assert classes.shape[0] == len(options)
        assert np.linalg.norm(classes, axis=1) == pytest.approx(1, abs=1e-5)
        if name == "blip-2 retrieval":  # it compares with the likest of several queries
            continue
        similar = ctx.embed(pictures) @ classes.T
        gaps = scores - scores[:, :1], model._scale() * (similar - similar[:, :1])
        assert gaps[0] == pytest.approx(gaps[1], abs=1e-3 * max(model._scale(), 1))
        # Control: classes in another order explain the scores worse.
        wrong = model._scale() * (similar - similar[:, :1])[:, ::-1]
        assert np.abs(gaps[0] - wrong).max() > np.abs(gaps[0] - gaps[1]).max()
    with pytest.raises(UsageError, match="need options"):
        class_vectors(ctx, QUESTION, ())


def test_what_a_model_does_not_have_is_not_applicable(
    models: Callable[[str], Any], pictures: list[ArrayImage]
) -> None:
    llava, clip = (context_for([], models(name)) for name in ("llava", "clip"))
    inside = Intervention("projector").to_text()
    asked = Request(Capability.EMBED, (pictures[0],), "", intervention=inside)
    refused = [
        (lambda: clip.embed(pictures, where="projector"), "no image tokens to a language model"),
        (lambda: clip.embed(pictures, where="answer", prompt=QUESTION), "no image tokens"),
        (lambda: llava.embed_texts(["effusion"]), "no embedding of a text"),
        (lambda: llava.ask([asked]), "untouched networks"),
        (lambda: clip.ask([asked]), "untouched networks"),
    ]
    for wrong, reason in refused:
        with pytest.raises(NotApplicableError, match=reason):
            wrong()
    # Control: painting pixels is no change inside, and changes the vector.
    painted = Intervention("pixels", boxes=((0, 0, 0, 30, 30),)).to_text()
    requests = [Request(Capability.EMBED, (pictures[0],), "", intervention=text) for text in ("", painted)]
    for ctx in (llava, clip):
        plain, changed = (answer.array for answer in ctx.ask(requests))
        assert np.abs(plain - changed).max() > 1e-3


def test_an_image_that_the_processor_refuses_costs_its_own_row_alone(
    models: Callable[[str], Any], pictures: list[ArrayImage]
) -> None:
    sliver = ArrayImage(np.zeros((1, 900, 3), dtype=np.uint8), "sliver")

    found = context_for([], models("qwen")).embed([pictures[0], sliver, pictures[1]])

    assert np.isnan(found).any(axis=1).tolist() == [False, True, False]


def test_black_boxes_refuse_to_embed(pictures: list[ArrayImage]) -> None:
    model = load_model(lambda images, prompt: "yes")
    (answer,) = model.answer(model.prepare([Request(Capability.EMBED, tuple(pictures[:1]), "")]))

    assert Capability.EMBED not in model.info.capabilities
    assert answer == Answer(error="this callable cannot embed")
    with pytest.raises(NotApplicableError, match="gives no embeddings"):
        context_for([], model).embed(pictures)
