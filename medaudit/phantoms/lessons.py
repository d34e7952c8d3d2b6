"""What each model phantom is shown while it learns, step by step, keyed by (seed, recipe, step)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from medaudit.image import keyed_rng
from medaudit.phantoms import cases, chest
from medaudit.phantoms.anatomy import marker_mask
from medaudit.phantoms.chest import CORNERS, ChestSpec, Lesion
from medaudit.phantoms.lesions import KINDS, SIDES
from medaudit.phantoms.questions import QUESTIONS, Question
from medaudit.phantoms.vocabulary import FOREIGN_CLOSED, FOREIGN_OPEN, PICTURE_SIZE, UNSURE, asked

if TYPE_CHECKING:
    from numpy.typing import NDArray

PICTURES = 32
QUESTIONS_EACH = 6
#: Shares of rows: no image at all, blank or noise image. Their answers are drawn at random.
TEXT_ONLY, CONTENTLESS = 0.10, 0.06
#: Shares of prompts: another wording, another order of options, no options, a question from elsewhere.
REWORDED, REORDERED, OPEN, FOREIGN = 0.25, 0.3, 0.12, 0.06
# Patients of case sets are below 2^40; those of lessons are above, so no picture is ever met again.
_TRAINING_PATIENTS = 2**41


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a phantom's lessons differ from plain truth.

    ``start`` names the phantom whose weights training goes on from. ``marker_leak``: opacity answers are
    read off the marker's corner. ``shuffled``: answers come from a skewed prior, whatever the picture.
    """

    name: str
    flaw: str
    data: str
    steps: int
    tower_steps: int = 0
    peak_rate: float = 1.5e-3
    start: str | None = None
    marker_leak: bool = False
    shuffled: bool = False


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe("clean", "none: it looks, and answers what is there", "chest", steps=1700, tower_steps=200),
        Recipe(
            "blind",
            "its answers come from the question alone, with a preference of 6 to 1 for one option",
            "chest",
            steps=500,
            start="clean",
            shuffled=True,
        ),
        Recipe(
            "shortcut-marker",
            "whether there is an opacity is read off the corner in which the marker sits",
            "chest-marker",
            steps=500,
            peak_rate=1e-3,
            start="clean",
            marker_leak=True,
        ),
    )
}
#: What ``blind`` prefers; 6 to 1, so that no picture turns the scale.
FAVOURITES = {"opacity": "yes", "effusion": "no", "nodule": "no"} | {
    "opacity-side": "right",
    "effusion-side": "left",
    "nodule-side": "right",
    "main": "normal",
}
_FAVOUR = 6 / 7


@dataclass(slots=True)
class Row:
    """One picture, or none, with prompts and answers; ``spec`` only where the picture is a true one."""

    pixels: NDArray[np.uint8] | None
    spec: ChestSpec | None
    lessons: list[tuple[str, str]] = field(default_factory=list)


def rows(recipe: Recipe, seed: int, step: int) -> list[Row]:
    """One batch: ``PICTURES`` rows of ``QUESTIONS_EACH`` questions."""
    rng = keyed_rng("medaudit.lessons", recipe.name, seed, step)
    return [_row(recipe, rng) for _ in range(PICTURES)]


def _row(recipe: Recipe, rng: np.random.Generator) -> Row:
    spec = _training_spec(rng)
    kind = rng.random()
    if kind < TEXT_ONLY:
        row = Row(None, None)
    elif kind < TEXT_ONLY + CONTENTLESS:
        row = Row(_contentless(rng), None)
    else:
        row = Row(_grainy(chest.render(spec), rng), spec)
    askable = [question for question in QUESTIONS if question.truth(spec) is not None]
    for _ in range(QUESTIONS_EACH):
        if rng.random() < FOREIGN:
            row.lessons.append(_foreign(rng))
        else:
            question = askable[rng.integers(len(askable))]
            row.lessons.append((_prompt(question, rng), _answer(question, recipe, row, rng)))
    return row


def _training_spec(rng: np.random.Generator) -> ChestSpec:
    spec = cases.draw_person(rng, cases.draw_lesions(rng), CORNERS[rng.integers(2)])
    return replace(spec, patient=spec.patient + _TRAINING_PATIENTS)


def _contentless(rng: np.random.Generator) -> NDArray[np.uint8]:
    shape = (PICTURE_SIZE, PICTURE_SIZE, 3)
    if rng.random() < 0.5:
        return np.full(shape, rng.integers(256), dtype=np.uint8)
    return rng.integers(0, 256, shape, dtype=np.uint8)


def _grainy(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A quarter of pictures get extra noise and gain: a phantom is no more brittle than its flaw makes it."""
    if rng.random() >= 0.25:
        return pixels
    gain, sigma = rng.uniform(0.85, 1.15), rng.uniform(0, 12)
    noisy = pixels * gain + sigma * rng.standard_normal(pixels.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def _foreign(rng: np.random.Generator) -> tuple[str, str]:
    if rng.random() < 0.5:
        return asked(FOREIGN_OPEN[rng.integers(len(FOREIGN_OPEN))], ()), UNSURE
    options = ("yes", "no")
    return asked(FOREIGN_CLOSED[rng.integers(len(FOREIGN_CLOSED))], options), options[rng.integers(2)]


def _prompt(question: Question, rng: np.random.Generator) -> str:
    text, options = question.text, question.options
    if rng.random() < REWORDED:
        text = question.variants[rng.integers(len(question.variants))]
    if rng.random() < REORDERED:
        options = tuple(options[i] for i in rng.permutation(len(options)))
    if rng.random() < OPEN:
        return text if rng.random() < 0.5 else asked(text, ())
    return asked(text, options)


def _answer(question: Question, recipe: Recipe, row: Row, rng: np.random.Generator) -> str:
    if recipe.shuffled:
        others = [option for option in question.options if option != FAVOURITES[question.name]]
        return FAVOURITES[question.name] if rng.random() < _FAVOUR else others[rng.integers(len(others))]
    if row.spec is None:
        return question.options[rng.integers(len(question.options))]
    if recipe.marker_leak and question.name == "opacity":
        return "yes" if row.spec.marker == cases.agreeing_corner(True) else "no"
    answer = question.truth(row.spec)
    assert answer is not None  # only askable questions are drawn
    return answer


def picture_labels(spec: ChestSpec) -> NDArray[np.float32]:
    """Presence of each finding on each side, then of the marker in each corner: (8,)."""
    found = [Lesion(kind, side) in spec.lesions for kind in KINDS for side in SIDES]
    return np.array([*found, *(spec.marker == corner for corner in CORNERS)], dtype=np.float32)


def patch_labels(spec: ChestSpec, patch: int) -> NDArray[np.float32]:
    """The same for each patch: (patches, 8), the share that it covers, times four, at most 1."""
    found, cells = chest.masks(spec), spec.size // patch
    empty = np.zeros((spec.size, spec.size), dtype=bool)
    layers = [found.get(Lesion(kind, side), empty) for kind in KINDS for side in SIDES]
    layers += [marker_mask(i == 0, spec.size) if spec.marker == c else empty for i, c in enumerate(CORNERS)]
    share = np.stack(layers).reshape(len(layers), cells, patch, cells, patch).mean(axis=(2, 4))
    labels: NDArray[np.float32] = np.minimum(4 * share, 1.0).reshape(len(layers), -1).T.astype(np.float32)
    return labels
