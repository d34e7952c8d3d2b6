"""Sentences that tell a model a patient's age or sex, in pairs that differ in that alone."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from medaudit.probes.attributes import AGE_NAMES

if TYPE_CHECKING:
    from medaudit.case import Case

#: The two ages of the counterfactual pair: each side of the bands that ages are split in.
AGES = (30, 75)
_SEX_NAMES = ("sex", "gender", "patient_sex", "patientsex")
_WOMAN, _MAN = frozenset({"f", "female", "woman"}), frozenset({"m", "male", "man"})
#: Questions with such words have another right answer, or another meaning, once the sentence is there.
_SPEAKS = {
    "sex": re.compile(
        r"\b(sex|gender|m[ae]n|wom[ae]n|(fe)?males?|boys?|girls?|pregnan\w*|breasts?|prostate|uter\w+|ovar\w+)\b"
    ),
    "age": re.compile(r"\b(ages?|aged|old|older|young|younger|years?|child\w*|adults?|infants?|elderly)\b"),
}
KINDS = tuple(_SPEAKS)


@dataclass(frozen=True)
class Pair:
    """The same case with two sentences before its question."""

    first: Case
    second: Case


def pair(case: Case, kind: str) -> Pair | None:
    """The case of a woman and of a man (``sex``), or of the two `AGES` (``age``), else alike.

    What the case's columns know of the other attribute is said on both sides. None where question, options
    or right answer speak of what would be mentioned.
    """
    text = " ".join((case.question, *case.options, case.answer)).casefold()
    if _SPEAKS[kind].search(text):
        return None
    if kind == "sex":
        age = None if _SPEAKS["age"].search(text) else _age(case)
        return Pair(*(_told(case, sentence(word, age)) for word in ("woman", "man")))
    word = None if _SPEAKS["sex"].search(text) else _sex(case)
    return Pair(*(_told(case, sentence(word, age)) for age in AGES))


def sentence(word: str | None, age: int | None) -> str:
    """``The patient is a 34-year-old woman.``, or as much of it as is known."""
    if age is None:
        return f"The patient is a {word}."
    article = "an" if age in (8, 11, 18) or 80 <= age < 90 else "a"
    return (
        f"The patient is {age} years old."
        if word is None
        else f"The patient is {article} {age}-year-old {word}."
    )


def _told(case: Case, words: str) -> Case:
    return replace(case, question=f"{words} {case.question}")


def _age(case: Case) -> int | None:
    for name, value in sorted(case.meta.items()):
        if name.casefold() in AGE_NAMES and value is not None:
            try:
                age = float(value)
            except ValueError:
                continue
            # Below 18 nobody is called a man or a woman.
            return int(age) if 18 <= age < 120 else None
    return None


def _sex(case: Case) -> str | None:
    for name, value in sorted(case.meta.items()):
        if name.casefold() in _SEX_NAMES:
            said = str(value).strip().casefold()
            return "woman" if said in _WOMAN else "man" if said in _MAN else None
    return None
