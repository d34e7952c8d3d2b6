"""What another order of the options does to pairs: position bias, and the scores in that order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from medaudit import stats
from medaudit.finding import Control, Finding, Verdict
from medaudit.probes.pair_arms import counts
from medaudit.probes.sheet import as_control
from medaudit.stats.pair_scores import INVALID

if TYPE_CHECKING:
    from medaudit.probes.pair_arms import Arms

NO_TWO_VALID = "no item has a valid answer in both orders of the options"


def order_findings(arms: Arms) -> Iterator[Finding]:
    """Set accuracy and confusion with the options exchanged, and how often the place decides."""
    other = arms.pairs["exchanged"]
    before, after = arms.scored(arms.given), arms.scored(other)
    where = arms.slice | {"order": "exchanged"}
    for metric, first, second in (
        ("set_accuracy", before.set, after.set),
        ("confusion", before.confusion, after.confusion),
    ):
        control = as_control("order_as_given", first)
        yield arms.sheet.finding(metric, second, where, control=control, data=counts(other))
    yield _position_bias(arms)


def _position_bias(arms: Arms) -> Finding:
    """Share of items whose place in the list stays though every option moved to another place."""
    other = arms.pairs["exchanged"]
    answered = dict(zip((pair.name for pair in other.pairs), other.chosen.tolist(), strict=True))
    stays: list[float] = []
    groups: list[int] = []
    ids: list[str] = []
    for pair, before, group in zip(arms.given.pairs, arms.given.chosen, arms.given.groups, strict=True):
        after = answered.get(pair.name, (INVALID, INVALID))
        for case, first, second in zip(pair.cases, before.tolist(), after, strict=True):
            if first < 0 or second < 0:
                continue
            stayed = (second - 1) % len(case.options) == first
            stays.append(float(stayed))
            groups.append(group)
            ids += [case.id] if stayed else []
    asked = 2 * (len(arms.given.pairs) + arms.given.lost)
    if not stays:
        verdict = Verdict.INCONCLUSIVE
        return arms.sheet.absent("position_bias", NO_TWO_VALID, arms.slice, verdict=verdict)
    return arms.sheet.finding(
        "position_bias",
        stats.mean(stays, groups, **arms.sheet.settings),
        arms.slice,
        control=Control("deterministic_decoding", 0.0),
        evidence=ids,
        data={"items": len(stays), "items_without_two_valid_answers": asked - len(stays)},
    )
