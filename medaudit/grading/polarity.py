"""Which of the options that a text names does it assert?

A mention is denied when a negation or a doubt stands before it in its clause, or its clause goes on to
deny it. It is an aside in a question, or in the reason given for an assertion before it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from enum import Enum

from medaudit.grading.mention import Mention

_LOOK_BACK = 200
_SENTENCE_END = re.compile(r"[.!?](?=[\s\"')\]]|\Z)|[;\n\u3002]")
_CLAUSE_END = re.compile(
    r"[.!?](?=[\s\"')\]]|\Z)|[,;:()\n\u3002\u3001]|\s-\s"
    r"|\b(?:but|however|although|though|so|therefore|thus|hence|yet|then)\b",
    re.IGNORECASE,
)
_DENIES = re.compile(
    r"\b(?:not(?!\s+(?:only|just)\b)|no(?!\s+(?:doubt|question|no)\b)|non|never|neither|nor|cannot|\w{1,12}n't"
    r"|without(?!\s+(?:a\s+|any\s+)?doubt\b)|rather\s+than|instead\s+of|as\s+opposed\s+to|unlike|unlikely"
    r"|whether|if|unable|impossible|unclear|uncertain|unsure|unknown|excludes?|excluded|excluding"
    r"|rul(?:e|es|ed|ing)\s+out|negative\s+for|free\s+of|absence\s+of|lacks?|denies)\b",
    re.IGNORECASE,
)
_DENIED_AFTER = re.compile(
    r"[)\]\"']*\s+(?:(?:side|lung|option)\s+)?(?:(?:is|was|are|were|seems?|looks?)\s+(?:\w{1,20}ly\s+)?"
    r"(?:not|unlikely|less\s+likely|wrong|incorrect|excluded|ruled\s+out|absent)|isn't|wasn't|aren't"
    r"|(?:can|could)\s+be\s+(?:excluded|ruled\s+out))\b",
    re.IGNORECASE,
)
_REASON = re.compile(
    r"\b(?:because|since|due\s+to|given|as\s+(?:the|there|it|this|evidenced|seen|shown|indicated))\b",
    re.IGNORECASE,
)
_LISTED = re.compile(r"[)\]\"']*\s*(?:(?:,|/|&|and\b|or\b|nor\b)\s*)+(?:option\s+)?[(\[\"']*", re.IGNORECASE)


class Stance(Enum):
    """How a text means an option that it names."""

    ASSERTED = "asserted"
    DENIED = "denied"
    ASIDE = "aside"


def listed(gap: str) -> bool:
    """Whether the text between two mentions only strings them together: "left, right", "A or B"."""
    return _LISTED.fullmatch(gap) is not None


def denied(text: str, start: int) -> bool:
    """Whether a negation or doubt governs this place from earlier in its clause."""
    before = text[max(0, start - _LOOK_BACK) : start]
    ends = [match.end() for match in _CLAUSE_END.finditer(before)]
    return _DENIES.search(before, ends[-1] if ends else 0) is not None


def stances(text: str, mentions: Sequence[Mention]) -> list[Stance]:
    """One stance per mention. ``mentions`` are in order of their place."""
    clauses, sentences = _ends(_CLAUSE_END, text), _ends(_SENTENCE_END, text)
    denials = [match.span() for match in _DENIES.finditer(text)]
    denial_ends = [end for _, end in denials]
    result: list[Stance] = []
    last_asserted: Mention | None = None
    inherited = False
    for number, mention in enumerate(mentions):
        clause = clauses[bisect_right(clauses, mention.start) - 1]
        before = bisect_right(denial_ends, mention.start)
        negative = before > 0 and denials[before - 1][0] >= clause
        negative |= inherited and listed(text[mentions[number - 1].end : mention.start])
        inherited = negative
        if negative or _DENIED_AFTER.match(text, mention.end):
            result.append(Stance.DENIED)
        elif _aside(text, mention, sentences, last_asserted):
            result.append(Stance.ASIDE)
        else:
            result.append(Stance.ASSERTED)
            last_asserted = mention
    return result


def _ends(pattern: re.Pattern[str], text: str) -> list[int]:
    return [0, *(match.end() for match in pattern.finditer(text))]


def _aside(text: str, mention: Mention, sentences: list[int], last: Mention | None) -> bool:
    place = bisect_right(sentences, mention.start)
    start = sentences[place - 1]
    end = sentences[place] if place < len(sentences) else len(text)
    if text[start:end].rstrip().endswith("?"):
        return True
    return last is not None and last.start >= start and bool(_REASON.search(text, last.end, mention.start))
