"""Left and right in words: which sentences can be exchanged for those of the mirror picture, and how.

A sentence is true of a picture exactly when the same sentence with its sides exchanged is true of the mirror
picture, as long as ``left`` and ``right`` are places. Where they are not, or may not be, the answer is None:
a case left out costs a little power, a case turned wrongly costs trust.
"""

from __future__ import annotations

import re
import unicodedata

_PAIRS = (
    ("left", "right"),
    ("leftward", "rightward"),
    ("leftwards", "rightwards"),
    ("leftmost", "rightmost"),
    ("lul", "rul"),
    ("lll", "rll"),
    ("luq", "ruq"),
    ("llq", "rlq"),
    ("os", "od"),
    ("l", "r"),
)
_OTHER = {a: b for pair in _PAIRS for a, b in (pair, pair[::-1])}
#: Abbreviations are sides only where they stand alone, as an option or an answer, or in capitals.
_SHORT = frozenset({"l", "r", "os", "od"})
_CAPITALS = frozenset({"lul", "rul", "lll", "rll", "luq", "ruq", "llq", "rlq"})

#: In capitals these hold a side that cannot be exchanged.
_HOLD_A_SIDE = re.compile(r"\b(?:RML|LAD|LCA|RCA|LCX|LV|RV|LA|RA|LVH|RVH|LVEF|LBBB|RBBB|LUE|RUE|LLE|RLE)\b")
_WORD = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]+(?![A-Za-z0-9])")
#: Two sides named together, of the same thing: "left or right lung", "left lung, or the right lung".
_PAIR = (
    r"\b(?P<one>left|right)(?P<rest>(?:-sided|-side)?(?:[ ]\w+){{0,3}}?)[ ]?,?[ ]?(?:/|{joint})[ ]?"
    r"(?:(?:the|on|in|to|a|from)[ ]){{0,2}}(?!(?P=one)\b)(?:left|right)(?P=rest)\b"
)
_CHOICE = re.compile(_PAIR.format(joint=r"\bor\b|\bversus\b|\bvs\b\.?"), re.IGNORECASE)
_TOGETHER = re.compile(_PAIR.format(joint=r"\bor\b|\band\b|\bversus\b|\bvs\b\.?"), re.IGNORECASE)
_BOTH = re.compile(rf"\W*(?:both )?{_TOGETHER.pattern}(?: \w+)?\W*", re.IGNORECASE)

#: Depends on how the picture is held, taken or marked, or has a side in its name.
_REFUSED = re.compile(
    r"\b(?:dextro\w*|la?evo\w*|sinistr\w*|situs|inversus|isomerism|apex|apical[ ]impulse|markers?|which[ ]way"
    r"|way[ ](?:up|round)|side[ -]up|orient\w*|mirror\w*|flip\w*|invert\w*|rotat\w*|upside|views?"
    r"|projections?|decubitus|laterality|(?:counter|anti)?-?clockwise|o'?clock|clock|bounding|coordinates?"
    r"|letters?|text|written|writing|annotat\w*|arrow\w*|pointing|direction\w*|facing|handed\w*|chirality"
    r"|(?:left|right)(?:y|ly|ed|ness)|tooth|teeth)\b",
    re.IGNORECASE,
)
#: Beside a side: organs that have no like on the other one, and positions of the patient.
_UNLIKE = re.compile(
    r"\b(?:heart\w*|cardi\w*|pericardi\w*|ventric\w*|atri\w*|aort\w*|coronar\w*|mitral|tricuspid|valves?"
    r"|lingul\w*|middle[ ]lobe|liver|hepat\w*|spleen|splen\w*|stomach|gastr\w*|pancrea\w*|gall\w*|bile"
    r"|biliary|appendi\w*|ca?ecum|colon\w*|sigmoid\w*|bowel|duoden\w*|vena|cava|azygos|bundle"
    r"|ivc|svc|shunt\w*|dominan\w*|lateral|oblique)\b",
    re.IGNORECASE,
)
_FOREIGN = re.compile(
    r"\b(?:links|rechts\w*|linke[rns]?|rechte[rns]?|gauche|droite?|izquierd\w*|derech\w*|esquerd\w*|direit\w*"
    r"|destr[ao])\b",
    re.IGNORECASE,
)
_READ = ("LATIN", "GREEK", "MICRO", "MASCULINE", "FEMININE", "SUPERSCRIPT", "MODIFIER")

