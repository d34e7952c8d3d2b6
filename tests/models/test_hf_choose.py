"""Option scores of generative models against likelihoods computed here, by hand, one option at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from medaudit.errors import ModelError
from medaudit.image import ArrayImage
from medaudit.model import Capability, Request
from medaudit.models import likelihood, load_model
from medaudit.models.scorer import Scorer

OPTIONS = (
    ("yes", "no", "maybe not"),
    ("A", "pleural effusion"),
    ("yes", "no"),
    ("left", "right", "both", "n"),
)
QUESTIONS = ("Short?", "A much longer question than the first one?", "Mid length?", "And then?")


def requests(pictures: list[ArrayImage]) -> list[Request]:
    return [
        Request(Capability.CHOOSE, (picture,), question, options)
        for picture, question, options in zip(pictures, QUESTIONS, OPTIONS, strict=True)
    ]


def by_hand(model: Any, request: Request) -> list[float]:
    """sum_t log p(o_t | image, prompt, o_<t), without padding, batching or cache."""
    import torch
    from PIL import Image

    content: list[dict[str, str]] = [{"type": "image"}] * len(request.images)
    content = [*content, {"type": "text", "text": request.prompt}]
    text = model.processor.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True
    )
    images = [Image.fromarray(image.pixels()) for image in request.images]
    inputs = dict(model.processor(images=images or None, text=[text], return_tensors="pt"))
    scores = []
    for option in request.options:
        # The templates end in "ASSISTANT:", so an option follows after a space; bytes are tokens.
        ids = model.processor.tokenizer(" " + option, add_special_tokens=False)["input_ids"]
        tail = torch.tensor([ids])
        whole = {**inputs, "input_ids": torch.cat([inputs["input_ids"], tail], dim=1)}
        for name in ("attention_mask", "mm_token_type_ids"):
            if name in inputs:
                fill = torch.full_like(tail, 1 if name == "attention_mask" else 0)
                whole[name] = torch.cat([inputs[name], fill], dim=1)
        with torch.inference_mode():
            logits = model.network(**whole, use_cache=False).logits[0]
        steps = torch.log_softmax(logits[-len(ids) - 1 : -1].double(), dim=-1)
        scores.append(float(sum(steps[place, token] for place, token in enumerate(ids))))
    return scores


@pytest.mark.parametrize("folder", ["llava_folder", "qwen_folder"])
def test_scores_equal_likelihoods_computed_by_hand(
    folder: str, request: pytest.FixtureRequest, pictures: list[ArrayImage]
) -> None:
    model: Any = load_model(str(request.getfixturevalue(folder)))
    asked = requests(pictures)

    answers = model.answer(model.prepare(asked))

    assert "shared prefix" in model.info.notes[-1]
    for one, answer in zip(asked, answers, strict=True):
        assert answer.scores == pytest.approx(by_hand(model, one), abs=1e-4)
        assert answer.lengths == tuple(len(option) + 1 for option in one.options)


@pytest.mark.parametrize("folder", ["llava_folder", "qwen_folder"])
def test_shared_prefix_equals_full_passes_for_padded_batches_and_any_number_of_images(
    folder: str, request: pytest.FixtureRequest, pictures: list[ArrayImage]
) -> None:
    model: Any = load_model(str(request.getfixturevalue(folder)))
    asked = [
        Request(Capability.CHOOSE, tuple(pictures[:number]), question, options)
        for number, question, options in zip((0, 1, 2, 1), QUESTIONS, OPTIONS, strict=True)
    ]
    model.answer(model.prepare(asked))

    fast = model.answer(model.prepare(asked))
    slow = model.brute_force(model.prepare(asked))

    for one, other in zip(fast, slow, strict=True):
        assert one.scores == pytest.approx(other.scores, abs=1e-4)


def test_a_changed_option_token_or_image_changes_the_score(
    llava_folder: Path, pictures: list[ArrayImage]
) -> None:
    model = load_model(str(llava_folder))
    base = Request(Capability.CHOOSE, (pictures[0],), "Q?", ("yes", "no"))
    variants = [
        Request(Capability.CHOOSE, (pictures[0],), "Q?", ("yet", "no")),
        Request(Capability.CHOOSE, (pictures[1],), "Q?", ("yes", "no")),
    ]

    clean, other_option, other_image = (model.answer(model.prepare([r]))[0] for r in [base, *variants])

    assert clean.scores is not None
    assert other_option.scores is not None
    assert other_image.scores is not None
    assert abs(clean.scores[0] - other_option.scores[0]) > 1e-2
    assert clean.scores[1] == pytest.approx(other_option.scores[1], abs=1e-4)
    assert abs(clean.scores[0] - other_image.scores[0]) > 1e-3


def test_batching_and_asking_again_do_not_change_scores(
    llava_folder: Path, pictures: list[ArrayImage]
) -> None:
    model = load_model(str(llava_folder))
    asked = requests(pictures)

    together, again = (model.answer(model.prepare(asked)) for _ in range(2))
    alone = [model.answer(model.prepare([one]))[0] for one in asked]

    assert together == again
    for one, other in zip(together, alone, strict=True):
        assert one.scores == pytest.approx(other.scores, abs=1e-4)


def test_a_cache_that_is_not_exact_is_noticed_and_not_used(
    llava_folder: Path, pictures: list[ArrayImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    model: Any = load_model(str(llava_folder))
    asked = requests(pictures)
    exact = model.brute_force(model.prepare(asked))
    monkeypatch.setattr("medaudit.models.positions.next_positions", lambda prefix, rows, length: None)
    genuine = model.network.forward
    monkeypatch.setattr(model.network, "forward", _shifted(genuine))

    answers = model.answer(model.prepare(asked))

    assert answers == exact
    assert "full pass" in model.info.notes[-1]
    assert "differs" in model.info.notes[-1]


def test_the_note_on_the_route_holds_no_measured_number() -> None:
    class Network:
        class config:
            is_encoder_decoder = False

        def modules(self) -> list[Any]:
            return []

    def scored(gap: float) -> Scorer:
        scorer = Scorer(Network(), "float32", 0)
        routes = {"full_pass": [[-1.0]], "shared_prefix": [[-1.0 - gap]]}
        with pytest.MonkeyPatch.context() as patch:
            for name, scores in routes.items():
                patch.setattr(likelihood, name, lambda *_, scores=scores: scores)
            scorer.scores({}, [[[5]]])
        return scorer

    close, closer, far, further = map(scored, (5e-5, 2e-5, 5e-4, 7e-4))

    assert close.note == closer.note == "option scores: shared prefix, within 0.0001 a token of full passes"
    assert far.note == further.note
    assert "one full pass an option" in far.note
    assert close.difference == pytest.approx(5e-5)
    assert further.difference == pytest.approx(7e-4)


def _shifted(forward: Any) -> Any:
    """A network whose cached continuation is wrong, as that of some types is."""
    import functools

    @functools.wraps(forward)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        output = forward(*args, **kwargs)
        if kwargs.get("past_key_values") is not None:
            output.logits = output.logits + 0.5 * output.logits.flip(-1)
        return output

    return wrapped


def test_a_cache_that_raises_is_not_used(
    llava_folder: Path, pictures: list[ArrayImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    model: Any = load_model(str(llava_folder))
    from transformers import DynamicCache

    def refuse(self: Any, indices: Any) -> None:
        raise AttributeError("linear attention has no rows to select")

    monkeypatch.setattr(DynamicCache, "batch_select_indices", refuse)

    answers = model.answer(model.prepare(requests(pictures)))

    assert all(answer.scores for answer in answers)
    assert "AttributeError" in model.info.notes[-1]


def test_one_token_options_prove_nothing_about_the_cache() -> None:
    class Config:
        is_encoder_decoder = False

    class Network:
        config = Config()

        def modules(self) -> list[Any]:
            return []

    scorer = Scorer(Network(), "float32", 0)
    scorer.routes[False] = lambda *_: [[-1.0]]

    assert scorer.scores({}, [[[5]]]) == [[-1.0]]
    assert True not in scorer.routes


def test_an_empty_option_is_an_error_of_that_request_alone(
    llava_folder: Path, pictures: list[ArrayImage]
) -> None:
    model = load_model(str(llava_folder))
    good = Request(Capability.CHOOSE, (pictures[0],), "Q?", ("yes", "no"))
    bad = Request(Capability.CHOOSE, (pictures[0],), "Q?", ())

    first, second = model.answer(model.prepare([good, bad]))

    assert first.scores
    assert first.error is None
    assert second.error
    assert "option" in second.error
    assert second.error.startswith("ValueError: ")


def test_a_failing_batch_names_the_kind_of_error_and_never_quotes_it(
    llava_folder: Path, pictures: list[ArrayImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    model: Any = load_model(str(llava_folder))

    def fail(*_: Any) -> Any:
        raise ValueError("Has Jane Doe an effusion?")

    monkeypatch.setattr(model.scorer, "scores", fail)

    with pytest.raises(ModelError, match=r"failed on a batch \(ValueError\)") as caught:
        model.answer(model.prepare(requests(pictures)))
    assert "Jane Doe" not in str(caught.value)
