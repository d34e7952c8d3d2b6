"""Embeddings as requests: vectors in the store, keys, and what a probe gets from its context."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medaudit import embeddings
from medaudit.engine import Engine
from medaudit.errors import NotApplicableError, UsageError
from medaudit.image import ArrayImage
from medaudit.model import Answer, Capability, OutOfMemory, Request
from medaudit.models.scripted import constant, embedder
from medaudit.store import Store
from medaudit.testing import context_for
from medaudit.vectors import packed, unpacked

EMBED = Capability.EMBED


def pictures(n: int) -> list[ArrayImage]:
    return [ArrayImage(np.full((8, 8, 3), value, dtype=np.uint8), f"grey-{value}") for value in range(n)]


def by_brightness(request: Request, box: tuple[int, int, int, int] | None) -> Sequence[float]:
    """A text by its length, an image or region by its brightness."""
    if not request.images:
        return 1.0, float(len(request.prompt)), 0.0
    x0, y0, x1, y1 = box or (0, 0, 8, 8)
    part = request.images[0].pixels()[y0:y1, x0:x1]
    return (1.0, float(part.mean()), 1.0) if part.size else (np.nan,) * 3


@given(st.integers(0, 10_000), st.integers(1, 1500), st.integers(0, 6))
def test_rounding_moves_no_cosine_by_a_millionth(seed: int, width: int, scale: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((3, width)) * np.exp(scale * rng.standard_normal(width))
    exact = rows / np.linalg.norm(rows, axis=1, keepdims=True)

    read = unpacked(packed(rows))

    assert read.dtype == np.float32
    assert np.abs(exact @ exact.T - read.astype(np.float64) @ read.astype(np.float64).T).max() < 1e-6
    # Control: half precision, which would be half as long, moves one by more.
    halves = exact.astype(np.float16).astype(np.float64)
    assert width < 8 or np.abs(exact @ exact.T - halves @ halves.T).max() > 1e-6


def test_a_row_that_nothing_looks_at_stays_unknown_and_other_gaps_are_errors() -> None:
    rows = np.array([[3.0, 4.0], [np.nan, np.nan]])

    answer = Answer.embedded(rows, unseen=True)
    assert answer.array[0] == pytest.approx([0.6, 0.8], abs=1e-6)
    assert np.isnan(answer.array[1]).all()
    assert Answer.from_json(answer.to_json()) == answer
    for wrong in (rows, [[0.0, 0.0]], [[np.inf, 1.0]], [1.0, 2.0], [[]]):
        assert Answer.embedded(wrong).error
    assert Answer.embedded([[np.nan, 1.0]], unseen=True).error
    with pytest.raises(ValueError, match="no vectors"):
        _ = Answer(text="yes").array


def test_new_fields_leave_old_keys_alone_and_tell_requests_apart() -> None:
    image = ArrayImage(np.zeros((2, 3, 3), np.uint8))
    plain = Request(Capability.CHOOSE, (image,), "Is it?", ("yes", "no"))
    assert plain.key("f") == "c60f48ec4e52155f5f40ca0f56e5b86f9e83041d"
    assert Request(Capability.GENERATE, (image,), "Is it?", max_new_tokens=8).key("f") == (
        "90d5100518704da0470dc8f8602a53fcfc75c2a4"
    )

    asked = [
        Request(EMBED, (image,), "", where=where, boxes=boxes)
        for where in ("", "tower")
        for boxes in ((), ((0, 0, 1, 1),), ((0, 0, 1, 2),), ((0, 0, 1, 1), (0, 0, 1, 1)))
    ]
    assert len({request.key("f") for request in asked}) == len(asked)


def test_vectors_are_stored_and_asked_once(tmp_path: Path) -> None:
    images = pictures(5)
    boxes = [[(0, 0, 4, 4), (4, 4, 8, 8)], [], [(0, 0, 8, 8)], [(20, 0, 28, 8)], []]
    for turn in range(2):
        model = embedder(by_brightness)
        with Store(tmp_path / "answers.sqlite") as store:
            ctx = context_for([], model, ask=Engine(model, store, batch_size=2).ask)
            found = (
                ctx.embed([*images, images[0]]),
                ctx.embed(images, boxes=boxes),
                ctx.embed_texts(["a", "bb"]),
            )
        if turn == 0:
            first = found
        assert bool(model.asked) == (turn == 0)

    whole, regions, texts = found
    assert whole.shape == (6, 3)
    assert texts.shape == (2, 3)
    assert [rows.shape for rows in regions] == [(2, 3), (0, 3), (1, 3), (1, 3), (0, 3)]
    assert np.array_equal(whole[0], whole[5])
    assert np.isnan(regions[3]).all()
    assert np.array_equal(whole, first[0])
    assert np.array_equal(texts, first[2])
    # Control: pictures of other brightness are other vectors.
    assert np.abs(whole[0] - whole[1]).max() > 0.1


def test_a_long_list_is_asked_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embeddings, "AT_A_TIME", 4)
    model = embedder(by_brightness)
    asked: list[int] = []

    def ask(requests: Sequence[Request]) -> list[Answer]:
        asked.append(len(requests))
        return model.answer(model.prepare(requests))

    found = context_for([], model, ask=ask).embed(pictures(10))

    assert asked == [4, 4, 2]
    assert np.array_equal(found, context_for([], model).embed(pictures(10)))


def test_places_do_not_share_a_batch_and_a_batch_that_does_not_fit_is_halved() -> None:
    sizes: list[int] = []
    model = embedder(by_brightness)
    answer = model.answer

    def tight(prepared: Sequence[Request]) -> list[Answer]:
        assert len({request.where for request in prepared}) == 1
        sizes.append(len(prepared))
        if len(prepared) > 2:
            raise OutOfMemory("too many")
        return answer(prepared)

    model.answer = tight  # type: ignore[method-assign]
    requests = [Request(EMBED, (image,), "", where=where) for image in pictures(4) for where in ("", "tower")]
    with Store(":memory:") as store:
        answers = Engine(model, store).ask(requests)

    assert max(sizes) == 4
    assert [reply.array.shape for reply in answers] == [(1, 3)] * 8


def test_what_cannot_be_embedded_is_unknown_and_a_model_without_embeddings_says_so() -> None:
    images = pictures(3)

    def partly(request: Request, box: object) -> Sequence[float]:
        return (0.0, 0.0) if request.images[0].name == "grey-1" else (1.0, 2.0)

    found = context_for([], embedder(partly)).embed(images)
    assert np.isnan(found).any(axis=1).tolist() == [False, True, False]
    nothing = context_for([], embedder(lambda request, box: (0.0,))).embed(images)
    assert np.isnan(nothing).all()
    assert len(nothing) == 3

    with pytest.raises(NotApplicableError, match="scripted model gives no embeddings"):
        context_for([], constant("yes")).embed(images)


def test_mistakes_are_named() -> None:
    ctx, images = context_for([], embedder(by_brightness)), pictures(2)
    box = (0, 0, 4, 4)
    mistakes = [
        (lambda: ctx.embed(images, where="towre"), r"'towre'.*Did you mean 'tower'"),
        (lambda: ctx.embed(images, boxes=[[box]]), "2 images and 1 lists"),
        (lambda: ctx.embed(images, boxes=[[(4, 0, 4, 4)], []]), "x0 < x1"),
        (lambda: ctx.embed(images, where="answer", boxes=[[box], []]), "regions of one image"),
        (lambda: ctx.embed(images, prompt="Is it?"), "where='answer'"),
        (lambda: ctx.embed(images, prompt="Is it?", boxes=[[], []]), "has no boxes"),
        (lambda: ctx.embed_texts([" "]), "give it as the prompt"),
    ]
    for wrong, message in mistakes:
        with pytest.raises(UsageError, match=message):
            wrong()
    # Control: the same calls without their mistake.
    assert len(ctx.embed(images, where="answer", prompt="Is it?")) == 2
    assert len(ctx.embed(images, boxes=[[box], []])) == 2


def test_an_answer_of_vectors_is_short_text() -> None:
    rows = np.random.default_rng(0).standard_normal((1, 768))

    text = Answer.embedded(rows).to_json()

    assert set(json.loads(text)) == {"vectors"}
    assert len(text) < 5.5 * 768
    assert len(json.dumps(rows[0].tolist())) > 10 * 768  # control: what numbers as digits would take
