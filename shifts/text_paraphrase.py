"""The same question in other words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from medaudit.registry import shift
from medaudit.shifting import ShiftedCase
from medaudit.shifts.text_frames import bare, frame_of, lower_first, upper_first

if TYPE_CHECKING:
    import numpy as np

    from medaudit.case import Case
    from medaudit.shifts.text_frames import Frame

REFERENCE = "Sclar et al. 2024, ICLR, arXiv:2310.11324 (spread over wordings); templates of this project"
#: Punctuation, capitals, politeness: {q} is the question without its mark, its first letter small.
MANNERS = ("please answer: {q}?", "{q}", "{Q}? Thank you.")
_WHETHER = ("Say whether {x} {be} {said}.", "Is it correct that {x} {be} {said}?")
_LOOK = "Have a look at the picture: "
_REVIEW = "On review of this study, "
#: By kind of question, for severities 2 to 5: other frame words, rebuilt, clinical register, lay register.
TEMPLATES: dict[str, tuple[tuple[str, ...], ...]] = {
    "presence": (
        ("Do you see {x}?", "Does the image show {x}?", "Can you see {x}?"),
        ("Say whether {x} {be} present.", "Is it correct that the image shows {x}?"),
        (_REVIEW + "{be} {x} identified?", "On interpretation of this examination, {be} there {x}?"),
        (_LOOK + "can you find {x} in it?", "I would like to know if you can spot {x} in this picture."),
    ),
    "state": (
        ("Would you say that {x} {be} {said}?", "Do you find that {x} {be} {said}?"),
        _WHETHER,
        (_REVIEW + "{be} {x} {said}?", "On interpretation of this examination, {be} {x} considered {said}?"),
        (_LOOK + "{be} {x} {said}?", "I would like to know if {x} {be} {said}."),
    ),
    "choice": (
        ("Would you call {x} {said}?", "Would you say that {x} {be} {said}?"),
        ("Say whether {x} {be} {said}.",),
        (_REVIEW + "{be} {x} {said}?", "On interpretation of this examination, {be} {x} {said}?"),
        (_LOOK + "{be} {x} {said}?", "I would like to know if {x} {be} {said}."),
    ),
    "identity": (
        ("Would you say that {said} is {x}?", "Do you think {said} is {x}?"),
        ("Say whether {said} is {x}.", "Is it correct that {said} is {x}?"),
        (_REVIEW + "is {said} {x}?", "On interpretation of this examination, is {said} {x}?"),
        (_LOOK + "is {said} {x}?", "I would like to know if {said} is {x}."),
    ),
    "place": (
        ("Where do you see {x}?", "Where can {x} be seen?"),
        ("Say where {x} {be} located.", "Name the place where {x} {be} located."),
        (
            _REVIEW + "what is the location of {x}?",
            "On interpretation of this examination, where {be} {x} seen?",
        ),
        (_LOOK + "whereabouts {be} {x}?", "I would like to know where {x} {be} in this picture."),
    ),
    "side": (
        ("{said} do you see {x}?", "{said} can {x} be seen?"),
        ("Say {said} {x} {be}.", "Name the answer: {said} {be} {x}?"),
        (_REVIEW + "{said} {be} {x} located?", "On interpretation of this examination, {said} {be} {x}?"),
        (_LOOK + "{said} {be} {x}?", "I would like to know {said} {x} {be}."),
    ),
    "size": (
        ("What size {be} {x}?", "How big would you say {x} {be}?"),
        ("Say how big {x} {be}.", "Name the size of {x}."),
        (_REVIEW + "what is the size of {x}?", "On interpretation of this examination, what size {be} {x}?"),
        (_LOOK + "how big {be} {x}?", "I would like to know how big {x} {be}."),
    ),
    "what": (
        ("What would you say {x} {be}?", "What do you think {x} {be}?"),
        ("Say what {x} {be}.", "Name {x}."),
        (_REVIEW + "what {be} {x}?", "On interpretation of this examination, what {be} {x}?"),
        (_LOOK + "what {be} {x}?", "I would like to know what {x} {be}."),
    ),
}


@shift("paraphrase", family="text", reference=REFERENCE, stage="case", default=False)
def paraphrase(case: Case, severity: int, rng: np.random.Generator) -> ShiftedCase | None:
    """The same question, as another doctor or a patient would put it.

    ========  ==============================  ===============================================
    severity  what changes                    "Is there a nodule?"
    1         punctuation, politeness         please answer: is there a nodule?
    2         the words of the frame          Do you see a nodule?
    3         the build of the sentence       Say whether a nodule is present.
    4         clinical register               On review of this study, is a nodule identified?
    5         lay register                    Have a look at the picture: can you find a nodule in it?
    ========  ==============================  ===============================================

    The frame of the question (presence, state, choice, identity, place, side, size, what) is kept and so is
    what fills it, word for word; one of two or three templates is drawn. A question of no known frame is
    left out at every severity. So is "Is this a PA or AP film?": "Is it correct" would ask another thing.
    """
    frame = frame_of(case.question)
    if frame is None or _either(case, frame):
        return None
    ways = [way for way in wordings(case.question, frame, severity) if way != case.question]
    return ShiftedCase(replace(case, question=ways[int(rng.integers(len(ways)))]))


def _either(case: Case, frame: Frame) -> bool:
    """Whether a question in the form of yes or no offers two things to choose from."""
    form = frame.kind in ("presence", "state", "identity") and " or " in f" {frame.subject.casefold()} "
    return form and {option.strip().casefold() for option in case.options} != {"yes", "no"}


def wordings(question: str, frame: Frame, severity: int) -> tuple[str, ...]:
    """All wordings of a question at one severity."""
    if severity == 1:
        plain = bare(question)
        return tuple(way.format(q=lower_first(plain), Q=upper_first(plain)) for way in MANNERS)
    filled = {"x": frame.subject, "be": frame.be, "said": frame.said}
    return tuple(upper_first(way.format(**filled)) for way in TEMPLATES[frame.kind][severity - 2])
