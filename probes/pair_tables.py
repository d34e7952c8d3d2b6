"""Which pairs are confused: a row per attribute or category, each with its n, in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from medaudit.finding import Finding, Verdict
from medaudit.probes.pair_arms import counts, examples, unread
from medaudit.probes.sheet import as_control

if TYPE_CHECKING:
    from medaudit import stats
    from medaudit.probes.pair_arms import Arms
    from medaudit.probes.pair_asking import Judged

#: More values than this are no table; the largest are kept, the others counted.
MOST_VALUES = 30


def table_findings(arms: Arms, columns: Sequence[str]) -> Iterator[Finding]:
    """Confusion and set accuracy over the pairs of each value; a pair counts for every value it names."""
    for column in columns:
        tagged = arms.given.tagged(column)
        largest = sorted(tagged, key=lambda tag: (-int(tagged[tag].sum()), tag))
        for tag in largest[:MOST_VALUES]:
            yield from _row(arms, column, tag)
        if largest[MOST_VALUES:]:
            why = f"{len(largest) - MOST_VALUES} further values, of fewer pairs each"
            where = arms.slice | {"column": column}
            yield arms.sheet.absent("confusion", why, where, n=len(arms.given.pairs))


def _row(arms: Arms, column: str, tag: str) -> Iterator[Finding]:
    mask = arms.given.tagged(column)[tag]
    own, where = arms.given.where(mask), arms.slice | {column: tag}
    table, least = counts(own), arms.sheet.ctx.min_n
    if len(own.pairs) < least:
        why = f"n = {len(own.pairs)} pairs is under the minimum of {least}"
        for metric in ("confusion", "set_accuracy"):
            verdict = Verdict.INCONCLUSIVE
            yield arms.sheet.absent(metric, why, where, verdict=verdict, n=len(own.pairs), data=table)
        return
    scores, others = arms.scored(own), arms.scored(arms.given.where(~mask))
    lost = unread(table["valid_pairs"], table["pairs"])
    said = sentence(own, scores.confusion)
    yield arms.sheet.finding(
        "confusion",
        scores.confusion,
        where,
        control=as_control("other_pairs", others.confusion),
        reason="; ".join(filter(None, (said, lost))),
        evidence=own.ids(own.columns.same == 1),
        data=table | {"sentence": said, "examples": examples(own, own.columns.same == 1)},
    )
    yield arms.sheet.finding(
        "set_accuracy",
        scores.set,
        where,
        control=as_control("other_pairs", others.set),
        evidence=own.ids(own.columns.both < 1),
        data=table,
    )


def sentence(judged: Judged, confusion: stats.Estimate) -> str:
    """``cannot tell left from right: 41 of 48 pairs``, where the interval lies above that of a coin."""
    if confusion.estimate is None:
        return ""
    table = counts(judged)
    told = f"{table['same_answer']} of {table['valid_pairs']} pairs"
    if confusion.interval is None or confusion.interval[0] <= 0.5:
        return f"the same answer to both images: {told}"
    return f"cannot tell {_apart(judged)}: {told}"


def _apart(judged: Judged) -> str:
    """What is to be told apart, where all pairs ask for the same two words."""
    asked = {
        tuple(pair.first.options[number].strip() for number in sorted(pair.right)) for pair in judged.pairs
    }
    if len({tuple(word.casefold() for word in sorted(words)) for words in asked}) != 1:
        return "the two images apart"
    first, second = min(asked)
    return f"{first} from {second}"
