"""How close open answers come to the reference, beside the accuracy that judged them right or wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from medaudit.reports import format
from medaudit.reports.items import Item

SCORES = {"exact": "Exact match", "f1": "Token F1", "bleu": "BLEU", "rougeL": "ROUGE-L"}


class OpenAnswers(NamedTuple):
    """A row per arm: its name, n, and one printed mean per head."""

    heads: list[str]
    rows: list[tuple[str, str, list[str]]]


def open_answers(items: Sequence[Item]) -> OpenAnswers | None:
    """The table of the accuracy findings that carry ``data["open_scores"]``, None where none does."""
    rows = []
    for item in items:
        scores = (item.finding.get("data") or {}).get("open_scores")
        if item.metric == "accuracy" and isinstance(scores, dict):
            means = [format.quantity(scores.get(name), "share") for name in SCORES]
            rows.append((item.where or "all cases", format.count(scores.get("n")), means))
    return OpenAnswers(list(SCORES.values()), rows) if rows else None
