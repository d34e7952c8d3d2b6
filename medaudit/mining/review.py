"""A table of pairs for people to judge: written for a spreadsheet, safe to open in one."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from typing import TYPE_CHECKING

from medaudit.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from medaudit.mining.result import MinedPair

COLUMNS = (
    "pair_id", "attribute", "image_1", "image_2", "question", "option_1", "option_2", "answer_1", "answer_2",
    "similarity", "reference_similarity", "decision", "reviewer", "note",
)  # fmt: skip
DECISIONS = ("approve", "edit", "reject", "undecidable", "")
#: A cell that starts with one of these is a formula to some spreadsheet (the last four are their wide forms).
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # noqa: RUF001
_CONTROL = ("\t", "\r", "\n")


def write_review(path: Path, pairs: Sequence[MinedPair]) -> None:
    """Write one line per pair, ``decision`` empty, as CSV (UTF-8).

    Pictures are given by file name as the cases have it. A text that a spreadsheet would take for a formula
    gets an apostrophe in front, which :func:`read_review` takes away. UsageError for two pairs of one id.
    """
    if len({pair.id for pair in pairs}) < len(pairs):
        raise UsageError("review: two pairs share an id; give each pair once.")
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for pair in pairs:
            writer.writerow(row_of(pair).values())


def row_of(pair: MinedPair) -> dict[str, str]:
    """The pair's line, texts made safe. ``option_1`` is the right answer to the first picture's case."""
    first, second = pair.first, pair.second
    texts = {
        "pair_id": pair.id,
        "attribute": pair.attribute,
        "image_1": first.images[0].name,
        "image_2": second.images[0].name,
        "question": first.question,
        "option_1": _spelt(first.options, first.answer),
        "option_2": _spelt(first.options, second.answer),
        "answer_1": _spelt(first.options, first.answer),
        "answer_2": _spelt(first.options, second.answer),
    }
    numbers = {"similarity": pair.similarity, "reference_similarity": pair.reference_similarity}
    return {
        **{name: safe(text) for name, text in texts.items()},
        **{name: f"{value:.4f}" for name, value in numbers.items()},
        "decision": "",
        "reviewer": "",
        "note": "",
    }


def safe(text: str) -> str:
    """The text, with an apostrophe in front where a spreadsheet would compute it or drop one."""
    return f"'{text}" if _hostile(text) or text.startswith("'") else text


def plain_text(cell: str) -> str:
    """What :func:`safe` was given."""
    rest = cell[1:]
    return rest if cell.startswith("'") and (_hostile(rest) or rest.startswith("'")) else cell


def _hostile(text: str) -> bool:
    return text.lstrip(" ").startswith(_CONTROL) or text.lstrip().startswith(_FORMULA)


def _spelt(options: Sequence[str], answer: str) -> str:
    """The answer as the options spell it."""
    wanted = answer.strip().casefold()
    return next((option for option in options if option.strip().casefold() == wanted), answer)
