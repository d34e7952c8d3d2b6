"""Ways to get an option out of a model, one number each and never mixed: how a case is put, how it is read.

============  =================================================================================
mode          the choice is
============  =================================================================================
``text``      what the written answer says, by this package's own parser
``choose``    the likeliest of what may be said: letters where options are offered by letter,
              else their words; for a letter of one token this is the next token's argmax
``prefix``    the option of largest exp(mean log p) over its own tokens, written as the answer
``free``      the option that a judge finds closest to an answer given without seeing options
============  =================================================================================
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from string import ascii_uppercase
from typing import TYPE_CHECKING

from medaudit.errors import UsageError
from medaudit.model import Capability, Request
from medaudit.prompting import lettered, prompt_for
from medaudit.stats.pair_scores import INVALID

if TYPE_CHECKING:
    from medaudit.case import Case
    from medaudit.context import Context
    from medaudit.image import Image
    from medaudit.model import Answer

#: No answer came: the pair is left out, not counted as invalid.
MISSING = -2
MODES = ("text", "choose", "prefix", "free")
NEEDS = {
    "text": Capability.GENERATE,
    "choose": Capability.CHOOSE,
    "prefix": Capability.CHOOSE,
    "free": Capability.GENERATE,
}
LETTERS = ("auto", "always")
#: What becomes of two options of equal score in ``prefix``: no choice, or the last one as published.
TIES = ("invalid", "last")
NO_LENGTHS = "the model does not say how many tokens an option has, which a mean per token needs"


@dataclass(frozen=True)
class Read:
    """The number of the chosen option, INVALID or MISSING; scores per option where the mode has them."""

    choice: int
    scores: tuple[float, ...] = ()


@dataclass(frozen=True)
class Wording:
    """How questions are put. ``letters``: "auto" offers long options by letter, "always" all of them."""

    letters: str = "auto"
    ties: str = "invalid"

    def __post_init__(self) -> None:
        for name, legal in (("letters", LETTERS), ("ties", TIES)):
            if getattr(self, name) not in legal:
                raise UsageError.unknown(f"{name} of confusion", str(getattr(self, name)), legal)


@dataclass(frozen=True)
class Mode:
    """``put`` makes the request of a case with given images, ``read`` the choice of its answer."""

    name: str
    put: Callable[[Case, tuple[Image, ...]], Request]
    read: Callable[[Case, Answer], Read]


def modes_of(ctx: Context, wanted: tuple[str, ...], wording: Wording) -> list[Mode]:
    """The modes asked for that this model can be asked in, ``free`` apart. UsageError for an unknown name."""
    for name in wanted:
        if name not in MODES:
            raise UsageError.unknown("mode of confusion", str(name), MODES)
    built = (_text(ctx, wording), _choose(ctx, wording), _prefix(wording))
    offered = ctx.model.capabilities
    return [mode for mode in built if NEEDS[mode.name] in offered and (not wanted or mode.name in wanted)]


def _text(ctx: Context, wording: Wording) -> Mode:
    def put(case: Case, images: tuple[Image, ...]) -> Request:
        return Request(Capability.GENERATE, images, prompt_for(_lettered(case, wording)))

    def read(case: Case, answer: Answer) -> Read:
        asked = _lettered(case, wording)
        grade = ctx.grade(asked, answer)
        if grade.score is None:
            return Read(MISSING)
        return Read(INVALID if grade.choice is None else asked.options.index(grade.choice))

    return Mode("text", put, read)


def _choose(ctx: Context, wording: Wording) -> Mode:
    # A model that writes nothing compares the words with the picture: a letter would mean nothing to it.
    writes = Capability.GENERATE in ctx.model.capabilities

    def put(case: Case, images: tuple[Image, ...]) -> Request:
        asked = _lettered(case, wording) if writes else case
        by_letter = writes and lettered(asked.options)
        options = tuple(ascii_uppercase[: len(asked.options)]) if by_letter else asked.options
        return Request(Capability.CHOOSE, images, prompt_for(asked, letters=by_letter), options)

    def read(case: Case, answer: Answer) -> Read:
        scores = _scores(case, answer)
        return Read(MISSING) if scores is None else Read(likeliest(scores, "invalid"), scores)

    return Mode("choose", put, read)


def _prefix(wording: Wording) -> Mode:
    def put(case: Case, images: tuple[Image, ...]) -> Request:
        return Request(Capability.CHOOSE, images, prompt_for(case, letters=False), case.options)

    def read(case: Case, answer: Answer) -> Read:
        scores = _scores(case, answer)
        if scores is None or len(answer.lengths) != len(scores) or not all(answer.lengths):
            return Read(MISSING)
        per_token = tuple(score / length for score, length in zip(scores, answer.lengths, strict=True))
        return Read(likeliest(per_token, wording.ties), per_token)

    return Mode("prefix", put, read)


def likeliest(scores: tuple[float, ...], ties: str) -> int:
    """The option of the highest score; NaN, and a tie unless the last is to win it, chooses none."""
    best = max(scores)
    if any(map(math.isnan, scores)) or (scores.count(best) > 1 and ties == "invalid"):
        return INVALID
    return len(scores) - 1 - scores[::-1].index(best)


def _scores(case: Case, answer: Answer) -> tuple[float, ...] | None:
    if answer.error is not None or answer.scores is None or len(answer.scores) != len(case.options):
        return None
    return answer.scores


def _lettered(case: Case, wording: Wording) -> Case:
    """The case with letters for options, where every question is to be answered by letter."""
    short = all(len(option.strip()) < 2 for option in case.options)
    if (
        wording.letters == "auto"
        or short
        or lettered(case.options)
        or len(case.options) > len(ascii_uppercase)
    ):
        return case
    letters = tuple(ascii_uppercase[: len(case.options)])
    lines = [f"{letter}. {option}" for letter, option in zip(letters, case.options, strict=True)]
    folded = [option.strip().casefold() for option in case.options]
    right = letters[folded.index(case.answer.strip().casefold())]
    question = "\n".join([case.question, *lines])
    return replace(case, question=question, options=letters, answer=right)
