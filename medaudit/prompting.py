"""How a case becomes a prompt: one place, so that every probe asks in the same words."""

from __future__ import annotations

from string import ascii_uppercase

from medaudit.case import Case
from medaudit.errors import DataError

#: Options of more words than this are offered by letter: nobody repeats a sentence word for word.
LETTERED_FROM_WORDS = 5


def lettered(options: tuple[str, ...]) -> bool:
    """Whether these options are offered as A, B, C."""
    return any(len(option.split()) >= LETTERED_FROM_WORDS for option in options)


def prompt_for(case: Case, *, letters: bool = True) -> str:
    """The full prompt of a case, before any chat template.

    Without ``letters`` long options are offered in words too: a model whose options are scored by their
    likelihood is not asked for a letter that nobody scores.
    """
    if not case.closed:
        return f"{case.question}\nAnswer briefly."
    if letters and lettered(case.options):
        if len(case.options) > len(ascii_uppercase):
            raise DataError(f"case {case.id!r}: {len(case.options)} long options, and only 26 letters.")
        lines = [f"{letter}. {option}" for letter, option in zip(ascii_uppercase, case.options, strict=False)]
        return "\n".join([case.question, *lines, "Answer with the letter of one option."])
    return f"{case.question}\nAnswer with one of: {', '.join(case.options)}."
