"""What is asked about a picture, in which words, and what the truth is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

from medaudit.phantoms.modalities import modality
from medaudit.phantoms.modalities.base import Modality
from medaudit.phantoms.picture import Picture

YES_NO = ("yes", "no")
SIZES = ("small", "large")
Truth: TypeAlias = Callable[[Picture], str | None]


@dataclass(frozen=True, slots=True)
class Question:
    """One question: canonical words, options, and the answer that a picture implies.

    ``truth`` is None where the question does not apply: a side question about a finding that is absent or
    on both sides. ``variants`` are other wordings that a trained phantom has read.
    """

    name: str
    text: str
    options: tuple[str, ...]
    truth: Truth
    variants: tuple[str, ...] = ()


def _article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _presence(kind: str) -> Question:
    noun = _article(kind)
    return Question(
        name=kind,
        text=f"Is there {noun}?",
        options=YES_NO,
        truth=lambda picture: "yes" if picture.places(kind) else "no",
        variants=(
            f"Is there {noun} in this picture?",
            f"Is {noun} present?",
            f"Does this image show {noun}?",
            f"Do you see {noun}?",
        ),
    )


def _place(kind: str, of: Modality) -> Question:
    def truth(picture: Picture) -> str | None:
        found = picture.places(kind)
        return found[0] if len(found) == 1 else None

    first, second = of.places
    variants: tuple[str, ...] = (f"Is the {kind} {first} or {second}?",)
    if of.name == "chest":
        variants = (f"Which lung holds the {kind}?", *variants)
    return Question(f"{kind}-side", f"{of.asks_place} is the {kind}?", of.places, truth, variants)


def _size(kind: str) -> Question:
    def truth(picture: Picture) -> str | None:
        only = picture.lesion(kind)
        return only.label if only else None

    return Question(
        name=f"{kind}-size",
        text=f"Is the {kind} small or large?",
        options=SIZES,
        truth=truth,
        variants=(f"How big is the {kind}?", f"Which size has the {kind}?"),
    )


def _main(kinds: tuple[str, ...]) -> Question:
    def truth(picture: Picture) -> str | None:
        if len(picture.lesions) > 1:
            return None
        return picture.lesions[0].kind if picture.lesions else "normal"

    return Question(
        name="main",
        text="What is the main finding?",
        options=("normal", *kinds),
        truth=truth,
        variants=("What does this picture show?", "Which finding is seen?"),
    )


@cache
def questions(name: str) -> tuple[Question, ...]:
    """All questions about a modality: presence and place of each finding, the main, and a size."""
    kind = modality(name)
    return (
        *map(_presence, kind.kinds),
        *(_place(finding, kind) for finding in kind.kinds),
        _main(kind.kinds),
        _size(kind.kinds[-1]),
    )


@cache
def by_name(name: str) -> dict[str, Question]:
    """The same, by name: ``nodule``, ``nodule-side``, ``main``, ``nodule-size``."""
    return {question.name: question for question in questions(name)}
