"""Reading a judge's reply: one score on the scale, or nothing. What the judge repeats is not its verdict."""

from __future__ import annotations

import re

from medaudit.grading.reasoning import without_reasoning

_SCORE = re.compile(
    r"[\"']?\b(?:score|rating)\b[\"']?\s*[:=]\s*[\"']?(-?\d+(?:\.\d+)?)(?:\s*/\s*(\d+))?", re.I
)
_STARS = re.compile(r"(?<![\d.-])(\d+(?:\.\d+)?)\s*(?:/\s*(\d+)\s*)?stars?\b", re.I)
_ALONE = re.compile(r"\s*(\d+(?:\.\d+)?)(?:\s*/\s*(\d+))?\s*\.?\s*")
_OBJECT = re.compile(r"\{[^{}]*\}")
_KEYWORD = re.compile(r"score|rating|stars?\b", re.I)
_DIGIT = re.compile(r"\d")


def mimics(*texts: str) -> bool:
    """Whether these texts, repeated by a judge, could be read as its score.

    Judged over all of them together: a question about "the Gleason score" and the answer "4" do it jointly.
    """
    return any(map(_KEYWORD.search, texts)) and any(map(_DIGIT.search, texts))


def is_number(text: str) -> bool:
    """Whether a text is nothing but a number, as a judge's reply may be."""
    return _ALONE.fullmatch(text) is not None


def read_score(reply: str, scale: tuple[int, int], *, seal: str = "", bare: bool = True) -> float | None:
    """0..1 with the floor removed, (s - low) / (high - low), or None where no score can be read.

    Read are ``score: 4``, ``{"score": 4}``, ``score: 4/5``, ``4 stars`` and, with ``bare``, a number alone.
    None for no score, two different ones, one off the scale or out of another maximum. With ``seal`` only
    objects that hold that word count: whatever else the reply repeats is not a verdict.
    """
    text = without_reasoning(reply) or ""
    if seal:
        text = "\n".join(part for part in _OBJECT.findall(text) if seal in part)
    found = _SCORE.findall(text) or ([] if seal else _STARS.findall(text))
    if not found and bare and not seal and (alone := _ALONE.fullmatch(text)):
        found = [(alone[1], alone[2] or "")]
    low, high = scale
    values = {float(value) for value, _ in found}
    if len(values) != 1 or any(top and float(top) != high for _, top in found):
        return None
    value = values.pop()
    return (value - low) / (high - low) if low <= value <= high else None
