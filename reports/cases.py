"""The worst cases that findings point at: pictures on public data, nothing but ids otherwise."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medaudit.reports.items import Item
from medaudit.reports.key import miss
from medaudit.reports.text import visible

FILE = "evidence.json"
MOST = 24
CITED = 3

#: Only encoded raster pictures; anything else (SVG could carry code) is left out.
_PICTURE = re.compile(r"data:image/(?:png|jpeg|webp|gif);base64,[A-Za-z0-9+/]+=*")


@dataclass(frozen=True)
class Shown:
    """One case: ``picture``, question and answers are empty unless the data is public."""

    id: str
    cited: list[Item]
    picture: str = ""
    question: str = ""
    reference: str = ""
    answers: tuple[tuple[str, str], ...] = ()


def worst_cases(items: Sequence[Item], public: bool, folder: Path) -> list[Shown]:
    """Up to 24 cases, taking turns between findings, failed ones first."""
    cited = _cited(items)
    known = _evidence(folder) if public else {}
    names = [name for name in cited if name in known] if known else list(cited)
    return [_shown(name, cited[name], known.get(name, {})) for name in names[:MOST]]


def _cited(items: Sequence[Item]) -> dict[str, list[Item]]:
    ranked = sorted(items, key=lambda item: (item.verdict != "fail", -miss(item)))
    lists = [(item, item.finding.get("evidence") or []) for item in ranked]
    cited: dict[str, list[Item]] = {}
    for turn in range(MOST):
        for item, names in lists:
            if turn < len(names):
                cited.setdefault(str(names[turn]), []).append(item)
    return cited


def _evidence(folder: Path) -> Mapping[str, Mapping[str, Any]]:
    """The pictures beside the audit; a file that is absent or not what it should be shows none."""
    try:
        record = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    cases = record.get("cases") if isinstance(record, dict) else None
    if not isinstance(cases, dict):
        return {}
    return {visible(str(name)): case for name, case in cases.items() if isinstance(case, dict)}


def _shown(name: str, cited: Iterable[Item], case: Mapping[str, Any]) -> Shown:
    picture = case.get("thumbnail")
    answers = case.get("answers")
    return Shown(
        id=name,
        cited=list({item.where or item.title: item for item in cited}.values())[:CITED],
        picture=picture if isinstance(picture, str) and _PICTURE.fullmatch(picture) else "",
        question=_text(case.get("question")),
        reference=_text(case.get("reference")),
        answers=tuple((_text(label), _text(said)) for label, said in answers.items())
        if isinstance(answers, dict)
        else (),
    )


def _text(value: Any) -> str:
    if value is None:
        return ""
    return visible(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))[:300]
