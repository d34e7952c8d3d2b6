"""Class prompts: a question and its options become texts that a contrastive model can compare with.

Contrastive models were trained on captions, not on questions. Rule:

- options *yes* and *no*, question "Is there X?" (also "Are there", "Does the image show", "Is X present?"):
  statements such as "there is X" against "there is no X";
- options *yes* and *no*, any other question, and a negated one ("Is there no X?"), whose statements
  would deny twice: the question followed by the option;
- other options: the option alone, as captions, and after the question.

Each option gets several texts (an ensemble), whose normalised embeddings are averaged.

Reference: A. Radford et al., Learning Transferable Visual Models From Natural Language Supervision, 2021,
section 3.1.4 (prompt engineering and ensembling).
"""

from __future__ import annotations

import re

TEMPLATES = (
    "{option}",
    "a photo of {option}",
    "a medical image showing {option}",
    "{question} {option}",
)
PRESENT = ("there is {finding}", "a medical image showing {finding}", "{finding} is present")
ABSENT = ("there is no {finding}", "a medical image without {finding}", "{finding} is absent")

#: A question that denies already: its finding cannot be put into a statement that denies again.
_DENIES = re.compile(
    r"\b(?:no|not|cannot|never|neither|nor|none|without|absence|lack)\b|n['\u2019]t\b", re.IGNORECASE
)
_ARTICLE = r"(?:an?\s+|any\s+|the\s+|evidence\s+of\s+)*"
_ASKS = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"^(?:is|are)\s+there\s+{_ARTICLE}(?P<finding>.+?)\??$",
        rf"^do(?:es)?\s+.{{0,40}}?\b(?:show|contain|have)\s+{_ARTICLE}(?P<finding>.+?)\??$",
        rf"^(?:is|are)\s+{_ARTICLE}(?P<finding>.+?)\s+(?:present|visible|seen)\??$",
    )
]


def class_prompts(prompt: str, options: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Texts of each option, in order of the options."""
    question = bare_question(prompt)
    folded = [option.strip().casefold() for option in options]
    if set(folded) == {"yes", "no"}:
        finding = asked_finding(question)
        if finding is None:
            return tuple((f"{question} {option}",) for option in options)
        statements = {"yes": PRESENT, "no": ABSENT}
        return tuple(
            tuple(template.format(finding=finding) for template in statements[answer]) for answer in folded
        )
    return tuple(
        tuple(template.format(question=question, option=option) for template in TEMPLATES)
        for option in options
    )


def asked_finding(question: str) -> str | None:
    """What a yes/no question asks for: ``"Is there an effusion?"`` gives ``"effusion"``.

    None for other questions and for negated ones (``"Is there no effusion?"``).
    """
    if _DENIES.search(question):
        return None
    for pattern in _ASKS:
        if match := pattern.match(question.strip()):
            return match["finding"].strip(" ?.")
    return None


def rule() -> list[list[str]]:
    """Every text and pattern that decides what class prompts look like."""
    patterns = [pattern.pattern for pattern in (*_ASKS, _DENIES)]
    return [list(TEMPLATES), list(PRESENT), list(ABSENT), patterns]


def bare_question(prompt: str) -> str:
    """The question without the lines that list its options and ask for a format."""
    question = prompt.rsplit("\nAnswer ", 1)[0]
    return question.split("\nA. ", 1)[0].strip()
