"""The question turned round, and its right answer with it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from medaudit.registry import shift
from medaudit.shifting import ShiftedCase
from medaudit.shifts.text_frames import frame_of, upper_first

if TYPE_CHECKING:
    import numpy as np

    from medaudit.case import Case

REFERENCE = (
    "Negation with an inverted reference, after MedVIGIL 2026, arXiv:2605.07919, and NegBench, Alhamoud "
    "et al. 2025, arXiv:2501.09425"
)
#: By severity. {x} is the finding with its article, {bare} without an indefinite one.
WAYS = (
    "{Be} {x} absent?",
    "Is the image free of {bare}?",
    "Is it true that there {be} no {bare}?",
    "Is it false that there {be} {x}?",
    "Is it false that {x} {be} absent?",
)
#: The severity whose two negations cancel.
DOUBLE = 5
_SOME = re.compile(r"^(?:any|an?|some) ", re.IGNORECASE)
# Quantities, choices and definite things do not turn into their absence by a rule.
_UNSURE = re.compile(
    r"\b(?:and|or|no|not|non|without|none|never|absence|absent|free of|lack\w*|multiple|several|many|much"
    r"|more|less|few|fewer|all|both|every|each|either|only|just|other|another|enough|most|one|two|three"
    r"|four|five|normal|something|anything|everything)\b|\d|^(?:the|this|these|that|those|your|his|her)\b",
    re.IGNORECASE,
)


@shift("negation", family="text", reference=REFERENCE, stage="case", default=False)
def negation(case: Case, severity: int, rng: np.random.Generator) -> ShiftedCase | None:
    """The question asks for the absence of the finding, and the right answer is the other one.

    ========  =====================================  ===============
    severity  "Is there a nodule?"                   right answer
    1         Is a nodule absent?                    inverted
    2         Is the image free of nodule?           inverted
    3         Is it true that there is no nodule?    inverted
    4         Is it false that there is a nodule?    inverted
    5         Is it false that a nodule is absent?   as it was
    ========  =====================================  ===============

    Only for yes/no questions about the presence of one indefinite thing; others are left out. "Isn't
    there" and "Is there no" are not used: people do not agree on what their "no" means. ``meaning`` maps
    yes to no and no to yes, except at severity 5. Nothing is drawn at random.
    """
    subject, plural = negatable(case)
    if not subject:
        return None
    be = "are" if plural else "is"
    x = _SOME.sub("", subject) if subject.casefold().startswith(("any ", "some ")) else subject
    words = {"x": x, "bare": _SOME.sub("", subject), "be": be, "Be": upper_first(be)}
    question = WAYS[severity - 1].format(**words)
    if severity == DOUBLE:
        return ShiftedCase(replace(case, question=question))
    first, second = case.options
    other = {first: second, second: first}
    right = next(option for option in case.options if option.casefold() == case.answer.strip().casefold())
    return ShiftedCase(replace(case, question=question, answer=other[right]), meaning=other)


def negatable(case: Case) -> tuple[str, bool]:
    """What a yes/no question asks the presence of, and whether it is plural; empty where no rule is sure."""
    if {option.strip().casefold() for option in case.options} != {"yes", "no"}:
        return "", False
    frame = frame_of(case.question)
    if frame is None or frame.kind != "presence" or _UNSURE.search(frame.subject):
        return "", False
    return frame.subject, frame.plural
