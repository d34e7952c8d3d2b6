"""The recipe: bounded, repeatable, the text tower untouched, and plain tuning as its control."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from medaudit.errors import NotApplicableError, UsageError
from medaudit.image import ArrayImage
from medaudit.mitigation import Lesson, Recipe
from medaudit.model import Capability, Request
from medaudit.testing import context_for, oracle, synthetic_cases
from medaudit.whitebox.lora import digest

from .conftest import OPTIONS, PROMPT


@pytest.fixture(scope="module")
def recipe(lessons: tuple[Lesson, ...]) -> Recipe:
    return Recipe(PROMPT, OPTIONS, lessons, steps=12, batch=6, learning_rate=3e-3)


def loudness(model: Any, lessons: tuple[Lesson, ...]) -> float:
    """How much more like any class the spurious region is than the best other one like the right class."""
    ctx = context_for(synthetic_cases(4), model)
    texts = model.class_vectors(PROMPT, OPTIONS).detach().numpy()
    found = ctx.embed([lesson.image for lesson in lessons], boxes=[lesson.boxes for lesson in lessons])
    cosines = [rows @ texts.T for rows in found]
    pairs = zip(cosines, lessons, strict=True)
    return float(np.mean([each[0].max() - each[1:, lesson.label].max() for each, lesson in pairs]))


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_the_loss_falls_and_nothing_but_the_image_tower_moves(
    kind: str, recipe: Recipe, tiny: Any, lessons: tuple[Lesson, ...]
) -> None:
    model = tiny(kind)
    before = digest(model.network.state_dict())

    tuned, report = recipe.teach(model)
    plain, _ = replace(recipe, lam=1.0).teach(model)

    assert report.loss_after < 0.95 * report.loss_before
    assert (report.steps, report.examples, report.target) == (12, 6, "vision")
    assert digest(model.network.state_dict()) == before == report.base_digest
    states, own = model.network.state_dict(), tuned.network.state_dict()
    moved = {name for name in own if not (own[name] == states[name]).all()}
    assert moved
    assert all("vision_model" in name for name in moved)
    assert loudness(tuned, lessons) < loudness(model, lessons) - 0.05
    # Control: tuning alone moves it little, and how little hangs on the order in which threads add up.
    assert loudness(tuned, lessons) < loudness(plain, lessons) - 0.1


def test_lambda_one_is_the_choice_that_the_model_is_asked_for(recipe: Recipe, tiny: Any) -> None:
    """Before any step the loss is -log softmax of the cosines over tau, whatever is marked."""
    model = tiny("clip")
    plain = replace(recipe, lam=1.0, steps=0)
    cosines = [
        model.embed_images([lesson.image])[0] @ model.class_vectors(PROMPT, OPTIONS).detach().numpy().T
        for lesson in recipe.lessons
    ]
    expected = np.mean(
        [
            np.log(np.exp(row / 0.07).sum()) - row[lesson.label] / 0.07
            for row, lesson in zip(cosines, recipe.lessons, strict=True)
        ]
    )

    _, report = plain.teach(model)

    assert report.loss_before == pytest.approx(float(expected), abs=1e-4)
    unmarked = replace(
        plain, lessons=tuple(replace(each, boxes=(), spurious=()) for each in plain.lessons), steps=3
    )
    assert unmarked.teach(model)[1].losses == replace(plain, steps=3).teach(model)[1].losses
    assert replace(recipe, steps=0).teach(model)[1].loss_before != pytest.approx(report.loss_before)


def test_a_recipe_repeats_itself_and_its_digest_says_when_it_would_not(recipe: Recipe, tiny: Any) -> None:
    model, short = tiny("clip"), replace(recipe, steps=3)
    (one, first), (two, second) = short.teach(model), short.teach(model)

    assert digest(one.network.state_dict()) == digest(two.network.state_dict())
    assert first.losses == second.losses
    assert short.digest == replace(recipe, steps=3).digest
    other = ArrayImage(np.zeros((64, 64, 3), dtype=np.uint8), name="p0")
    changed = [
        replace(short, lam=0.5),
        replace(short, steps=4),
        replace(short, seed=1),
        replace(short, prompt="Is there a nodule?"),
        replace(short, options=("no", "yes")),
        *(
            replace(short, lessons=(replace(short.lessons[0], **field), *short.lessons[1:]))
            for field in (
                {"label": 1},
                {"spurious": (False,) * 4},
                {"image": other},
                {"boxes": ((0, 0, 9, 9), *short.lessons[0].boxes[1:])},
            )
        ),
    ]
    assert len({short.digest, *(each.digest for each in changed)}) == len(changed) + 1


def test_the_tuned_model_answers_like_any_other(recipe: Recipe, tiny: Any) -> None:
    model = tiny("siglip")
    requests = [Request(Capability.CHOOSE, (each.image,), PROMPT, OPTIONS) for each in recipe.lessons]

    tuned, _ = recipe.teach(model)

    said = [int(np.argmax(answer.scores)) for answer in tuned.answer(tuned.prepare(requests))]
    assert said == [lesson.label for lesson in recipe.lessons]
    assert tuned.info.fingerprint != model.info.fingerprint


def test_only_a_joint_space_can_be_tuned_so(recipe: Recipe) -> None:
    with pytest.raises(NotApplicableError, match="one space"):
        recipe.teach(oracle(synthetic_cases(4)))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({"lam": 2.0}, "lambda"), ({"steps": 10_000}, "steps"), ({"batch": 0}, "batch"), ({"rank": 0}, "rank")],
)
def test_settings_out_of_bounds_are_refused(settings: dict[str, Any], expected: str, recipe: Recipe) -> None:
    with pytest.raises(UsageError, match=expected):
        replace(recipe, **settings)


@pytest.mark.parametrize("wrong", [{"label": 2}, {"label": -2}, {"spurious": (True,)}])
def test_lessons_that_do_not_fit_are_refused(wrong: dict[str, Any], recipe: Recipe) -> None:
    with pytest.raises(UsageError, match="place of an option"):
        replace(recipe, lessons=(replace(recipe.lessons[0], **wrong),))
