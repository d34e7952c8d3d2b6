"""What a case is asked, and what the right answer to it is: the strata that a fair comparison holds fixed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from medaudit.predicates import says_nothing

if TYPE_CHECKING:
    from medaudit.case import Case

TYPE_COLUMNS = ("question_type", "content_type", "semantic_type")
#: Wordings tell kinds of question apart only where there are few of them.
MOST_WORDINGS = 12
#: Right answers of open questions that are rarer than this count as one.
LEAST_ANSWERS = 5


def kinds(cases: Sequence[Case]) -> list[Hashable]:
    """The kind of each question: its type where the data name it, else its wording, else its options."""
    wordings = {_folded(case.question) for case in cases}
    return [_kind(case, len(wordings) <= MOST_WORDINGS) for case in cases]


def answers(cases: Sequence[Case]) -> list[Hashable]:
    """The right answer of each case; rare ones of open questions are one."""
    counts = Counter(_folded(case.answer) for case in cases)
    return [
        _folded(case.answer) if case.closed or counts[_folded(case.answer)] >= LEAST_ANSWERS else None
        for case in cases
    ]


def strata(cases: Sequence[Case]) -> list[Hashable]:
    """Kind of question and right answer together."""
    return list(zip(kinds(cases), answers(cases), strict=True))


def _kind(case: Case, by_wording: bool) -> Hashable:
    for column in TYPE_COLUMNS:
        value = case.meta.get(column)
        if not says_nothing(value):
            return str(value).casefold()
    return _folded(case.question) if by_wording else tuple(sorted(map(_folded, case.options)))


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
