"""Findings about subgroups at equal prevalence, all of them judged at once, and about their intersections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit import stats
from medaudit.finding import Control, Finding, Verdict
from medaudit.probes.sheet import Sheet

if TYPE_CHECKING:
    from medaudit.probes.arms import Floats
    from medaudit.probes.attributes import Attribute
    from medaudit.stats.simultaneous import Family, MaxT

Labels = list[str | None]


def subgroup_findings(
    sheet: Sheet,
    columns: Sequence[Attribute],
    scores: Floats,
    strata: Sequence[str],
    min_intersection: int,
) -> Iterator[Finding]:
    """Per value, per attribute, the worst of all; then per pair of attributes."""
    answered = np.isfinite(scores)
    labels = {each.name: [None if v is None else str(v) for v in each.labels] for each in columns}
    judged, few = _large(labels, answered, sheet.ctx.min_n)
    if not judged:
        yield sheet.absent("worst_group_accuracy", "no attribute with two values of enough cases")
        return
    found = _max_t(sheet, judged, scores, strata)
    for name, family in found.families.items():
        yield from _values(sheet, name, family, judged[name], scores)
        yield _gap(sheet, "subgroup_gap_equal_prevalence", name, family, few[name])
    yield _worst(sheet, found, judged, scores)
    pairs = {
        f"{a} x {b}": [
            None if x is None or y is None else f"{x}, {y}" for x, y in zip(labels[a], labels[b], strict=True)
        ]
        for a, b in combinations(labels, 2)
    }
    crossed, rare = _large(pairs, answered, min_intersection)
    families = _max_t(sheet, crossed, scores, strata).families if crossed else {}
    for name in pairs:
        if name in families:
            yield _gap(sheet, "intersection_gap", name, families[name], rare[name])
        else:
            why = f"fewer than two intersections have {min_intersection} cases"
            yield _unjudged(sheet, "intersection_gap", name, why, rare[name])


def _large(
    labels: Mapping[str, Labels], answered: Any, least: int
) -> tuple[dict[str, Labels], dict[str, dict[str, int]]]:
    """Labels with ``least`` answered cases, others None; and how many cases the others have."""
    judged: dict[str, Labels] = {}
    few: dict[str, dict[str, int]] = {}
    for name, column in labels.items():
        seen = Counter(x for x, kept in zip(column, answered, strict=True) if x is not None)
        held = Counter(x for x, kept in zip(column, answered, strict=True) if x is not None and kept)
        few[name] = {label: held[label] for label in sorted(seen) if held[label] < least}
        if len(seen) - len(few[name]) > 1:
            judged[name] = [
                x if x is not None and kept and x not in few[name] else None
                for x, kept in zip(column, answered, strict=True)
            ]
    return judged, few


def _max_t(sheet: Sheet, labels: Mapping[str, Labels], scores: Floats, strata: Sequence[str]) -> MaxT:
    return stats.max_t(np.nan_to_num(scores), labels, sheet.groups, strata, **sheet.settings)


def _values(sheet: Sheet, name: str, family: Family, labels: Labels, scores: Floats) -> Iterator[Finding]:
    for value, part in family.subgroups.items():
        inside = np.asarray([label == value for label in labels])
        yield sheet.finding(
            "subgroup_difference",
            part.difference,
            {"attribute": name, "value": str(value)},
            control=Control("permuted_labels", 0.0),
            evidence=sheet.ids(inside & (scores < 0.5)),
            data={"accuracy": part.raw, "accuracy_equal_prevalence": part.level.estimate},
        )


def _gap(sheet: Sheet, metric: str, name: str, family: Family, few: Mapping[str, int]) -> Finding:
    """The raw gap; its interval runs from the excess over the null mean to the raw gap's upper end."""
    if family.gap.estimate is None:
        return _unjudged(sheet, metric, name, family.gap.reason, few)
    null, excess = family.null_mean or 0.0, family.gap.interval
    interval = excess and (max(0.0, excess[0]), min(1.0, max(0.0, excess[1] + null)))
    by_value = {
        str(value): {
            "n": part.level.n,
            "accuracy": part.raw,
            "accuracy_equal_prevalence": part.level.estimate,
            "interval": part.level.interval and list(part.level.interval),
            "p_value": part.level.p_value,
        }
        for value, part in family.subgroups.items()
    }
    worst = str(min(family.subgroups, key=lambda value: family.subgroups[value].level.estimate or 0.0))
    gap = family.gap
    return sheet.finding(
        metric,
        stats.Estimate(gap.estimate, interval, gap.n, gap.groups, gap.p_value, gap.reason),
        {"attribute": name},
        control=Control("permuted_labels", family.null_mean),
        data={
            "by_value": by_value,
            "worst": worst,
            "excess": gap.estimate - null if gap.estimate is not None else None,
            "excess_interval": excess and list(excess),
            "matched": family.matched,
            "not_judged": dict(few),
        },
    )


def _unjudged(sheet: Sheet, metric: str, name: str, why: str, few: Mapping[str, int]) -> Finding:
    data = {"not_judged": dict(few)}
    return sheet.absent(metric, why, {"attribute": name}, verdict=Verdict.INCONCLUSIVE, data=data)


def _worst(sheet: Sheet, found: MaxT, labels: Mapping[str, Labels], scores: Floats) -> Finding:
    if found.worst is None:
        why = "no kind of case is shared by the values of any attribute"
        return sheet.absent("worst_group_accuracy", why, verdict=Verdict.INCONCLUSIVE)
    name, value = found.worst
    part = found.families[name].subgroups[value]
    inside = np.asarray([label == value for label in labels[name]])
    return sheet.finding(
        "worst_group_accuracy",
        part.level,
        control=Control("permuted_labels", found.worst_null),
        evidence=sheet.ids(inside & (scores < 0.5)),
        data={"attribute": name, "worst": str(value), "accuracy": part.raw, "n_worst": part.level.n},
    )
