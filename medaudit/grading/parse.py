"""From what a model said to the option that it chose, without knowing the right answer.

One strict parser for every closed question. Statements are read in this order, and the first kind that
says anything decides: an envelope (JSON, ``<answer>``, box); "final answer"; "the answer is"; "therefore";
an option standing alone; any option asserted. Two different options at one level are no choice. A single
stated option is the choice even when guarded ("probably left"). Other words for yes and no ("yep", "true")
are invalid: the prompt names the words. Options may be in any script; refusals, hedges and negations are
known in English only.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

from medaudit.grading.letters import letter_mentions, letters_for
from medaudit.grading.mention import Mention, OptionWords
from medaudit.grading.outcome import AnswerClass, Parsed
from medaudit.grading.polarity import Stance, stances
from medaudit.grading.reasoning import without_reasoning
from medaudit.grading.refusal import hedges, refuses
from medaudit.grading.statement import answers, conclusions, enveloped, final_answers, standing_alone
from medaudit.grading.text import clean, normalise, words

_INVALID = Parsed(AnswerClass.INVALID)
_EMPTY = Parsed(AnswerClass.EMPTY)


def parse_choice(text: str, options: Sequence[str]) -> Parsed:
    """Which option does this answer choose, or in which way does it choose none?

    Letters count where :func:`medaudit.prompting.lettered` offers them, or where the options are letters.
    Never raises. Of a long text only both ends are read (:mod:`medaudit.grading.text`), so time is bounded.
    """
    if text.strip() and (same := _only(option for option in options if option.strip() == text.strip())):
        return Parsed(AnswerClass.CHOICE, same)
    answer = without_reasoning(text)
    return _INVALID if answer is None else _reader(tuple(options)).read(clean(answer))


def _only(options: Iterable[str]) -> str | None:
    found = list(options)
    return found[0] if len(found) == 1 else None


def _folded(text: str) -> str:
    return clean(text).casefold()


def _by(spelling: Callable[[str], Hashable], options: Sequence[str]) -> dict[Hashable, str | None]:
    """Spelling -> option; None where options share it."""
    result: dict[Hashable, str | None] = {}
    for option in options:
        key = spelling(option)
        result[key] = None if key in result else option
    return result


class _Reader:
    """One set of options, ready to read answers."""

    def __init__(self, options: Sequence[str]) -> None:
        self.words = OptionWords(options)
        self.spelt = [(spelling, _by(spelling, options)) for spelling in (_folded, words, normalise)]
        self.letters = letters_for(options)

    def read(self, text: str) -> Parsed:
        if not any(char.isalnum() for char in text):
            return self._exact(text) or _EMPTY
        if exact := self._exact(text):
            return exact
        if inside := enveloped(text):
            return _agreed([self._inside(region) for region in inside]) or _INVALID
        for find in (final_answers, answers):
            said = [self._said(region) for region in find(text)]
            if decided := _agreed([parsed for parsed in said if parsed]):
                return decided
        said = [self._said(region) for region in conclusions(text)]
        # "Therefore, a follow-up might help" hedges nothing: conclusions only ever choose.
        if decided := _agreed([parsed for parsed in said if parsed and parsed.choice is not None]):
            return decided
        return self._said(text) or _INVALID

    def _inside(self, region: str) -> Parsed:
        region = clean(region)
        if not any(char.isalnum() for char in region):
            return self._exact(region) or _EMPTY
        return self._said(region) or _INVALID

    def _exact(self, text: str) -> Parsed | None:
        """The text is an option: in its spelling, in its words, or in its normalised words."""
        for spelling, options in self.spelt:
            said = spelling(text)
            if said and (option := options.get(said)) is not None:
                return Parsed(AnswerClass.CHOICE, option)
        return None

    def _said(self, text: str) -> Parsed | None:
        """What a piece of text chooses; None when it names no option, refuses nothing and hedges nothing."""
        if exact := self._exact(text):
            return exact
        named = sorted(
            self.words.mentions(text) + letter_mentions(text, self.letters), key=lambda m: (m.start, m.end)
        )
        stance = stances(text, named)
        stated = [mention for mention, how in zip(named, stance, strict=True) if how is Stance.ASSERTED]
        refuted = {mention.option for mention, how in zip(named, stance, strict=True) if how is Stance.DENIED}
        alone = standing_alone(text, stated)
        chosen = {mention.option for mention in alone or stated}
        if len(chosen) == 1 and (alone or not chosen & refuted):
            option = chosen.pop()
            return Parsed(AnswerClass.CHOICE, option) if option is not None else _INVALID
        if refuses(text):
            return Parsed(AnswerClass.REFUSAL)
        if hedges(text) or (len(chosen) > 1 and _alternatives(text, alone or stated)):
            return Parsed(AnswerClass.HEDGE)
        return _INVALID if stated else None


def _alternatives(text: str, mentions: Sequence[Mention]) -> bool:
    """Whether two of the mentions are joined by "or"."""
    gaps = [text[a.end : b.start] for a, b in pairwise(mentions)]
    return any({"or"} & set(words(gap)) or "/" in gap for gap in gaps if len(gap) < 40)


def _agreed(parsed: Sequence[Parsed]) -> Parsed | None:
    distinct = set(parsed)
    if len(distinct) > 1:
        return _INVALID
    return distinct.pop() if distinct else None


@lru_cache(maxsize=256)
def _reader(options: tuple[str, ...]) -> _Reader:
    return _Reader(options)
