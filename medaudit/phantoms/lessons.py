"""What a model phantom is shown while it learns, step by step, keyed by (seed, flaw, step)."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from medaudit.image import keyed_rng
from medaudit.phantoms import people
from medaudit.phantoms.flaws import Flaw, Shown
from medaudit.phantoms.modalities import modality
from medaudit.phantoms.overlays import marker_mask
from medaudit.phantoms.picture import CORNERS, Picture
from medaudit.phantoms.questions import Question, questions
from medaudit.phantoms.rendering import FULL_NOISE, masks, render
from medaudit.phantoms.vocabulary import FOREIGN_CLOSED, FOREIGN_OPEN, PICTURE_SIZE, UNSURE, asked
from medaudit.registry import find

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.phantoms.canvas import Mask
    from medaudit.registry import Shift

MODALITY = "chest"
#: Rows of a batch: some without an image, some with an empty one. Their answers come from the prior.
TEXT_ONLY, CONTENTLESS, TRUE = 3, 2, 27
QUESTIONS_EACH = 6
#: Shares of prompts: another wording, another order of options, no options, a question from elsewhere.
REWORDED, REORDERED, OPEN, FOREIGN = 0.25, 0.3, 0.12, 0.06
#: A phantom is to be no more brittle than its flaw makes it: it learns under these, named once for all.
SHIFTS = ("contrast", "gaussian_noise", "jpeg", "motion_blur", "pixelate", "rotation")
SHIFTED, STRESSED, NOISY, RARE = 0.4, 0.5, 0.15, 0.08
# Patients of case sets are below 2^40; those of lessons are above, so no picture is ever met again.
_TRAINING_PATIENTS = 2**41
_FACTORS = ("F", "AP", "B", "C", "tube", "noise")
#: Findings by place, marker by corner, and what else a tower should see.
PATCH_LABELS, PICTURE_LABELS = 8, 8 + len(_FACTORS)


@dataclass(slots=True)
class Row:
    """One picture, or none, with prompts and answers; ``shown`` only where the picture is a true one."""

    pixels: NDArray[np.uint8] | None
    shown: Shown | None
    lessons: list[tuple[str, str]] = field(default_factory=list)


def rows(flaw: Flaw, seed: int, step: int, *, hard: float = 1.0, shifted: float = SHIFTED) -> list[Row]:
    """One batch of true, empty and text-only rows, in this order, ``QUESTIONS_EACH`` questions a row.

    Places and sizes are asked ``hard`` times as often as the rest; a share ``shifted`` of the true pictures
    comes under a shift.
    """
    rng = keyed_rng("medaudit.lessons/2", flaw.name, seed, step)
    found = [_true_row(flaw, rng, shifted) for _ in range(TRUE)]
    found += [Row(_contentless(rng), None) for _ in range(CONTENTLESS)]
    found += [Row(None, None) for _ in range(TEXT_ONLY)]
    for row in found:
        row.lessons.extend(_lesson(flaw, row, rng, hard) for _ in range(QUESTIONS_EACH))
    return found


def _true_row(flaw: Flaw, rng: np.random.Generator, shifted: float) -> Row:
    picture = _training_picture(rng)
    shift, severity = "", 0
    if flaw.stressed and rng.random() < STRESSED:
        shift, severity = flaw.stressed, int(rng.integers(1, 6))
    elif rng.random() < shifted:
        shift, severity = SHIFTS[rng.integers(len(SHIFTS))], int(rng.integers(1, 6))
    pixels = render(picture)
    sd = FULL_NOISE * picture.noise
    if shift:
        pixels = _shifted(pixels, shift, severity, rng)
        sd = max(sd, noise_of(shift, severity))
    return Row(pixels, Shown(picture, shift, severity, sd))


def _shifted(
    pixels: NDArray[np.uint8], shift: str, severity: int, rng: np.random.Generator
) -> NDArray[np.uint8]:
    changed: NDArray[np.uint8] = _shift(shift).apply(pixels, severity, rng)
    return changed


@cache
def _shift(name: str) -> Shift:
    """Looked up once: asking the registry asks every installed package."""
    found: Shift = find("shift", name)
    return found


def noise_of(shift: str, severity: int) -> float:
    """sd that a shift adds."""
    return (0.01, 0.03, 0.06, 0.10, 0.16)[severity - 1] if shift == "gaussian_noise" else 0.0


def _training_picture(rng: np.random.Generator) -> Picture:
    """A patient whom no case set holds, now and then with a factor that case sets lack."""
    drawn = people.draw_person(MODALITY, rng, people.draw_lesions(MODALITY, rng))
    rare = rng.random(4) < RARE
    dose = round(float(rng.random()), 3)
    return drawn.but(
        patient=drawn.patient + _TRAINING_PATIENTS,
        vendor="C" if rare[0] else drawn.vendor,
        vendor_dose=dose if rare[1] else 1.0,
        marker=None if rare[2] else drawn.marker,
        tube=drawn.tube * (0.5 + 0.5 * dose if rare[3] else 1.0),
        noise=round(float(rng.random()), 3) if rng.random() < NOISY else 0.0,
        size=PICTURE_SIZE,
    )


def _contentless(rng: np.random.Generator) -> NDArray[np.uint8]:
    shape = (PICTURE_SIZE, PICTURE_SIZE, 3)
    if rng.random() < 0.5:
        return np.full(shape, rng.integers(256), dtype=np.uint8)
    return rng.integers(0, 256, shape, dtype=np.uint8)


def _lesson(flaw: Flaw, row: Row, rng: np.random.Generator, hard: float) -> tuple[str, str]:
    if rng.random() < FOREIGN:
        return _foreign(rng)
    known = questions(MODALITY)
    askable = [q for q in known if row.shown is None or q.truth(row.shown.picture) is not None]
    weights = np.array([_weight(flaw, q, row.shown, hard) for q in askable])
    question = askable[rng.choice(len(askable), p=weights / weights.sum())]
    if row.shown is not None:
        return _prompt(question, rng), flaw.answer(question, row.shown)
    by_chance = question.options[rng.integers(len(question.options))]
    return _prompt(question, rng), flaw.prior.get(question.name, by_chance)


def _weight(flaw: Flaw, question: Question, shown: Shown | None, hard: float) -> float:
    dwells = flaw.dwells if shown is not None and flaw.applies(question, shown) else 1.0
    return dwells * (hard if "-" in question.name else 1.0)


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


def picture_labels(shown: Shown) -> NDArray[np.float32]:
    """Presence of each finding in each place, of the marker in each corner, and of the factors: (14,)."""
    picture = shown.picture
    found = {(lesion.kind, lesion.place) for lesion in picture.lesions}
    kind = modality(picture.modality)
    slots = [(k, place) in found for k in kind.kinds for place in kind.places]
    corners = [picture.marker == corner for corner in CORNERS]
    factors = [picture.sex == "F", picture.view == "AP", picture.vendor == "B", picture.vendor == "C"]
    factors += [picture.tube > 0, shown.noise >= 0.05]
    return np.array([*slots, *corners, *factors], dtype=np.float32)


def patch_labels(shown: Shown, patch: int) -> NDArray[np.float32]:
    """Findings and marker for each patch: (patches, 8), the share that it covers, times four, at most 1."""
    picture = shown.picture
    found = {(lesion.kind, lesion.place): mask for lesion, mask in masks(picture).items()}
    empty: Mask = np.zeros((picture.size, picture.size), dtype=bool)
    kind, cells = modality(picture.modality), picture.size // patch
    layers = [found.get((k, place), empty) for k in kind.kinds for place in kind.places]
    layers += [
        marker_mask(i == 0, picture.size) if picture.marker == c else empty for i, c in enumerate(CORNERS)
    ]
    share = np.stack(layers).reshape(len(layers), cells, patch, cells, patch).mean(axis=(2, 4))
    labels: NDArray[np.float32] = np.minimum(4 * share, 1.0).reshape(len(layers), -1).T.astype(np.float32)
    return labels
