"""Pictures of a cluster, the medoid first; a region is a box laid over its picture, never burned in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from medaudit.reports import loose
from medaudit.reports.pictures import Pictures

#: Pictures of a cluster, the medoid among them.
MOST_SHOTS = 8


@dataclass(frozen=True)
class Shot:
    """One picture. ``frame`` is its original width and height, ``box`` x, y, width, height within it."""

    case: str
    picture: str
    frame: tuple[int, int] | None
    box: tuple[str, str, str, str] | None
    truth: str
    answer: str
    medoid: bool = False

    @property
    def wrong(self) -> bool:
        return bool(self.answer) and self.answer != self.truth


def shots(data: Mapping[str, Any], pictures: Pictures) -> list[Shot]:
    """The medoid, then the nearest members whose picture is there; none where the data is not public."""
    members = loose.rows(data.get("members"), 100)
    medoid = loose.mapping(data.get("medoid"))
    # The medoid's own row says what was answered.
    own = [row for row in members if row.get("case") == medoid.get("case")]
    others = [row for row in members if row.get("case") != medoid.get("case")]
    first = [_shot({**(own[0] if own else {}), **medoid}, pictures, medoid=True)] if medoid else []
    found = [*first, *(_shot(row, pictures) for row in others)]
    return [shot for shot in found if shot.picture][:MOST_SHOTS]


def names(data: Mapping[str, Any]) -> list[str]:
    """Ids of the medoid and the nearest members, for those who look them up."""
    rows = [loose.mapping(data.get("medoid")), *loose.rows(data.get("members"), 100)]
    found = dict.fromkeys(loose.text(row.get("case")) for row in rows)
    return [name for name in found if name][:MOST_SHOTS]


def _shot(row: Mapping[str, Any], pictures: Pictures, *, medoid: bool = False) -> Shot:
    name = row.get("case") if isinstance(row.get("case"), str) else ""
    seen = pictures.of(str(name))
    return Shot(
        case=loose.text(name),
        picture=seen.picture,
        frame=seen.size,
        box=_box(row.get("box"), seen.size),
        truth=loose.text(row.get("truth")),
        answer=loose.text(row.get("answer")),
        medoid=medoid,
    )


def _box(value: Any, frame: tuple[int, int] | None) -> tuple[str, str, str, str] | None:
    """A box given as x0, y0, x1, y1, if it is one and lies within the picture."""
    corners = [loose.number(corner) for corner in value] if isinstance(value, list) else []
    if frame is None or len(corners) != 4:
        return None
    x0, y0, x1, y1 = (-1.0 if corner is None else corner for corner in corners)
    if not (0 <= x0 < x1 <= frame[0] and 0 <= y0 < y1 <= frame[1]):
        return None
    return f"{x0:g}", f"{y0:g}", f"{x1 - x0:g}", f"{y1 - y0:g}"
