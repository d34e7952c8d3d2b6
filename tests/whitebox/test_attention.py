"""Are the weights that are read the weights that are used?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from medaudit.errors import UsageError
from medaudit.image import ArrayImage
from medaudit.model import Capability, Request
from medaudit.whitebox import registered
from medaudit.whitebox.reach import NotReached
from medaudit.whitebox.registered import Watch, watching

GENERATIVE = ("llava", "qwen2_vl", "qwen3_vl")


def asked(pictures: list[ArrayImage]) -> Request:
    return Request(Capability.CHOOSE, (pictures[0],), "Is it?", ("yes", "no"))


@contextmanager
def indifferent(layers: Any) -> Iterator[None]:
    """Queries of zero: every visible key gets the same weight."""
    import torch

    names = ("q_proj", "qkv")
    parts = [part for layer in layers for name, part in layer.named_modules() if name.endswith(names)]
    kept = [{name: value.clone() for name, value in part.named_parameters()} for part in parts]
    with torch.no_grad():
        for part in parts:
            for value in part.parameters():
                value[: value.shape[0] // (3 if value.shape[0] % 3 == 0 else 1)] = 0
    try:
        yield
    finally:
        with torch.no_grad():
            for part, values in zip(parts, kept, strict=True):
                for name, value in part.named_parameters():
                    value.copy_(values[name])


@pytest.mark.parametrize("kind", GENERATIVE)
def test_reading_changes_no_logit(loaded: dict[str, Any], pictures: list[ArrayImage], kind: str) -> None:
    import torch

    model = loaded[kind]
    (group,) = model.builder.groups([asked(pictures)])
    inputs = model._placed(group)
    with torch.no_grad():
        fused = model.network(**inputs).logits
        with watching(model.network, Watch()):
            watched = model.network(**inputs).logits
        model.network.set_attn_implementation("eager")
        try:
            eager = model.network(**inputs).logits
        finally:
            model.network.set_attn_implementation("sdpa")

    assert (watched - eager).abs().max() < 1e-5
    assert (watched - fused).abs().max() < 1e-5
    assert model.network.config._attn_implementation == "sdpa"


def test_equal_scores_give_weights_known_on_paper(loaded: dict[str, Any], pictures: list[ArrayImage]) -> None:
    model = loaded["llava"]
    (group,) = model.builder.groups([asked(pictures)])
    prompt, answer = group.inputs["input_ids"].shape[1], "four"
    with indifferent(model.network.get_decoder().layers):
        found = model.attend(asked(pictures), answer)

    numbers, weights = found.stacked()
    assert numbers == (0, 1)
    # heads, answer tokens (a space comes first where the prompt ends in none), image tokens
    assert weights.shape == (2, 2, weights.shape[2], 4)
    # The position that predicts answer token t sees prompt + t keys.
    expected = 1 / (prompt + np.arange(weights.shape[2]))
    assert weights == pytest.approx(np.broadcast_to(expected[:, None], weights.shape), abs=1e-6)
    # Control: with its own queries the same model prefers some keys.
    assert model.attend(asked(pictures), answer).stacked()[1] != pytest.approx(weights, abs=1e-3)


@pytest.mark.parametrize("kind", [*GENERATIVE, "clip"])
def test_rows_inside_the_vision_tower_are_distributions(
    loaded: dict[str, Any], pictures: list[ArrayImage], kind: str
) -> None:
    found = loaded[kind].attend(asked(pictures), "no", "vision")

    _, weights = found.stacked()
    tokens = {"llava": 5, "clip": 5, "qwen2_vl": 16, "qwen3_vl": weights.shape[-1]}[kind]
    assert weights.shape[-2:] == (tokens, tokens)
    assert weights.sum(axis=-1) == pytest.approx(1, abs=1e-5)
    assert (weights >= 0).all()
    assert found.agreement < 1e-4


def test_what_is_no_distribution_is_refused(
    loaded: dict[str, Any], pictures: list[ArrayImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(module: Any, query: Any, key: Any, value: Any, mask: Any, **settings: Any) -> Any:
        output, weights = registered.plain(module, query, key, value, mask, **settings)
        return output, weights * 1.01

    monkeypatch.setattr(registered, "_eager_of", lambda module: wrong)
    with pytest.raises(NotReached, match=r"within 0\.01"):
        loaded["llava"].attend(asked(pictures), "no")


def test_attention_of_an_answer_follows_the_image(loaded: dict[str, Any], pictures: list[ArrayImage]) -> None:
    model = loaded["qwen2_vl"]
    first, same = (model.attend(asked(pictures), "no").stacked()[1] for _ in range(2))
    other = model.attend(asked(pictures[1:]), "no").stacked()[1]
    assert np.array_equal(first, same)
    assert np.abs(first - other).max() > 1e-4


def test_hidden_keys_get_no_weight_and_rows_still_sum_to_one(
    loaded: dict[str, Any], pictures: list[ArrayImage]
) -> None:
    import torch

    from medaudit.whitebox.edits import Edits
    from medaudit.whitebox.intervening import intervening

    model = loaded["llava"]
    (group,) = model.builder.groups([asked(pictures)])
    inputs, seen = model._placed(group), []
    places = (inputs["input_ids"][0] == 2).nonzero()[:, 0].tolist()
    inside = {id(part) for part in model.network.get_decoder().modules()}

    def read(module: Any, weights: Any) -> None:
        if id(module) in inside:
            seen.append(weights[0])

    # Watching inside an intervention: both act on the same calls.
    with torch.no_grad(), intervening(model, inputs, [Edits("attention", ((1, 3),))]), watching(
        model.network, Watch(read=read)
    ):  # fmt: skip
        model.network(**inputs)

    assert len(seen) == 2
    for weights in seen:
        others = [row for row in range(weights.shape[1]) if row not in (places[1], places[3])]
        assert (weights[:, others][..., [places[1], places[3]]] == 0).all()
        assert weights.sum(dim=-1) == pytest.approx(1, abs=1e-5)
        # A hidden token still reads itself, so that its row is a distribution.
        assert (weights[:, places[1], places[1]] > 0).all()


@pytest.mark.parametrize("kind", [*GENERATIVE, "clip"])
def test_a_model_keeps_its_own_implementation(
    loaded: dict[str, Any], pictures: list[ArrayImage], state_of: Any, kind: str
) -> None:
    model = loaded[kind]
    model.attend(asked(pictures), "no", "vision")
    before = state_of(model.network)
    with pytest.raises(KeyError), watching(model.network, Watch()), watching(model.network, Watch()):
        raise KeyError("inside")
    assert state_of(model.network) == before
    assert not registered._watches
    assert not registered._production


def test_a_causal_tower_is_read_as_it_runs() -> None:
    """Fused attention reads a missing mask as causal where a module says so; eager attention does not."""
    import torch

    class Causal(torch.nn.Module):
        is_causal = True

    module, query = Causal(), torch.randn(1, 1, 3, 4)
    registered._production[id(module)] = "sdpa"
    try:
        _, fused = registered.attention(module, query, query, query, None)
        registered._production[id(module)] = "eager"
        _, eager = registered.attention(module, query, query, query, None)
    finally:
        del registered._production[id(module)]

    assert (fused[0, 0].triu(1) == 0).all()
    assert fused[0, 0, 0, 0] == 1
    assert (eager[0, 0] > 0).all()


def test_what_cannot_be_read_says_why(loaded: dict[str, Any], pictures: list[ArrayImage]) -> None:
    with pytest.raises(NotReached, match="similarity"):
        loaded["clip"].attend(asked(pictures), "no")
    with pytest.raises(UsageError, match="decoder, vision"):
        loaded["llava"].attend(asked(pictures), "no", "somewhere")
