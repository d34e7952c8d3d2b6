"""What lies beside an audit of public data: small pictures, questions, options and answers of cases."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from medaudit.reports import loose
from medaudit.reports.text import visible

FILE = "evidence.json"
MOST_OPTIONS = 26

#: Only encoded raster pictures; anything else (SVG could carry code) is left out.
_PICTURE = re.compile(r"data:image/(?:png|jpeg|webp|gif);base64,[A-Za-z0-9+/]+=*")

KEPT_OUT = (
    "Pictures are kept out of this report: the data is not declared public. For data that may be shown, scan "
    "with --public-data."
)
NONE_BESIDE = f"No picture of these cases lies beside this audit ({FILE})."


@dataclass(frozen=True)
class Seen:
    """One case as evidence holds it; ``picture`` is a data URI, ``size`` the original's width and height."""

    picture: str = ""
    size: tuple[int, int] | None = None
    question: str = ""
    reference: str = ""
    options: tuple[str, ...] = ()
    answers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Pictures:
    """The evidence of an audit; empty where the data is not declared public or the file is not what it is."""

    folder: Path
    public: bool

    @cached_property
    def cases(self) -> Mapping[str, Seen]:
        found = self._read() if self.public else {}
        return {visible(str(name)): _seen(case) for name, case in found.items() if isinstance(case, dict)}

    def of(self, name: str) -> Seen:
        """One case; one without anything where it is not known."""
        return self.cases.get(name) or Seen()

    @property
    def absent(self) -> str:
        """Why a gallery has no pictures, and how to allow them."""
        return NONE_BESIDE if self.public else KEPT_OUT

    def _read(self) -> Mapping[str, Any]:
        try:
            record = json.loads((self.folder / FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        cases = record.get("cases") if isinstance(record, dict) else None
        return cases if isinstance(cases, dict) else {}


#: What a page has that lies beside no evidence.
NO_PICTURES = Pictures(Path(), public=False)


def _seen(case: Mapping[str, Any]) -> Seen:
    picture, answers, options = case.get("thumbnail"), case.get("answers"), case.get("options")
    return Seen(
        picture=picture if isinstance(picture, str) and _PICTURE.fullmatch(picture) else "",
        size=_size(case.get("size")),
        question=_text(case.get("question")),
        reference=_text(case.get("reference")),
        options=tuple(_text(one) for one in options[:MOST_OPTIONS]) if isinstance(options, list) else (),
        answers=tuple((_text(label), _text(said)) for label, said in answers.items())
        if isinstance(answers, dict)
        else (),
    )


def _size(value: Any) -> tuple[int, int] | None:
    sides = [loose.count(side) for side in value] if isinstance(value, list) and len(value) == 2 else []
    return (sides[0], sides[1]) if len(sides) == 2 and sides[0] and sides[1] else None


def _text(value: Any) -> str:
    if value is None:
        return ""
    said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return visible(said)[: loose.LONGEST]
