"""Do masked tokens reach the answer? With every image token masked, another image must change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from medaudit.geometry import NoGrid
from medaudit.image import ArrayImage
from medaudit.model import Capability, Request
from medaudit.whitebox import language_points
from medaudit.whitebox.applying import unreached
from medaudit.whitebox.edits import Edits
from medaudit.whitebox.intervening import intervening
from medaudit.whitebox.intervention import Intervention
from medaudit.whitebox.reach import InterventionError, NotReached

GENERATIVE = ("llava", "qwen2_vl", "qwen3_vl")
INSIDE = ("patch", "block:0", "block:*", "projector", "embedding", "attention", "kv")
#: Points where nothing of the image passes; LLaVA's class token, which is no patch, leaves block 0 unmasked.
TIGHT = ("pixels", "patch", "projector", "embedding", "attention")
PROMPTS = ("Why?", "Where is it, and how large?")


def questions(images: Sequence[ArrayImage], **changes: Any) -> list[Request]:
    """Two questions of unlike lengths, so that the shorter one is padded."""
    asked = [
        Request(Capability.CHOOSE, (image,), prompt, ("yes", "not at all"))
        for image, prompt in zip(images, PROMPTS, strict=False)
    ]
    return [replace(request, **changes) for request in asked]


def scores(model: Any, requests: Sequence[Request]) -> np.ndarray[Any, Any]:
    answers = model.answer(model.prepare(list(requests)))
    assert [answer.error for answer in answers] == [None] * len(requests)
    return np.array([answer.scores for answer in answers])


def tensors(model: Any, requests: Sequence[Request]) -> dict[str, Any]:
    (group,) = model.builder.groups(list(requests))
    placed: dict[str, Any] = model._placed(group)
    return placed


def logits(model: Any, inputs: dict[str, Any], *edits: Edits) -> Any:
    import torch

    with torch.no_grad(), intervening(model, inputs, edits):
        return model.network(**{name: value.clone() for name, value in inputs.items()}).logits[:, -1]


@pytest.mark.parametrize("point", TIGHT)
@pytest.mark.parametrize("kind", GENERATIVE)
def test_nothing_of_a_masked_image_reaches_the_scores(
    loaded: dict[str, Any], pictures: list[ArrayImage], kind: str, point: str
) -> None:
    model, text = loaded[kind], Intervention(point).to_text()
    first, other = questions(pictures[:2]), questions(pictures[1::-1])

    masked, swapped = scores(model, [replace(q, intervention=text) for q in first]), scores(
        model, [replace(q, intervention=text) for q in other]
    )  # fmt: skip

    assert np.array_equal(masked, swapped)
    # Controls: the image matters, and masking it is a change.
    assert np.abs(scores(model, first) - scores(model, other)).max() > 1e-3
    assert np.abs(scores(model, first) - masked).max() > 1e-3


@pytest.mark.parametrize("kind", GENERATIVE)
def test_cache_entries_hidden_after_the_prefill_have_been_read_by_then(
    loaded: dict[str, Any], pictures: list[ArrayImage], kind: str
) -> None:
    model, text = loaded[kind], Intervention("kv").to_text()

    masked = scores(model, questions(pictures[:2], intervention=text))
    swapped = scores(model, questions(pictures[1::-1], intervention=text))

    assert np.abs(masked - swapped).max() > 1e-3
    assert np.abs(masked - scores(model, questions(pictures[:2]))).max() > 1e-3


def test_a_deepstack_path_left_open_is_a_leak(
    loaded: dict[str, Any], pictures: list[ArrayImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, text = loaded["qwen3_vl"], Intervention("embedding").to_text()
    monkeypatch.setattr(language_points, "_deep", lambda features, edit, lengths: features)

    masked = scores(model, questions(pictures[:2], intervention=text))
    swapped = scores(model, questions(pictures[1::-1], intervention=text))

    assert np.abs(masked - swapped).max() > 1e-4


@pytest.mark.parametrize("point", INSIDE)
@pytest.mark.parametrize("kind", GENERATIVE)
def test_an_edit_of_no_token_changes_nothing_and_one_of_a_row_leaves_the_other(
    loaded: dict[str, Any], pictures: list[ArrayImage], kind: str, point: str
) -> None:
    import torch

    model = loaded[kind]
    inputs = tensors(model, questions(pictures[:2]))
    with torch.no_grad():
        plain = model.network(**inputs).logits[:, -1]

    none = logits(model, inputs, Edits(point, ((), ())))
    one = logits(model, inputs, Edits(point, ((), (0,))))

    assert torch.equal(none, plain)
    assert (one - plain)[0].abs().max() < 1e-5
    # Keys hidden after the prefill cannot change what the prefill says.
    assert ((one - plain)[1].abs().max() > 1e-4) == (point != "kv")


@pytest.mark.parametrize("point", INSIDE)
@pytest.mark.parametrize("kind", [*GENERATIVE, "clip"])
def test_nothing_is_left_behind(
    loaded: dict[str, Any], pictures: list[ArrayImage], state_of: Any, kind: str, point: str
) -> None:
    model = loaded[kind]
    if kind == "clip":
        inputs = model.placed_pixels(pictures[:2])
        run = model.network.get_image_features
    else:
        inputs, run = tensors(model, questions(pictures[:2])), model.network
    # The library adds hooks of its own on the first pass that collects hidden states.
    run(**inputs)
    before = state_of(model.network)

    for fault in (None, KeyError):
        try:
            with intervening(model, inputs, [Edits(point, (None, None))]):
                run(**inputs)
                if fault is not None:
                    raise fault("inside")
        except (KeyError, NotReached):
            pass
        assert state_of(model.network) == before


def test_an_edit_that_never_ran_is_an_error(loaded: dict[str, Any], pictures: list[ArrayImage]) -> None:
    model = loaded["llava"]
    inputs = tensors(model, questions(pictures[:2]))
    for point in ("patch", "projector", "embedding", "attention"):
        with pytest.raises((InterventionError, NotReached), match=r"never"), intervening(
            model, inputs, [Edits(point, (None, None))]
        ):  # fmt: skip
            pass


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        (Edits("projector", ((4,), ())), "no token 4"),
        (Edits("projector", ((0,), (0,)), counts=((5,), (4,))), "5 were expected"),
        (Edits("patch", ((0,), (0,)), counts=((9,), (9,))), "18 were expected"),
        (Edits("embedding", ((0,),)), "edits for 1 rows"),
    ],
)
def test_an_edit_that_does_not_fit_is_an_error(
    loaded: dict[str, Any], pictures: list[ArrayImage], edits: Edits, message: str
) -> None:
    model = loaded["llava"]
    with pytest.raises(InterventionError, match=message):
        logits(model, tensors(model, questions(pictures[:2])), edits)


def test_keys_hidden_after_the_prompt_are_cache_entries_dropped(
    loaded: dict[str, Any], pictures: list[ArrayImage]
) -> None:
    """The reference drops the entries of tokens 0 and 2 by hand and keeps every position."""
    import torch

    model = loaded["llava"]
    request = questions(pictures[:1])[0]
    inputs, answer = tensors(model, [request]), torch.tensor([[40, 50, 60]])
    length = inputs["input_ids"].shape[1]
    dropped = (inputs["input_ids"][0] == 2).nonzero()[[0, 2], 0].tolist()
    kept = [place for place in range(length) if place not in dropped]
    with torch.no_grad():
        cache = model.network(**inputs, use_cache=True).past_key_values
        for layer in cache.layers:
            layer.keys, layer.values = layer.keys[:, :, kept], layer.values[:, :, kept]
        by_hand = model.network(
            input_ids=answer,
            attention_mask=torch.ones(1, len(kept) + 3, dtype=torch.long),
            position_ids=torch.arange(length, length + 3)[None],
            past_key_values=cache,
        ).logits
        with intervening(model, inputs, [Edits("kv", ((0, 2),))]):
            whole = torch.cat([inputs["input_ids"], answer], dim=1)
            pixels = inputs["pixel_values"]
            hidden = model.network(input_ids=whole, pixel_values=pixels).logits[:, -3:]
        plain = model.network(input_ids=whole, pixel_values=pixels).logits[:, -3:]

    assert (by_hand - hidden).abs().max() < 1e-5
    assert (by_hand - plain).abs().max() > 1e-3


@pytest.mark.parametrize("point", ["embedding", "attention", "kv"])
@pytest.mark.parametrize("kind", GENERATIVE)
def test_cached_decoding_in_a_padded_batch_says_what_each_request_says_alone(
    loaded: dict[str, Any], pictures: list[ArrayImage], kind: str, point: str
) -> None:
    model = loaded[kind]
    boxes = [((0, 0.0, 0.0, 28.0, 28.0),), ((0, 28.0, 28.0, 56.0, 56.0),)]
    asked = [
        replace(
            request, task=Capability.GENERATE, options=(), max_new_tokens=6,
            intervention=Intervention(point, box).to_text(),
        )
        for request, box in zip(questions(pictures[:2]), boxes, strict=True)
    ]  # fmt: skip

    together = model.answer(model.prepare(asked))
    alone = [model.answer(model.prepare([request]))[0] for request in asked]

    assert [answer.error for answer in together] == [None, None]
    assert [answer.text for answer in together] == [answer.text for answer in alone]


@pytest.mark.parametrize("kind", GENERATIVE)
def test_decoding_under_hidden_keys_equals_scoring_under_them(
    loaded: dict[str, Any], pictures: list[ArrayImage], kind: str
) -> None:
    """Step by step with a cache, and in one pass: the same log-likelihood of the same tokens."""
    import torch

    model = loaded[kind]
    inputs = tensors(model, questions(pictures[:2]))
    for point in ("attention", "kv"):
        edits = [Edits(point, ((0, 1), (2,)))]
        with torch.no_grad(), intervening(model, inputs, edits):
            out = model.network.generate(
                **inputs, max_new_tokens=4, min_new_tokens=4, output_logits=True, return_dict_in_generate=True
            )
        new = out.sequences[:, inputs["input_ids"].shape[1] :]
        steps = torch.stack(out.logits, dim=1).log_softmax(dim=-1)
        by_step = steps.gather(-1, new[..., None]).sum(dim=(1, 2))
        with torch.no_grad(), intervening(model, inputs, edits):
            in_one = model.scorer.exact(inputs, [[row] for row in new.tolist()])
        with torch.no_grad():
            untouched = model.scorer.exact(inputs, [[row] for row in new.tolist()])

        assert [score for (score,) in in_one] == pytest.approx(by_step.tolist(), abs=1e-4)
        assert [score for (score,) in untouched] != pytest.approx(by_step.tolist(), abs=1e-3)


def test_mixed_requests_in_one_batch_keep_to_themselves(
    loaded: dict[str, Any], pictures: list[ArrayImage]
) -> None:
    model = loaded["qwen2_vl"]
    box = ((0, 0.0, 0.0, 28.0, 28.0),)
    texts = [
        "",
        *(Intervention(point, box, fill="noise").to_text() for point in ("patch", "projector", "pixels")),
    ]
    asked = [Request(Capability.CHOOSE, (pictures[2],), "Why?", ("yes", "no"), intervention=t) for t in texts]

    together = scores(model, asked)
    alone = np.concatenate([scores(model, [request]) for request in asked])

    assert np.abs(together - alone).max() < 1e-4
    assert len({tuple(np.round(row, 3)) for row in together}) == 4
    assert len({request.key("f") for request in asked}) == 4


@pytest.mark.parametrize("kind", ["llava", "qwen2_vl"])
@pytest.mark.parametrize("point", ["pixels", "patch", "projector", "embedding", "attention"])
def test_a_box_of_the_second_image_hides_that_image_alone(
    loaded: dict[str, Any], pictures: list[ArrayImage], kind: str, point: str
) -> None:
    model = loaded[kind]
    text = Intervention(point, ((1, 0.0, 0.0, 56.0, 56.0),)).to_text()

    def asked(first: ArrayImage, second: ArrayImage) -> Request:
        return Request(Capability.CHOOSE, (first, second), "Same?", ("yes", "no"), intervention=text)

    reference, second, first = scores(
        model,
        [
            asked(pictures[0], pictures[0]),
            asked(pictures[0], pictures[1]),
            asked(pictures[1], pictures[0]),
        ],
    )

    assert np.abs(reference - second).max() < 1e-5  # rows of a batch may round differently
    assert np.abs(reference - first).max() > 1e-3


def test_fills_are_the_numbers_that_they_are_said_to_be(
    loaded: dict[str, Any], pictures: list[ArrayImage]
) -> None:
    import torch

    model = loaded["llava"]
    inputs = tensors(model, questions(pictures[:2]))
    seen: dict[str, Any] = {}

    def features(fill: str) -> Any:
        def keep(_: Any, __: Any, kwargs: dict[str, Any]) -> None:
            seen[fill] = kwargs["inputs_embeds"][inputs["input_ids"] == 2].reshape(2, 4, -1)

        edits = Edits("embedding", ((1,), ()), fill, text="ab")
        with intervening(model, inputs, [edits]):
            # Registered after the edit, so that it sees the edited sequence.
            handle = model.network.get_decoder().register_forward_pre_hook(keep, with_kwargs=True)
            try:
                with torch.no_grad():
                    model.network(**inputs)
            finally:
                handle.remove()
        return seen[fill]

    zero, mean, noise, text = (features(fill) for fill in ("zero", "mean", "noise", "text"))

    others = zero[0, [0, 2, 3]]
    assert (zero[0, 1] == 0).all()
    assert torch.allclose(mean[0, 1], others.mean(dim=0), atol=1e-6)
    assert (noise[0, 1] - mean[0, 1]).abs().max() > 1e-3
    assert torch.equal(noise, features("noise"))
    letter = model.builder.tokenizer("a", add_special_tokens=False)["input_ids"]
    assert torch.equal(text[0, 1], model.network.get_input_embeddings().weight[letter[0]])
    for fill in (mean, noise, text):
        assert torch.equal(fill[0, [0, 2, 3]], others)
        assert torch.equal(fill[1], zero[1])


def test_scores_under_an_edit_are_those_of_full_passes(
    loaded: dict[str, Any], pictures: list[ArrayImage]
) -> None:
    model, text = loaded["llava"], Intervention("attention", ((0, 0.0, 0.0, 28.0, 56.0),)).to_text()
    asked = questions(pictures[:2], intervention=text)

    exact = model.brute_force(model.prepare(asked))

    assert scores(model, asked) == pytest.approx(np.array([answer.scores for answer in exact]), abs=1e-5)


def test_contrastive_models_are_masked_at_patches_but_class_tokens_stay_in_blocks(
    loaded: dict[str, Any], pictures: list[ArrayImage]
) -> None:
    model = loaded["clip"]

    def moved(point: str) -> float:
        text = Intervention(point).to_text()
        pairs = [questions(images, intervention=text) for images in (pictures[:2], pictures[1::-1])]
        return float(np.abs(scores(model, pairs[0]) - scores(model, pairs[1])).max())

    assert moved("patch") == 0
    assert moved("pixels") == 0
    assert moved("block:1") > 1e-3
    assert unreached(model, questions(pictures)[0], "embedding") == "clip: the sequence holds no image tokens"
    with pytest.raises(NoGrid):
        scores(
            model, questions(pictures, intervention=Intervention("projector", ((0, 0, 0, 9, 9),)).to_text())
        )


def test_blocks_beyond_the_last_are_not_reached(loaded: dict[str, Any], pictures: list[ArrayImage]) -> None:
    asked = questions(pictures)[0]
    assert unreached(loaded["llava"], asked, "block:7") == "llava has vision blocks 0 to 1"
    assert unreached(loaded["llava"], asked, "block:1") is None


def test_layers_that_carry_a_state_refuse_hidden_keys(
    loaded: dict[str, Any], pictures: list[ArrayImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = loaded["llava"]
    config = model.network.config.get_text_config()
    monkeypatch.setattr(config, "layer_types", ["linear_attention", "full_attention"], raising=False)
    reason = unreached(model, questions(pictures)[0], "attention")
    assert reason is not None
    assert "linear_attention" in reason
