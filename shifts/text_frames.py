"""What a question asks, apart from the words it is dressed in: its frame and what fills the frame."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Words that end "Is the X ...?". A closed list: without a parser the end of X is not known otherwise.
_STATES = (
    "abnormal affected asymmetric asymmetrical atrophied attenuated big bilateral blunted broken calcified "
    "circumscribed clear compressed cystic deviated dilated distended elevated engorged enhancing enlarged "
    "flat flattened fractured heterogeneous homogenous homogeneous hyperdense hyperinflated hyperintense "
    "hypodense hypointense increased intact intubated large loculated midline narrowed normal obscured open "
    "pathologic patent round ruptured shifted small solid swollen symmetric symmetrical thickened visible "
    "visualized visualised well-circumscribed well-defined widened"
)
STATES = frozenset(_STATES.split())
_PICTURE = r"(?:image|picture|scan|film|radiograph|x-ray|xray|study|photo|slide|ct|mri|cxr)"
_HERE = rf"(?: (?:(?:in|on) (?:this|the) (?:shown |given )?{_PICTURE}|here))"
_SEEN = r"(?:present|seen|visible|visualized|visualised|noted|identified|shown|apparent)"
_BE = r"(?P<be>is/are|is|are)"
_X = r"(?P<x>.+?)"
_DEFINITE = r"(?P<x>(?:the|this|these|both) .+?)"
_SHOWS = (
    rf"(?:does (?:the|this) (?:\w+ )?{_PICTURE} (?:show|contain|demonstrate)|(?:do|can) you (?:see|find))"
)
_PATTERNS = (
    ("presence", rf"{_BE} there {_X}(?: {_SEEN})?{_HERE}?"),
    ("presence", rf"{_SHOWS} {_X}{_HERE}?"),
    ("presence", rf"{_BE} {_X} {_SEEN}{_HERE}?"),
    ("presence", rf"any {_X}(?: {_SEEN})?{_HERE}?"),
    ("choice", rf"{_BE} {_DEFINITE} (?P<said>[\w-]+ or [\w-]+)"),
    ("state", rf"{_BE} {_DEFINITE} (?P<said>{'|'.join(sorted(STATES, key=len, reverse=True))}){_HERE}?"),
    ("identity", rf"is (?P<said>this(?: {_PICTURE})?) (?P<x>(?:an?|the) .+)"),
    ("place", rf"where {_BE} {_X}(?: located| seen| situated)?{_HERE}?"),
    ("side", rf"(?P<said>(?:on which side|in which half|at which depth)(?: of the \w+)?) {_BE} {_X}"),
    ("size", rf"how (?:big|large) {_BE} {_X}"),
    ("size", rf"which size has {_X}"),
    ("what", rf"what {_BE} (?P<x>(?:the|this|these) .+?)"),
)
_FRAMES = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _PATTERNS)
# A clause inside X would be torn from what it belongs to.
_TORN = re.compile(
    r"[?;:]|\b(?:if|that|than|then|which|what|because|used|there|not)\b|-\s*yes/no", re.IGNORECASE
)
_SINGULAR = re.compile(r"(?:ss|us|is|as)$")
_MOST_WORDS = 14


@dataclass(frozen=True)
class Frame:
    """``kind`` of question about ``subject`` (with its article); ``said`` is the rest of the frame.

    presence (is it there), state and choice (``said``: "enlarged", "left or right"), identity (``said``:
    "this image"), place, side (``said``: "on which side of the patient"), size, what.
    """

    kind: str
    subject: str
    plural: bool = False
    said: str = ""

    @property
    def be(self) -> str:
        return "are" if self.plural else "is"

    @property
    def it(self) -> str:
        return "they" if self.plural else "it"


def frame_of(question: str) -> Frame | None:
    """The frame of an English question about a picture; None where no frame fits surely."""
    text = bare(question)
    for kind, pattern in _FRAMES:
        match = pattern.fullmatch(text)
        if match is None:
            continue
        parts = match.groupdict()
        subject = str(parts["x"]).strip()
        if kind == "presence" and text.casefold().startswith("any "):
            subject = f"any {subject}"
        if _TORN.search(subject) or len(subject.split()) > _MOST_WORDS:
            return None
        return Frame(kind, subject, _plural(parts.get("be"), subject), (parts.get("said") or "").casefold())
    return None


def bare(question: str) -> str:
    """The question on one line, without its final mark."""
    return " ".join(question.split()).rstrip("?. ").strip()


def lower_first(text: str) -> str:
    """First letter small, unless the first word is an abbreviation ("CT")."""
    word = text.split(" ", 1)[0]
    return text if len(word) > 1 and word.isupper() else text[:1].lower() + text[1:]


def upper_first(text: str) -> str:
    return text[:1].upper() + text[1:]


def _plural(be: str | None, subject: str) -> bool:
    """By the verb; where the question leaves it open ("Is/Are"), by the article and the last letter."""
    verb = (be or "").casefold()
    if verb in ("is", "are"):
        return verb == "are"
    words = subject.casefold().split()
    if words[0] in ("a", "an", "this"):
        return False
    if words[0] in ("these", "both"):
        return True
    head = re.split(r" (?:in|of|on|within|near|at|around|over|under|along|from|with|to) ", subject)[
        0
    ].casefold()
    return head.endswith("s") and not _SINGULAR.search(head)
