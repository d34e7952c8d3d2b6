"""Phrases by which an answer refuses or hedges, as whole words, in English.

They count only where an answer states no definite option. A statement about the picture ("I cannot see a
lesion") is neither; "I cannot see the image" is a refusal.
"""

from __future__ import annotations

import re

_ACT = (
    r"(?:determine|tell|say|answer|assess|provide|give|diagnose|interpret|evaluate|judge|decide|conclude|help"
    r"|assist|comply|comment|analy[sz]e|offer|make|choose|select|confirm|fulfill?|process|access|respond"
    r"|discuss|draw|ascertain|establish|reach)"
)
_DONE = (
    r"(?:given|determined|answered|assessed|provided|established|made|evaluated|judged|decided|ascertained"
    r"|concluded|diagnosed|interpreted|said|drawn|confirmed|reached)"
)
_CANNOT = r"(?:cannot|can\s+not|can't|could\s+not|couldn't)"
_UNABLE = (
    rf"(?:{_CANNOT}|(?:unable|not\s+able|(?:not\s+|im)possible|refuse|decline|prefer\s+not|not\s+going"
    r"|not\s+(?:allowed|permitted|qualified|comfortable)|not\s+in\s+a\s+position)\s+to|won't|will\s+not"
    r"|would\s+rather\s+not)"
)
_PICTURE = r"(?:images?|pictures?|photos?|scans?|x-rays?|radiographs?|attachments?|files?)"

_REFUSAL = re.compile(
    rf"""\b{_UNABLE}\s+(?:\w{{1,20}}ly\s+)?{_ACT}\b
    |\b{_CANNOT}\s+(?:\w{{1,20}}ly\s+)?be\s+(?:\w{{1,20}}ly\s+)?{_DONE}\b
    |\b(?:{_UNABLE}|don't|do\ not)\s+(?:actually\s+)?(?:see|view|open)\s+
        (?:(?:the|this|that|any|an?|your|attached|medical)\s+){{0,3}}{_PICTURE}\b
    |\bno\s+(?:\w{{1,20}}\s+)?(?:answer|conclusion|diagnosis|determination)\s+
        (?:can\s+be|could\s+be|is)\s+(?:{_DONE}|possible)\b
    |\bno\s+{_PICTURE}\s+(?:(?:was|were|is|are|has\ been|have\ been)\s+)?
        (?:provided|attached|given|available|included|uploaded)\b
    |\b(?:not\s+enough|insufficient|inadequate)\s+(?:information|data|detail|context)\b
    |\bas\s+an?\s+(?:large\s+)?(?:ai|language\s+model|artificial\s+intelligence)\b
    |\bi(?:'m|\ am)\s+(?:sorry|afraid)\b|\A\W*sorry\b|\bi\s+apologi[sz]e\b
    |\bi\s+(?:must\s+|have\s+to\s+)?(?:decline|refuse|abstain)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_UNSURE = re.compile(
    rf"""\b(?:uncertain|unsure|unclear|unknown|undetermined|indeterminate|inconclusive|equivocal|ambiguous)\b
    |(?:\bnot|n't)\s+(?:\w{{1,20}}ly\s+|quite\s+|so\s+|very\s+)?(?:sure|certain|clear|known|conclusive)\b
    |\b{_CANNOT}\s+(?:\w{{1,20}}ly\s+)?be\s+(?:\w{{1,20}}ly\s+)?(?:sure|certain|excluded|ruled\s+out)\b
    |\b{_CANNOT}\s+(?:\w{{1,20}}ly\s+)?(?:exclude|rule\s+out|be\s+sure)\b
    |\b(?:hard|difficult|tough)\s+to\s+(?:say|tell|determine|know|assess|judge|distinguish|be\s+(?:sure|certain))\b
    |\b(?:do\ not|don't|does\ not|doesn't)\s+(?:really\s+)?know\b|\bno\s+idea\b|\bwho\s+knows\b
    |\bit\s+depends\b|\byes\s+and\s+no\b|\beither\s+way\b""",
    re.IGNORECASE | re.VERBOSE,
)
_GUARDED = re.compile(
    r"\b(?:possibly|maybe|perhaps|probably|may|might|could\s+be|could\s+have|it\s+is\s+possible)\b",
    re.IGNORECASE,
)
_NOT_MEANT = re.compile(
    r"\b(?:you(?:\s+are|'re)|that(?:\s+is|'s))\s+(?:\w{1,20}ly\s+|quite\s+)?(?:right|correct)\b"
    r"|\ball\s+right\b|\bno\s+(?:doubt|question)\b|\bwithout\s+(?:a\s+|any\s+)?doubt\b",
    re.IGNORECASE,
)


def refuses(text: str) -> bool:
    """Whether the text says that no answer will or can be given."""
    return _REFUSAL.search(text) is not None


def unsure(text: str) -> bool:
    """Whether the text says that its author does not know."""
    return _UNSURE.search(text) is not None


def hedges(text: str) -> bool:
    """Whether the text says so, or guards what it says ("possibly", "could be")."""
    return unsure(text) or _GUARDED.search(text) is not None


def set_phrases(text: str) -> list[tuple[int, int]]:
    """Spans whose words are no options: "you are right", "no doubt", "no answer can be given"."""
    return [match.span() for cue in (_REFUSAL, _UNSURE, _NOT_MEANT) for match in cue.finditer(text)]
