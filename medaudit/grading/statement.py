"""Statements that are meant as the answer, and so outrank what is merely named elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from medaudit.grading.mention import Mention
from medaudit.grading.polarity import denied, listed

_TAGGED = re.compile(r"<answer>(.*?)(?:</answer>|\Z)", re.IGNORECASE | re.DOTALL)
_BOXED = re.compile(r"\\boxed\{(?:\\text\{)?([^{}]*)\}")
_KEYED = re.compile(
    r"[\"'](?:final[_ ]?answer|answer|choice)[\"']\s*:\s*"
    r"(\"(?:[^\"\\]|\\.)*\"|'[^'\n]*'|\[[^\]\n]*\]|[^,}\n]*)",
    re.IGNORECASE,
)
_IS = r"(?:\s*[:=]|\s+(?:is|would\s+be|should\s+be|must\s+be)\b\s*[:=]?)"
_ASIDE = r"(?:\s*,[^,.:\n]{1,60},|\s+to\s+(?:the|this|your)\s+question|\s+here)?"
_FINAL = re.compile(rf"\bfinal\s+(?:answer|choice){_ASIDE}{_IS}\s*", re.IGNORECASE)
_ANSWER = re.compile(
    rf"\b(?:answer|(?:correct|right|best)\s+(?:option|choice|one)|my\s+choice){_ASIDE}{_IS}\s*"
    r"|\bi(?:\s+would|'d|\s+will|'ll)?\s+(?:choose|select|pick|go\s+with|say|answer)\b\s*:?\s*",
    re.IGNORECASE,
)
_CONCLUSION = re.compile(r"\b(?:therefore|thus|hence|in\s+conclusion)\b[,:]?\s*", re.IGNORECASE)
_REGION = re.compile(r"(?:[^.!?;\n\u3002]|[.!?](?![\s\"')\]]|\Z)){0,300}")
_MOST_STATEMENTS = 8
_LEAD = re.compile(
    r"\W*(?:the\s+|my\s+)?(?:(?:final|correct)\s+)?answer(?:\s+is\b\s*:?|\s*:)\s*", re.IGNORECASE
)
_CORRECTION = re.compile(
    r"\b(?:wait|actually|correction|i\s+mean|scratch\s+that|on\s+second\s+thoughts?)\b|[.!?]\s*no,"
    r"|\b(?:but|however)\W{1,3}(?:yes|no)\b",
    re.IGNORECASE,
)
_OPENED = re.compile(r"(?:\A|[.!?:;\n\u3002])[^\w\n]*\Z")
_ENDED = re.compile(r"[^\w\s,;:.!?\n-]*\s*(?:\Z|[.!?](?=\s|\Z)|[,;:\n\u3002]|-\s)")


def enveloped(text: str) -> list[str]:
    """What stands in ``{"answer": ...}``, ``<answer>...</answer>`` or a LaTeX box."""
    plain = [match[1] for cue in (_TAGGED, _BOXED) for match in cue.finditer(text)]
    return plain + [_value(match[1].strip()) for match in _KEYED.finditer(text)]


def _value(source: str) -> str:
    if source in ("null", "None"):
        return ""
    try:
        value = json.loads(source)
    except ValueError:
        return source.strip("'")
    return value if isinstance(value, str) else source


def final_answers(text: str) -> list[str]:
    """What follows each "final answer:", to the end of its sentence."""
    return _regions(_FINAL, text)


def answers(text: str) -> list[str]:
    """What follows each "the answer is" or "I would say", to the end of its sentence."""
    return _regions(_ANSWER, text)


def conclusions(text: str) -> list[str]:
    """What follows each "therefore", to the end of its sentence."""
    return _regions(_CONCLUSION, text)


def _regions(cue: re.Pattern[str], text: str) -> list[str]:
    found: dict[str, None] = {}
    for match in cue.finditer(text):
        region = _REGION.match(text, match.end())
        if region and not denied(text, match.start()):
            found[region[0]] = None
    return list(found)[-_MOST_STATEMENTS:]


def bare(text: str) -> str:
    """An open answer without its envelope or its "The answer is"."""
    inside = enveloped(text)
    return _LEAD.sub("", inside[-1] if inside else text, count=1) if inside or _LEAD.match(text) else text


def standing_alone(text: str, mentions: Sequence[Mention]) -> list[Mention]:
    """Mentions that fill their sentence, or open it before a comma: "Left. The right lung is clear."

    A text that takes something back ("Left. No, right.") has none.
    """
    if _CORRECTION.search(text):
        return []
    kept: list[Mention] = []
    before: Mention | None = None
    for mention, following in zip(mentions, [*mentions[1:], None], strict=False):
        if _alone(text, mention, following):
            # "A: ..." with the words of another option says both.
            if before and before.letter and not re.search(r"\w", text[before.end : mention.start]):
                kept.append(before)
            kept.append(mention)
        before = mention
    return kept


def _alone(text: str, mention: Mention, following: Mention | None) -> bool:
    opened = _OPENED.search(text[max(0, mention.start - 40) : mention.start])
    ended = _ENDED.match(text, mention.end)
    if not opened or not ended or (following and listed(text[mention.end : following.start])):
        return False
    whole_line = ended.end() == len(text) or ended[0].endswith("\n")
    return whole_line or not mention.letter
