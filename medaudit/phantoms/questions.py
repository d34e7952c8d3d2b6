"""What is asked about a chest phantom, in which words, and what the truth is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from medaudit.phantoms.chest import ChestSpec
from medaudit.phantoms.lesions import KINDS, SIDES, Kind

YES_NO = ("yes", "no")
Truth: TypeAlias = Callable[[ChestSpec], str | None]


@dataclass(frozen=True, slots=True)
class Question:
    """One question: canonical words, options, and the answer that a spec implies.

    ``truth`` is None where the question does not apply: a side question about a finding that is absent or
    on both sides. ``variants`` are other wordings that a trained phantom has read.
    """

    name: str
    text: str
    options: tuple[str, ...]
    truth: Truth
    variants: tuple[str, ...] = ()


def _article(kind: Kind) -> str:
    return f"a {kind}" if kind == "nodule" else f"an {kind}"


def _presence(kind: Kind) -> Question:
    noun = _article(kind)
    return Question(
        name=kind,
        text=f"Is there {noun}?",
        options=YES_NO,
        truth=lambda spec: "yes" if spec.sides(kind) else "no",
        variants=(
            f"Is there {noun} in this picture?",
            f"Is {noun} present?",
            f"Does this image show {noun}?",
            f"Do you see {noun}?",
        ),
    )


def _side(kind: Kind) -> Question:
    def truth(spec: ChestSpec) -> str | None:
        sides = spec.sides(kind)
        return sides[0] if len(sides) == 1 else None

    return Question(
        name=f"{kind}-side",
        text=f"On which side of the patient is the {kind}?",
        options=SIDES,
        truth=truth,
        variants=(f"Which lung holds the {kind}?", f"Is the {kind} left or right?"),
    )


def _main(spec: ChestSpec) -> str | None:
    if len(spec.lesions) > 1:
        return None
    return spec.lesions[0].kind if spec.lesions else "normal"


MAIN = Question(
    name="main",
    text="What is the main finding?",
    options=("normal", *KINDS),
    truth=_main,
    variants=("What does this picture show?", "Which finding is seen?"),
)

QUESTIONS: tuple[Question, ...] = (*map(_presence, KINDS), *map(_side, KINDS), MAIN)
BY_NAME = {question.name: question for question in QUESTIONS}
