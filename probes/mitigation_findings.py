"""Findings of a task: the worst group before and after, and what is gained against which control."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit import stats
from medaudit.finding import Finding, Verdict
from medaudit.probes.mitigation_arms import TUNINGS
from medaudit.probes.sheet import accuracy, as_control, complete

if TYPE_CHECKING:
    from medaudit.probes.arms import Floats
    from medaudit.probes.mitigation_arms import Trial
    from medaudit.probes.mitigation_search import Searched
    from medaudit.probes.sheet import Mask, Sheet

    Slice = dict[str, str | int | float | bool]

#: Whether a gain counts tasks where nothing was found, as the 0 that they are.
ANY, FOUND = "any", "found"
BY_DESIGN = "nothing was found, so nothing was tuned: the model is left as it is, and the gain is 0 by design"
NO_GAIN = "nothing was found, so nothing was tuned: there is no gain to speak of"
NO_GROUPS = "no region was found to part the cases by; name a column of metadata: attribute = ..."
FEW_GROUPS = "fewer than two groups by right answer and {by} have {least} held-out patients each"
AS_FOUND = "a region was found: the gain is that given a finding"


def untuned(sheet: Sheet, searched: Searched, trial: Trial | None, attribute: str) -> Iterator[Finding]:
    """Where no region was found: gains of 0 by design, and the worst group as it is, if there are groups."""
    task = searched.halves.held_out
    data = _searched(searched)
    for against in ("none", "plain"):
        where: Slice = {**task.slice, "against": against}
        yield Finding(
            sheet.probe,
            "mitigation_gain",
            0.0,
            interval=(0.0, 0.0),
            n=len(task.cases),
            groups=len(set(task.groups)),
            slice=where | {"given": ANY},
            confidence=sheet.ctx.confidence,
            reason=f"{BY_DESIGN} ({searched.found.reason})",
            data=data,
        )
        yield sheet.absent("mitigation_gain", NO_GAIN, where | {"given": FOUND}, verdict=Verdict.INCONCLUSIVE)
    if trial is None:
        yield sheet.absent(
            "worst_group_accuracy",
            NO_GROUPS,
            {**task.slice, "tuning": "none"},
            verdict=Verdict.INCONCLUSIVE,
            n=len(task.cases),
        )
        return
    yield _worst(sheet, task.slice, trial, "none", attribute)


def findings(sheet: Sheet, searched: Searched, trial: Trial, attribute: str) -> Iterator[Finding]:
    """All findings of a task in which copies were tuned."""
    base = searched.halves.held_out.slice
    if len(trial.names) < 2:
        reason = FEW_GROUPS.format(by=attribute or "region", least=sheet.ctx.min_n)
        yield sheet.absent(
            "mitigation_gain", reason, base, verdict=Verdict.INCONCLUSIVE, data=_searched(searched)
        )
        return
    tunings = [name for name in TUNINGS if name in trial.correct]
    for name in tunings:
        yield _worst(sheet, base, trial, name, attribute)
        yield _overall(sheet, base, trial, name)
    for against in (name for name in tunings if name != "region"):
        yield from _gains(sheet, base, searched, trial, against, attribute)
        yield _named(sheet, base, trial, against)


def _worst(sheet: Sheet, base: Slice, trial: Trial, name: str, attribute: str) -> Finding:
    where: Slice = {**base, "tuning": name}
    if len(trial.names) < 2:
        reason = FEW_GROUPS.format(by=attribute or "region", least=sheet.ctx.min_n)
        return sheet.absent("worst_group_accuracy", reason, where, verdict=Verdict.INCONCLUSIVE)
    kept = _kept(trial, name)
    estimate = stats.worst_group(
        trial.correct[name][kept], trial.cells[kept], sheet.groups[kept], **sheet.settings
    )
    control = None
    if name != "none":
        control = as_control("worst_group_accuracy_untuned", _worst_of(sheet, trial, "none"))
    data: dict[str, Any] = {
        "groups": _table(trial, name),
        "parted_by": attribute or "the region found",
        "left_out": int((trial.cells < 0).sum()),
    }
    if name in trial.reports:
        data["tuned"] = _report(trial.reports[name])
    return sheet.finding("worst_group_accuracy", estimate, where, control=control, data=data)


def _worst_of(sheet: Sheet, trial: Trial, name: str) -> stats.Estimate:
    kept = _kept(trial, name)
    return stats.worst_group(
        trial.correct[name][kept], trial.cells[kept], sheet.groups[kept], **sheet.settings
    )


def _overall(sheet: Sheet, base: Slice, trial: Trial, name: str) -> Finding:
    values, own = trial.correct[name], trial.correct["none"]
    change = sheet.difference(values, own)
    data = {} if name == "none" else {"change": change.estimate, "change_interval": change.interval}
    control = None if name == "none" else as_control("accuracy_untuned", sheet.mean(own))
    return sheet.finding("accuracy", sheet.mean(values), {**base, "tuning": name}, control=control, data=data)


def _gains(
    sheet: Sheet, base: Slice, searched: Searched, trial: Trial, against: str, attribute: str
) -> Iterator[Finding]:
    """The gain given a finding, and the same counted among all tasks."""
    estimate = _gain(sheet, trial, "region", against)
    control = None
    if against == "none":
        control = as_control("gain_of_plain_tuning", _gain(sheet, trial, "plain", "none"))
    elif against == "plain" and "other_region" in trial.correct:
        control = as_control("gain_of_another_region", _gain(sheet, trial, "other_region", "plain"))
    data = _searched(searched) | {"parted_by": attribute or "the region found"}
    where: Slice = {**base, "against": against}
    yield sheet.finding("mitigation_gain", estimate, where | {"given": FOUND}, control=control, data=data)
    if against != "other_region":
        yield sheet.finding(
            "mitigation_gain", estimate, where | {"given": ANY}, control=control, reason=AS_FOUND
        )


def _named(sheet: Sheet, base: Slice, trial: Trial, against: str) -> Finding:
    """The paired difference in the group that the learning half named."""
    where: Slice = {**base, "against": against}
    if trial.named is None:
        return sheet.absent(
            "named_group_gain", "no group is in both halves", where, verdict=Verdict.INCONCLUSIVE
        )
    inside = trial.cells == trial.named
    after, before = (np.where(inside, trial.correct[name], np.nan) for name in ("region", against))
    both = complete((after, before))
    control = None
    if against == "none":
        plain = np.where(inside, trial.correct["plain"], np.nan)
        control = as_control("gain_of_plain_tuning", sheet.difference(plain, before))
    return sheet.finding(
        "named_group_gain",
        sheet.difference(after, before),
        where,
        control=control,
        evidence=sheet.ids((after < before) & both),
        data={
            "group": trial.names[trial.named],
            "before": accuracy(before),
            "after": accuracy(after),
            "mended": int(((after > before) & both).sum()),
            "broken": int(((after < before) & both).sum()),
        },
    )


def _gain(sheet: Sheet, trial: Trial, name: str, against: str) -> stats.Estimate:
    kept = _kept(trial, name, against)
    after, before = trial.correct[name][kept], trial.correct[against][kept]
    return stats.worst_group_gain(after, before, trial.cells[kept], sheet.groups[kept], **sheet.settings)


def _kept(trial: Trial, *names: str) -> Mask:
    arrays: list[Floats] = [trial.correct[name] for name in names]
    return np.asarray((trial.cells >= 0) & complete(arrays), dtype=np.bool_)


def _table(trial: Trial, name: str) -> list[dict[str, Any]]:
    rows = []
    for code, group in enumerate(trial.names):
        values = trial.correct[name][trial.cells == code]
        rows.append({"group": group, "n": int(np.isfinite(values).sum()), "accuracy": accuracy(values)})
    return rows


def _report(report: Any) -> dict[str, Any]:
    shown = ("steps", "rank", "learning_rate", "examples", "layers", "trained", "share")
    return {name: report[name] for name in (*shown, "loss_before", "loss_after") if name in report}


def _searched(searched: Searched) -> dict[str, Any]:
    """What was searched for in the learning half, and what was found."""
    found = searched.found
    return {
        "verdict": found.verdict,
        "learning_images": found.n,
        "learning_patients": found.groups,
        "wrong": found.errors,
        "clusters": [each.name for each in searched.spurious],
        "other_clusters": [each.name for each in searched.others],
        "top_images": None if searched.top is None else len(searched.top.images),
        "p_max_t": None if searched.top is None or searched.top.test is None else searched.top.test.p_max_t,
        "vectors": searched.learning.vectors,
        "smallest_detectable": found.detectable.difference if found.detectable else None,
    }
