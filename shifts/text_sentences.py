# ruff: noqa: RUF001 - Chinese has marks of its own.
"""Template questions in Chinese and Hindi, piece by piece, each piece with its English where it has one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from medaudit.shifts.lexicon import Entry, answers, findings, organs
from medaudit.shifts.text_frames import Frame, bare, frame_of


@dataclass(frozen=True, slots=True)
class Piece:
    """Words of a sentence; ``english`` is what a speaker who mixes languages could say in their place."""

    text: str
    english: str = ""


Sentence: TypeAlias = tuple[Piece, ...]

_PLACE = re.compile(
    r"(?P<rest>.+?) (?:in|within|of|on) (?:the patient's|the|this|patient's) "
    r"(?:(?P<side>left|right) )?(?P<organ>\w+)"
)
_LEADING = re.compile(r"^(?:an?|the|any|evidence of(?: an?)?) ")
_SIDED = re.compile(r"(?P<side>left|right)(?:[- ]sided)? (?P<rest>.+)")
_SIDE_OF = {"patient": ("患者", "रोगी"), "picture": ("图像", "छवि"), "image": ("图像", "छवि")}
_HINDI_SIDE = {("left", "m"): "बाएँ", ("left", "f"): "बाईं", ("right", "m"): "दाएँ", ("right", "f"): "दाईं"}
_MAIN = {"what is the main finding": ("主要发现是什么", "मुख्य निष्कर्ष क्या")}
_CHOICES = {
    frozenset({"small", "large"}): ("是小还是大", "का आकार छोटा है या बड़ा"),
    frozenset({"left", "right"}): ("在左还是在右", "बाईं ओर है या दाईं ओर"),
    frozenset({"near", "far"}): ("在近处还是在远处", "पास है या दूर"),
    frozenset({"upper", "lower"}): ("在上还是在下", "ऊपरी भाग में है या निचले भाग में"),
    frozenset({"superior", "inferior"}): ("在上还是在下", "ऊपरी भाग में है या निचले भाग में"),
}


@dataclass(frozen=True)
class Noun:
    """A finding, perhaps on a side or in an organ."""

    finding: Entry
    side: str = ""
    organ: Entry | None = None


def noun(text: str) -> Noun | None:
    """``a nodule in the left lung`` -> its entries; None where a word is not in the lexicon."""
    rest = " ".join(text.casefold().split())
    side, organ = "", None
    if place := _PLACE.fullmatch(rest):
        organ = organs().get(place["organ"])
        if organ is None:
            return None
        rest, side = place["rest"], place["side"] or ""
    rest = _LEADING.sub("", rest)
    if not side and (sided := _SIDED.fullmatch(rest)):
        side, rest = sided["side"], sided["rest"]
    finding = findings().get(rest)
    return Noun(finding, side, organ) if finding else None


def sentence(question: str, language: str) -> Sentence | None:
    """The question in Chinese (``zh``) or Hindi (``hi``); None where its frame or a word of it is unknown."""
    if main := _MAIN.get(bare(question).casefold()):
        return (Piece(main[0]), Piece("？")) if language == "zh" else (Piece(main[1]), Piece("है?"))
    frame = frame_of(question)
    if frame is None:
        return None
    if frame.kind == "state":
        return _state(frame, language)
    known = noun(frame.subject)
    if known is None:
        return None
    build = {"zh": _chinese, "hi": _hindi}[language]
    return build(frame, known)


def spoken(pieces: Sentence, language: str, english: frozenset[int] = frozenset()) -> str:
    """The pieces in a row, those numbered in ``english`` in English."""
    said = [piece.english if at in english else piece.text for at, piece in enumerate(pieces)]
    if language == "hi":
        return " ".join(said)
    text = said[0]
    for before, after in pairwise(said):
        apart = (before[-1].isascii() or after[0].isascii()) and after[0] != "？"
        text += (" " if apart else "") + after
    return text


def _chinese(frame: Frame, known: Noun) -> Sentence | None:
    name = Piece(known.finding.zh, known.finding.en)
    where = (Piece(f"{answers()[known.side].zh}侧", known.side),) if known.side else ()
    if known.organ:
        where = (*where, Piece(known.organ.zh, known.organ.en))
    if frame.kind == "presence":
        return (Piece("图像中", ""), *where, Piece("有"), name, Piece("吗？"))
    whole = (*where, *((Piece("的"),) if where else ()), name)
    if frame.kind == "size":
        return (*whole, Piece("有多大？"))
    if frame.kind == "choice" and (choice := _choice(frame)):
        return (*whole, Piece(f"{choice[0]}？"))
    if frame.kind == "side" and (side := _side(frame)):
        return (*whole, Piece(side[0]))
    return None


def _hindi(frame: Frame, known: Noun) -> Sentence | None:
    be = "हैं" if known.finding.plural else "है"
    name = Piece(known.finding.hi, known.finding.en)
    where = _hindi_place(known)
    if frame.kind == "presence":
        return (Piece("क्या इस"), Piece("छवि", "image"), Piece("में"), *where, name, Piece(f"{be}?"))
    before = Piece(known.finding.hi_oblique, known.finding.en)
    if where and not known.organ:
        return None
    if frame.kind == "size":
        return (*where, before, Piece("का"), Piece("आकार", "size"), Piece("कैसा है?"))
    if frame.kind == "choice" and (choice := _choice(frame)):
        said = choice[1]
        head = before if said.startswith("का ") else name
        return (Piece("क्या"), *where, head, Piece(f"{said}?"))
    if frame.kind == "side" and (side := _side(frame)):
        return (*where, name, Piece(side[1]))
    return None


def _hindi_place(known: Noun) -> Sentence:
    if known.organ is None:
        side = _HINDI_SIDE.get((known.side, "f"), "")
        return (Piece(f"{side} ओर", f"{known.side} side"),) if side else ()
    side = _HINDI_SIDE.get((known.side, known.organ.gender), "")
    organ = Piece(known.organ.hi_oblique, known.organ.en)
    return (*((Piece(side, known.side),) if side else ()), organ, Piece("में"))


def _state(frame: Frame, language: str) -> Sentence | None:
    """Whether an organ is normal or abnormal: the two words that do not change with gender."""
    organ = organs().get(re.sub(r"^the ", "", frame.subject.casefold()))
    if organ is None or frame.said not in ("normal", "abnormal"):
        return None
    said = answers()[frame.said]
    if language == "zh":
        return (Piece(organ.zh, organ.en), Piece(said.zh, said.en), Piece("吗？"))
    return (Piece("क्या"), Piece(organ.hi, organ.en), Piece(said.hi, said.en), Piece("है?"))


def _choice(frame: Frame) -> tuple[str, str] | None:
    return _CHOICES.get(frozenset(frame.said.split(" or ")))


def _side(frame: Frame) -> tuple[str, str] | None:
    """What asks for the side, the half or the depth."""
    if of := re.fullmatch(r"on which side(?: of the (\w+))?", frame.said):
        zh, hi = _SIDE_OF.get(of[1] or "image", ("", ""))
        return (f"在{zh}的哪一侧？", f"{hi} के किस ओर है?") if zh else None
    if of := re.fullmatch(r"in which half of the (\w+)", frame.said):
        zh, hi = _SIDE_OF.get(of[1], ("", "")) if of[1] != "retina" else ("视网膜", "रेटिना")
        return (f"在{zh}的哪一半？", f"{hi} के किस आधे भाग में है?") if zh else None
    return ("在哪个深度？", "किस गहराई पर है?") if frame.said == "at which depth" else None
