"""Where a text names the options, by their words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from medaudit.grading.refusal import set_phrases
from medaudit.grading.text import tokens, words

# "no" before a word is a determiner ("there is no effusion"), not an answer, unless it comes first.
_AFTER_NO = re.compile(
    r"\s*(?:\Z|[.,;:!?)\]}\"'/\n]|-\s)|\s+(?:and|or|because|since|but|no)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Mention:
    """A span of the text that names an option; None names one that is not on offer, or two at once."""

    start: int
    end: int
    option: str | None
    letter: bool = False


class OptionWords:
    """The options as sequences of whole words; of two that begin at one place the longer wins."""

    def __init__(self, options: Sequence[str]) -> None:
        self.by_words: dict[tuple[str, ...], str | None] = {}
        for option in options:
            key = words(option)
            self.by_words[key] = None if key in self.by_words else option
        self.by_words.pop((), None)
        self._by_first: dict[str, list[tuple[str, ...]]] = {}
        for key in sorted(self.by_words, key=len, reverse=True):
            # A lone letter is an article or a pronoun more often than an answer: letters.py reads those.
            if not (len(key) == 1 and len(key[0]) == 1 and key[0].isascii() and key[0].isalpha()):
                self._by_first.setdefault(key[0], []).append(key)

    def mentions(self, text: str) -> list[Mention]:
        """Every place that names an option, from left to right, without overlap."""
        found = tokens(text)
        said = [token.word for token in found]
        phrases = set_phrases(text)
        result: list[Mention] = []
        place = 0
        while place < len(said):
            key = self._at(said, place)
            if key is None:
                place += 1
                continue
            start, end = found[place].start, found[place + len(key) - 1].end
            if self._meant(key, text, place, (start, end), phrases):
                result.append(Mention(start, end, self.by_words[key]))
            place += len(key)
        return result

    def _at(self, said: list[str], place: int) -> tuple[str, ...] | None:
        for key in self._by_first.get(said[place], ()):
            if tuple(said[place : place + len(key)]) == key:
                return key
        return None

    def _meant(
        self,
        key: tuple[str, ...],
        text: str,
        place: int,
        span: tuple[int, int],
        phrases: list[tuple[int, int]],
    ) -> bool:
        start, end = span
        if any(low < end and start < high and not (start <= low and high <= end) for low, high in phrases):
            return False
        if key != ("no",):
            return True
        joined = text[end : end + 1] == "-" and text[end + 1 : end + 2].isalnum()
        return (place == 0 and not joined) or _AFTER_NO.match(text, end) is not None
