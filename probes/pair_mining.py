"""Pairs mined from the cases at hand: pictures that the model holds to be alike, or answers alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medaudit.errors import NotApplicableError
from medaudit.finding import Control, Finding
from medaudit.mining import Mined, MinedPair
from medaudit.mining.agreement import read_reviews
from medaudit.mining.reviewed import read_lines
from medaudit.mining.seeking import Search, Sought, seek
from medaudit.probes.pair_cases import Pair, pair_groups
from medaudit.probes.pair_study import HEADLINES, How, confusion_of
from medaudit.stats.estimate import Estimate

if TYPE_CHECKING:
    from medaudit.context import Context
    from medaudit.probes.sheet import Sheet


def mined_findings(
    ctx: Context, sheet: Sheet, search: Search, how: How, reviews: Sequence[str] = ()
) -> Iterator[Finding]:
    """Mine, say how it went, and ask the pairs, their controls and the other doses.

    ``reviews`` are tables filled in by people: a pair counts where every one of them keeps it.
    """
    for table in reviews:
        read_lines(Path(table))  # a table that cannot be read should cost no question
    try:
        sought = seek(ctx, search)
    except NotApplicableError as reason:
        for metric in (*HEADLINES, "confusion_excess"):
            yield sheet.absent(metric, str(reason))
        return
    found = sought.mined
    pairs, decisions = _reviewed(sought, sheet, reviews)
    yield Finding(
        sheet.probe,
        "mined_pairs",
        float(len(pairs)),
        n=found.facts.images,
        groups=len({case.group for case in sought.pool}),
        confidence=ctx.confidence,
        reason=found.facts.reason,
        evidence=tuple(pair.first.id for pair in pairs[:12]),
        data={
            **asdict(found.facts),
            "by": search.by,
            "reference": dict(sought.reference),
            "review": decisions,
        },
    )
    yield from _unseen(sheet, found)
    if not pairs:
        why = found.facts.reason or "no mined pair was approved in the review"
        for metric in (*HEADLINES, "confusion_excess"):
            yield sheet.absent(metric, why)
        return
    doses = {f"{low:g}-{high:g}": _pairs(dose) for (low, high), dose in found.doses.items()}
    kept = {pair.id for pair in pairs}
    controls = [pair for pair in found.controls if pair.control_of in kept]
    yield from confusion_of(ctx, _pairs(pairs), _pairs(controls), how=how, doses=doses)


def _unseen(sheet: Sheet, found: Mined) -> Iterator[Finding]:
    """Of each question that was mined by: are pairs that differ in its answer alike to the model?"""
    for row in found.facts.attributes:
        if row.unseen is None:
            continue
        number = Estimate(
            row.unseen.ratio,
            row.unseen.interval,
            row.unseen.pairs + row.unseen.pairs_same,
            row.unseen.groups,
            reason=row.unseen.reason,
        )
        yield sheet.finding(
            "unseen_ratio",
            number,
            {"attribute": row.attribute},
            control=Control("pairs_that_do_not_differ", 1.0),
            data={**asdict(row.unseen), "candidates": row.candidates, "mined": row.mined},
        )


def _reviewed(
    sought: Sought, sheet: Sheet, reviews: Sequence[str]
) -> tuple[Sequence[MinedPair], dict[str, Any] | None]:
    pairs = sought.mined.pairs
    if not reviews:
        return pairs, None
    groups = dict(zip((pair.id for pair in pairs), pair_groups(_pairs(pairs)), strict=True))
    return read_reviews(reviews, pairs, groups, **sheet.settings)


def _pairs(found: Sequence[MinedPair]) -> list[Pair]:
    made = []
    for each in found:
        first, second = each.cases()
        # Findings name the cases of the data: a reader has no others to look up.
        second = replace(second, id=each.second.id, options=first.options)
        made.append(Pair(each.id, replace(first, id=each.first.id), second))
    return made
