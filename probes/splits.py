"""Findings about real-world splits: a value or a declared split against the rest, beside what explains it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit import stats
from medaudit.finding import Control, Finding, Verdict
from medaudit.probes.contrasts import by_value
from medaudit.probes.entangled import Entangled, entangled
from medaudit.probes.mix import METRIC as STANDARDISED
from medaudit.probes.mix import parts_of_drop, standardised_finding, told
from medaudit.probes.sheet import EVIDENCE, Sheet, accuracy, as_control

if TYPE_CHECKING:
    from medaudit.probes.arms import Floats
    from medaudit.probes.attributes import Attribute, Label
    from medaudit.probes.contrasts import Contrast
    from medaudit.probes.sheet import Mask

COMPARED = ("relative_robustness", "relative_robustness_corrected", "accuracy_drop", STANDARDISED)


def split_findings(
    sheet: Sheet,
    attributes: Sequence[Attribute],
    scores: Floats,
    base: Floats,
    splits: Sequence[Contrast] = (),
) -> Iterator[Finding]:
    """Rows per value, then the gap between the extreme values, of each attribute; then rows per split."""
    answered = np.isfinite(scores)
    asked = entangled(sheet, attributes, splits)
    for attribute in attributes:
        contrasts = by_value(attribute)
        for contrast in contrasts:
            yield from _contrast(sheet, contrast, scores, base, asked[attribute.name])
        inside = {contrast.where["value"]: contrast.inside & answered for contrast in contrasts}
        large = {value: mask for value, mask in inside.items() if mask.sum() >= sheet.ctx.min_n}
        if len(large) > 1:
            yield _gap(sheet, attribute, large, scores, asked[attribute.name])
    for split in splits:
        yield from _contrast(sheet, split, scores, base, asked[split.name])


def _contrast(
    sheet: Sheet, contrast: Contrast, scores: Floats, base: Floats, asked: Entangled
) -> Iterator[Finding]:
    answered = np.isfinite(scores)
    sides = inside, rest = contrast.inside & answered, contrast.rest & answered
    data = _sizes(sheet, sides) | contrast.data | {"association_with_answer": asked.data}
    few = _few(int(inside.sum()), sheet.ctx.min_n)
    if few:
        yield _too_few(sheet, "accuracy", contrast.where, few, data)
        return
    wrong = sheet.ids(inside & (scores < 0.5))[:EVIDENCE]
    yield sheet.finding(
        "accuracy",
        sheet.mean(scores, inside),
        contrast.where,
        control=as_control("question_only", sheet.mean(base, inside)),
        evidence=wrong,
        data=data,
    )
    few = _few(int(rest.sum()), sheet.ctx.min_n)
    if few:
        for metric in COMPARED:
            yield _too_few(sheet, metric, contrast.where, f"of the other side, {few}", data)
        return
    data |= {"accuracy_value": accuracy(scores[inside]), "accuracy_rest": accuracy(scores[rest])}
    parts = parts_of_drop(sheet, sides, scores)
    yield from _compared(sheet, contrast.where, sides, scores, base, wrong, data, told(*parts), asked.reason)
    yield standardised_finding(sheet, contrast, sides, base, parts, wrong, data | told(*parts))


def _sizes(sheet: Sheet, sides: tuple[Mask, Mask]) -> dict[str, Any]:
    inside, rest = (set(sheet.groups[side].tolist()) for side in sides)
    return {
        "n_value": int(sides[0].sum()),
        "n_rest": int(sides[1].sum()),
        "groups_value": len(inside),
        "groups_rest": len(rest),
        "groups_both": len(inside & rest),
    }


def _compared(
    sheet: Sheet,
    where: dict[str, Any],
    sides: tuple[Mask, Mask],
    scores: Floats,
    base: Floats,
    wrong: tuple[str, ...],
    data: dict[str, Any],
    parts: Mapping[str, Any],
    reason: str,
) -> Iterator[Finding]:
    """The value against the rest; the control is what the image-free predictor shows of the same split."""
    inside, rest = sides
    ratio, difference = stats.unpaired_ratio, stats.unpaired_difference
    results = (
        (
            sheet.unpaired(ratio, ((scores,), inside), ((scores,), rest)),
            as_control("question_only_ratio", sheet.unpaired(ratio, ((base,), inside), ((base,), rest))),
        ),
        (
            sheet.unpaired(stats.unpaired_corrected_ratio, ((scores, base), inside), ((scores, base), rest)),
            Control("question_only_accuracy", accuracy(base[inside])),
        ),
        (
            sheet.unpaired(difference, ((scores,), rest), ((scores,), inside)),
            as_control("question_only_drop", sheet.unpaired(difference, ((base,), rest), ((base,), inside))),
        ),
    )
    for metric, (estimate, control) in zip(COMPARED[:3], results, strict=True):
        more = parts if metric == "accuracy_drop" else {}
        yield sheet.finding(
            metric, estimate, where, control=control, reason=reason, evidence=wrong, data={**data, **more}
        )


def _gap(
    sheet: Sheet, attribute: Attribute, large: dict[Label, Mask], scores: Floats, asked: Entangled
) -> Finding:
    """Largest minus smallest accuracy, beside what the same sizes give when labels mean nothing.

    The interval's lower end is that of the excess over the null mean, no less than 0 (a range has no sign),
    its upper end that of the raw gap: chance alone then neither fails nor passes a gate.
    """
    kept = np.logical_or.reduce(list(large.values()))
    labels = [label for label, chosen in zip(attribute.labels, kept, strict=True) if chosen]
    gap = stats.gap(scores[kept], labels, sheet.groups[kept], **sheet.settings)
    by_value = {
        str(value): {"n": part.n, "accuracy": part.estimate, "p_value": part.p_value}
        for value, part in gap.by_label.items()
    }
    null, excess = gap.null_mean or 0.0, gap.interval
    interval = excess and (max(0.0, excess[0]), max(0.0, excess[1] + null))
    worst = min(large, key=lambda value: float(scores[large[value]].mean()))
    return sheet.finding(
        "subgroup_gap",
        stats.Estimate(gap.estimate, interval, gap.n, gap.groups, gap.p_value, gap.reason),
        {"attribute": attribute.name},
        control=Control("permuted_labels", gap.null_mean),
        reason=asked.reason,
        evidence=sheet.ids(large[worst] & (scores < 0.5)),
        data={
            "by_value": by_value,
            "worst": str(worst),
            "missing": attribute.missing,
            "excess": gap.excess,
            "excess_interval": excess and list(excess),
            "association_with_answer": asked.data,
        },
    )


def _few(n: int, min_n: int) -> str:
    return "" if n >= min_n else f"n = {n} is under the minimum of {min_n}"


def _too_few(sheet: Sheet, metric: str, where: dict[str, Any], reason: str, data: dict[str, Any]) -> Finding:
    return sheet.absent(metric, reason, where, verdict=Verdict.INCONCLUSIVE, n=data["n_value"], data=data)
