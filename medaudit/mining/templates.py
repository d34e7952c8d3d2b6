"""Questions about an attribute that no case asks about, and what such a question must not do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING

from medaudit.errors import UsageError
from medaudit.mining.pool import folded

if TYPE_CHECKING:
    from medaudit.case import Case

YES_NO = frozenset({"yes", "no"})
#: Options of which one is this many characters longer, and this many times as long, are told apart by length.
_LONGER, _TIMES = 10, 2.0
_WORD = re.compile(r"[^\W_]+")
_HINTS = re.compile(
    r"\b(first|second|other|left|right) (image|picture|scan)\b|\b(image|picture|scan) [0-9ab]\b", re.I
)


@dataclass(frozen=True)
class Template:
    """A question, and how each value of the attribute is worded as an option; others stand as they are."""

    question: str
    phrases: Mapping[str, str] = field(default_factory=dict)

    def options(self, values: Iterable[str]) -> tuple[str, ...]:
        """How the values (folded, as mining compares them) are worded."""
        worded = {folded(value): phrase for value, phrase in self.phrases.items()}
        return tuple(worded.get(value, value) for value in values)


_QUESTIONS = {
    "laterality": "On which side is the finding?",
    "side": "On which side is the finding?",
    "location": "Where is the finding?",
    "size": "What size is the finding?",
    "view": "Which view is shown?",
    "modality": "Which modality is shown?",
    "label": "Which finding is shown?",
}


def template_for(column: str, values: Iterable[str], given: Template | None = None) -> Template:
    """The question that tells values of a column apart: the one given, else a plain one.

    A column of yes and no becomes *Is there a COLUMN?*, any other *Which COLUMN is shown?* UsageError where
    two of the options make a question that answers itself; see :func:`problems`.
    """
    listed = list(values)
    chosen = given or Template(_plain(column, frozenset(listed)))
    for pair in combinations(listed, 2):
        wrong = problems(chosen.question, chosen.options(pair))
        if wrong:
            raise UsageError(
                f"The question for {column!r}, {chosen.question!r}, with options "
                f"{' / '.join(chosen.options(pair))}: {wrong[0]}. Give a Template for this column."
            )
    return chosen


def problems(question: str, options: Sequence[str], names: Iterable[str] = ()) -> list[str]:
    """What would let a reader answer without the pictures, or tell which picture is meant; empty if nothing.

    Options must be two or more, distinct, not in the question unless all are, alike in length and in style
    (capitals, digits); the question must not point at one of the pictures, nor hold one of ``names``.
    """
    found: list[str] = []
    said = [" ".join(option.casefold().split()) for option in options]
    if len(said) < 2 or not all(said) or len(set(said)) < len(said):
        return ["two or more different options are needed, none empty"]
    text, worded = _words(question), [_words(option) for option in said]
    # Naming all options is no hint: "small or large?".
    if 0 < sum(words in text for words in worded) < len(worded):
        found.append("the question holds one of its options and not the others")
    long, short = max(map(len, said)), min(map(len, said))
    if long - short > _LONGER and long > _TIMES * short:
        found.append("one option is much longer than another")
    if len({(option.strip()[0].isupper(), option.strip()[0].isdigit()) for option in options}) > 1:
        found.append("options differ in style: capitals or digits")
    if _HINTS.search(question) or any(name and name.casefold() in question.casefold() for name in names):
        found.append("the question points at one of the pictures")
    return found


def asked(cases: Sequence[Case], column: str, template: Template, value: str, options: Sequence[str]) -> Case:
    """The template's question about the picture of these cases, whose value is ``value``.

    The case keeps group, metadata, regions and split of the first of them, and names it in its id.
    """
    return replace(
        cases[0],
        id=f"{cases[0].id}#{column}",
        question=template.question,
        options=template.options(options),
        answer=template.options([value])[0],
        pair=None,
    )


def _words(text: str) -> str:
    """Words alone, a blank before and after each, so that one text is looked for in another word by word."""
    return f" {' '.join(_WORD.findall(text.casefold()))} "


def _plain(column: str, values: frozenset[str]) -> str:
    name = column.replace("_", " ").strip()
    if values <= YES_NO:
        return f"Is there {'an' if name[:1].casefold() in 'aeiou' else 'a'} {name}?"
    return _QUESTIONS.get(name.casefold(), f"Which {name} is shown?")