# "left" and "right" that are no places: before these words, or at an end without one of those before.
_NEXT = """untreated over behind out alone off aside open undone blank unchanged uncorrected unresolved intact
empty hospital against now away here after before angle angles answer answers option options choice choices
diagnosis one treatment term terms word words statement decision conclusion thing person place position
location size level kind type amount length depth spot track time way click"""
_BEFORE = "all been has have had having quite not you they who what was were be"
_PLACES = """the on or and to from than versus vs in at patient's patients his her its their upper lower far
image's picture's viewer's observer's"""
_SMALL_WORDS = """a an the is are was were be been of or and in on at to for from with without than versus vs
by if as that this it there do does did has have had show shows seen visible present affected normal abnormal
only"""
_NO_PLACE_NEXT, _NO_PLACE_BEFORE = frozenset(_NEXT.split()), frozenset(_BEFORE.split())
_PLACE_BEFORE, _FUNCTION = frozenset(_PLACES.split()), frozenset(_SMALL_WORDS.split())


def exchanged(text: str, *, alone: bool = False, choice: bool = False) -> str | None:
    """The text with its sides exchanged; the text itself where it names none; None where that is unclear.

    ``alone`` marks an option or an answer, in which ``L``, ``R``, ``OS`` and ``OD`` count when nothing else
    stands there, and both sides together stay as they are. ``choice`` marks a question that is answered
    with a side: there a choice of the two (``left or right``) stays.
    """
    if refused(text):
        return None
    if alone and text.strip(" .()[]").casefold() in _OTHER:
        return _WORD.sub(lambda match: _other(match[0]), text, count=1)
    if not names_side(text) or (alone and _BOTH.fullmatch(text)):
        return text
    if unlike(text):
        return None
    together, kept = _spans(_TOGETHER, text), _spans(_CHOICE, text) if choice else []
    parts, done = [], 0
    for match in _WORD.finditer(text):
        if not _is_side(match[0]) or _within(match, kept):
            continue
        if not _within(match, together) and not _is_place(text, match):
            return None
        parts += [text[done : match.start()], _other(match[0])]
        done = match.end()
    return "".join([*parts, text[done:]])


def _spans(pattern: re.Pattern[str], text: str) -> list[tuple[int, int]]:
    return [match.span() for match in pattern.finditer(text)]


def _within(match: re.Match[str], spans: list[tuple[int, int]]) -> bool:
    return any(low <= match.start() < high for low, high in spans)


def names_side(text: str) -> bool:
    """Whether a word of the text may be a side."""
    return any(_is_side(match[0]) for match in _WORD.finditer(text))


def refused(text: str) -> bool:
    """Whether the text is about orientation, view or markers, or in words that are not read here."""
    foreign = any(c.isalpha() and not unicodedata.name(c, "").startswith(_READ) for c in text)
    return foreign or any(each.search(text) for each in (_REFUSED, _FOREIGN, _HOLD_A_SIDE))


def unlike(text: str) -> bool:
    """Whether the text names what the mirror picture does not hold on its other side."""
    return bool(_UNLIKE.search(text))


def _is_side(word: str) -> bool:
    folded = word.casefold()
    if folded in _SHORT:
        return word.isupper()
    return folded in _OTHER and (folded not in _CAPITALS or word.isupper())


def _is_place(text: str, match: re.Match[str]) -> bool:
    """Whether this word is a place and not what is left, or what is right."""
    if match[0].casefold() in _SHORT:
        return False
    if match[0].casefold() not in ("left", "right"):
        return True
    before = re.findall(r"[a-z']+", text[: match.start()].casefold())[-1:]
    after = re.match(r"(?P<joined>-sided?\b|-hand\b)|[ ]+(?P<word>[a-z]+)", text[match.end() :].casefold())
    if after and after["joined"]:
        return True
    following = after["word"] if after else ""
    if following in _NO_PLACE_NEXT or not _NO_PLACE_BEFORE.isdisjoint(before):
        return False
    if following and following not in _FUNCTION:
        return True
    return bool(following) if not before else before[0] in _PLACE_BEFORE


def _other(word: str) -> str:
    """The same word for the other side, in the same capitals."""
    other = _OTHER[word.casefold()]
    if word.isupper():
        return other.upper()
    return other.capitalize() if word[0].isupper() else other
