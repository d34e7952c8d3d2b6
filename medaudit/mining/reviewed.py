"""Reading a table of pairs that people have judged: what they approved or edited counts, nothing else."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from medaudit.errors import DataError
from medaudit.mining.pool import folded
from medaudit.mining.review import COLUMNS, DECISIONS, plain_text, row_of
from medaudit.mining.templates import problems

if TYPE_CHECKING:
    from pathlib import Path

    from medaudit.mining.result import MinedPair

#: What a reviewer may not change, and may change with the decision ``edit``.
_FIXED = ("attribute", "image_1", "image_2")
_WORDS = ("question", "option_1", "option_2", "answer_1", "answer_2")


@dataclass(frozen=True)
class Reviewed:
    """Pairs that count, in the order given, and how many pairs got each decision (no line: ``missing``)."""

    pairs: tuple[MinedPair, ...]
    decisions: Mapping[str, int]
    reviewers: tuple[str, ...]


@dataclass(frozen=True)
class Line:
    """One line of a table, and where it stands."""

    where: str
    cells: Mapping[str, str]

    @property
    def decision(self) -> str:
        """What the reader decided, folded; empty for nothing yet. DataError where it is no decision."""
        said = self.cells["decision"].casefold()
        if said not in DECISIONS:
            legal = ", ".join(DECISIONS[:-1])
            raise self.wrong("decision", f"{self.cells['decision']!r} is none; write {legal}, or nothing.")
        return said

    @property
    def pictures(self) -> tuple[str, str]:
        return self.cells["image_1"], self.cells["image_2"]

    @property
    def touched(self) -> bool:
        """Whether a reader wrote into it."""
        return any(self.cells[name] for name in ("decision", "reviewer", "note"))

    def wrong(self, column: str, what: str) -> DataError:
        return DataError(f"{self.where}, column {column!r}: {what}")


def read_review(path: Path, pairs: Sequence[MinedPair]) -> Reviewed:
    """The pairs that the table approves or edits; an edited one asks what the table says.

    DataError, naming line and column, for a table without the columns of :func:`write_review`, an id that is
    unknown or repeated, a decision that is not legal, a change without ``edit``, a changed picture or
    attribute, and an edited question that gives itself away or whose answers are not its two options.
    """
    known = {pair.id: pair for pair in pairs}
    lines = read_lines(path)
    for pair_id, line in lines.items():
        if pair_id not in known:
            raise line.wrong(
                "pair_id", f"{pair_id!r} is no pair of this run; leave ids as they were written."
            )
    counted = dict.fromkeys(("approve", "edit", "reject", "undecidable", "undecided", "missing"), 0)
    kept: list[MinedPair] = []
    for pair in pairs:
        decision = lines[pair.id].decision or "undecided" if pair.id in lines else "missing"
        counted[decision] += 1
        if pair.id in lines:
            said = _checked(pair, lines[pair.id], decision)
            kept += [said] if decision in {"approve", "edit"} else []
    reviewers = {line.cells["reviewer"] for line in lines.values()} - {""}
    return Reviewed(tuple(kept), counted, tuple(sorted(reviewers)))


def read_lines(path: Path) -> dict[str, Line]:
    """The lines of a table by pair id, in its order. DataError for what is no such table, or an id twice."""
    found: dict[str, Line] = {}
    for line in _lines(path):
        pair_id = line.cells["pair_id"]
        if pair_id in found:
            raise line.wrong("pair_id", f"{pair_id!r} has a line already ({found[pair_id].where}); keep one.")
        found[pair_id] = line
    return found


def _lines(path: Path) -> list[Line]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise DataError(f"{path.name}: no such review file; write one with `medaudit pairs`.") from error
    except OSError as error:
        raise DataError(f"{path.name}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name}: not UTF-8; save it as 'CSV UTF-8'.") from error
    top = text.split("\n", 1)[0]
    # Spreadsheets of some countries save semicolons.
    rows = csv.reader(
        io.StringIO(text, newline=""), delimiter=";" if top.count(";") > top.count(",") else ","
    )
    found: list[Line] = []
    header: list[str] = []
    start = 1
    try:
        for row in rows:
            where, start = f"{path.name}:{start}", rows.line_num + 1
            if not header:
                header = _header([cell.strip() for cell in row], path.name)
            elif any(cell.strip() for cell in row):
                found.append(_line(where, header, row))
    except csv.Error as error:
        raise DataError(f"{path.name}:{start}: not CSV ({error}); save it as 'CSV UTF-8'.") from error
    if not header:
        raise DataError(f"{path.name}: empty; the first line names the columns {', '.join(COLUMNS)}.")
    return found


def _header(cells: list[str], name: str) -> list[str]:
    missing, unknown = [c for c in COLUMNS if c not in cells], [c for c in cells if c not in COLUMNS]
    if missing or unknown or len(set(cells)) < len(cells):
        what = (
            f"lacks {', '.join(missing)}"
            if missing
            else f"has {', '.join(map(repr, unknown)) or 'one twice'}"
        )
        raise DataError(f"{name}:1: the first line {what}; the columns are {', '.join(COLUMNS)}, each once.")
    return cells


def _line(where: str, header: list[str], row: list[str]) -> Line:
    if len(row) != len(header):
        raise DataError(f"{where}: {len(row)} cells for {len(header)} columns; quote text that holds commas.")
    return Line(where, {name: plain_text(cell.strip()) for name, cell in zip(header, row, strict=True)})


def _checked(pair: MinedPair, line: Line, decision: str) -> MinedPair:
    written = {name: plain_text(cell) for name, cell in row_of(pair).items()}
    for column in (*_FIXED, *_WORDS):
        same = line.cells[column].split() == written[column].split()  # line ends change on the way
        if not same and (column in _FIXED or decision != "edit"):
            mend = "write the decision 'edit'" if column in _WORDS else "leave it as it was written"
            raise line.wrong(column, f"was changed; {mend}.")
    return _edited(pair, line) if decision == "edit" else pair


def _edited(pair: MinedPair, line: Line) -> MinedPair:
    said = line.cells
    options = said["option_1"], said["option_2"]
    names = [case.images[0].name for case in (pair.first, pair.second)]
    if not said["question"]:
        raise line.wrong("question", "is empty; write the question.")
    if wrong := problems(said["question"], options, names):
        raise line.wrong("question", f"{wrong[0]}.")
    answers = [folded(said["answer_1"]), folded(said["answer_2"])]
    for column, answer in zip(("answer_1", "answer_2"), answers, strict=True):
        if answer not in map(folded, options):
            raise line.wrong(column, "is not one of option_1 and option_2.")
    if answers[0] == answers[1]:
        raise line.wrong("answer_2", "equals answer_1; a pair needs two different right answers.")
    first, second = (
        replace(case, question=said["question"], options=options, answer=said[column])
        for case, column in ((pair.first, "answer_1"), (pair.second, "answer_2"))
    )
    return replace(pair, first=first, second=second)
