"""How a case becomes a prompt: one place, so that every probe asks in the same words."""

from __future__ import annotations

from string import ascii_uppercase

from medaudit.case import Case

#: Options of more words than this are offered by letter: nobody repeats a sentence word for word.
LETTERED_FROM_WORDS = 5


def lettered(options: tuple[str, ...]) -> bool:
    """Whether these options are offered as A, B, C."""
    return any(len(option.split()) >= LETTERED_FROM_WORDS for option in options)


def prompt_for(case: Case) -> str:
    """The full prompt of a case, before any chat template."""
    if not case.closed:
        return f"{case.question}\nAnswer briefly."
    if lettered(case.options):
        lines = [f"{letter}. {option}" for letter, option in zip(ascii_uppercase, case.options, strict=False)]
        return "\n".join([case.question, *lines, "Answer with the letter of one option."])
    return f"{case.question}\nAnswer with one of: {', '.join(case.options)}."
