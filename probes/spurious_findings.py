"""Findings of a task: the shortcut, the clusters that stand out, and what their edits did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from medaudit import stats
from medaudit.finding import Control, Finding, Verdict
from medaudit.probes.sheet import Sheet
from medaudit.probes.spurious_evidence import gallery, gap_interval
from medaudit.probes.spurious_judging import NO_CONTROL, NO_EDIT, judged

if TYPE_CHECKING:
    from medaudit.probes.spurious_edits import Trial
    from medaudit.probes.spurious_judging import Study
    from medaudit.regions import Cluster

#: Clusters that get a finding of their own, those singled out first.
SHOWN_CLUSTERS = 5
_KEPT_NAMED = 20
#: Metric of each direction.
FLIPS = {"removal": "removal_flip", "insertion": "insertion_flip"}


def findings(sheet: Sheet, study: Study) -> Iterator[Finding]:
    """All findings of one task that was searched."""
    yield shortcut(sheet, study)
    tested = [each for each in study.found.clusters if each.kept or each.test is not None]
    for cluster in (tested or list(study.found.clusters))[:SHOWN_CLUSTERS]:
        yield _gap(sheet, study, cluster)
        if cluster.medoid is not None:
            yield _influence(sheet, study, cluster)
        elif cluster.kept:
            for metric in FLIPS.values():
                yield sheet.absent(metric, NO_EDIT, _slice(study, cluster))
    for name, trials in study.trials.items():
        cluster = next(each for each in study.found.clusters if each.name == name)
        for trial in trials:
            yield _flip(sheet, study, cluster, trial)


def shortcut(sheet: Sheet, study: Study) -> Finding:
    """The verdict on a task, with the gap of its top cluster."""
    verdict, reason = judged(study)
    found, top = study.found, study.top
    data = _searched(study)
    if top is None:
        return replace(
            sheet.absent("shortcut", reason, study.task.slice, verdict=verdict, n=found.n, data=data),
            groups=found.groups,
        )
    shown = _gap(sheet, study, top)
    return replace(
        shown,
        metric="shortcut",
        slice=study.task.slice,
        verdict=verdict,
        reason=reason,
        data=dict(shown.data) | data | {"cluster": top.name},
    )


def _gap(sheet: Sheet, study: Study, cluster: Cluster) -> Finding:
    test, task = cluster.test, study.task
    interval = gap_interval(sheet.ctx, study, cluster)
    ids: list[str] = []
    if cluster.medoid is not None:
        images = study.seen.regions.image[[cluster.medoid, *cluster.members.tolist()]].tolist()
        ids = [task.cases[image].id for image in dict.fromkeys(images)]
    reasons = [] if interval else ["no interval: no class is compared, or one patient"]
    if study.found.mode == "faithful":
        reasons.append(NO_CONTROL)
    elif test is None:
        reasons.append("not tested: too rare, or answers do not vary")
    data = gallery(study, cluster) | {"kept": cluster.kept, "gap_per_class": cluster.gap_per_class}
    if test is not None:
        data["test"] = {
            "p": test.p,
            "p_false_discovery": test.p_adjusted,
            "p_max_t": test.p_max_t,
            "p_helped": test.p_helped,
            "p_hurt": test.p_hurt,
        }
    return Finding(
        sheet.probe,
        "gap",
        cluster.gap,
        interval=interval,
        n=study.found.n,
        groups=study.found.groups,
        slice=_slice(study, cluster),
        confidence=sheet.ctx.confidence,
        p_value=test.p_max_t if test is not None else None,
        control=Control("gap_by_chance", test.null_mean) if test is not None else None,
        reason="; ".join(reasons),
        evidence=tuple(ids[:12]),
        data=data,
    )


def _influence(sheet: Sheet, study: Study, cluster: Cluster) -> Finding:
    own, where = cluster.influence, _slice(study, cluster)
    if own is None:
        reason = "no class that it hurts has enough wrong answers in images with it (5) to say whose they are"
        return sheet.absent("influence", reason, where, verdict=Verdict.INCONCLUSIVE)
    faithful = own.normalised is None or own.lower is None
    low, high = stats.wilson(own.share * own.errors, own.errors, sheet.ctx.confidence)
    estimate, interval = own.share, (low, high)
    if own.normalised is not None and own.lower is not None:
        # One-sided: that errors hang on the cluster is claimed, not that they do not.
        estimate, interval = own.normalised, (min(own.lower, own.normalised), 1.0)
    return Finding(
        sheet.probe,
        "influence",
        estimate,
        interval=interval,
        n=own.errors,
        groups=own.errors,
        slice=where,
        confidence=sheet.ctx.confidence,
        control=Control("share_by_lot", own.expected),
        reason=NO_CONTROL if faithful else "",
        data={
            "share": own.share,
            "by_lot": own.expected,
            "answer": study.task.options[own.label],
            "scores": study.seen.scores,
        },
    )


def _flip(sheet: Sheet, study: Study, cluster: Cluster, trial: Trial) -> Finding:
    where, metric = _slice(study, cluster), FLIPS[trial.direction]
    effect = trial.weakest
    if effect is None:
        return sheet.absent(metric, trial.reason, where, verdict=Verdict.INCONCLUSIVE, data=trial.facts)
    rate, control = effect.rates
    own = Sheet(sheet.ctx, sheet.probe, trial.cases)
    shown = own.finding(
        metric,
        effect.estimate,
        where,
        control=Control("flip_rate_control", control),
        evidence=own.ids(effect.target > effect.control),
        data={
            "answer": study.task.options[cluster.helped] if cluster.helped is not None else None,
            "rate": rate,
            "control_rate": control,
            "edit": effect.kind,
            "edits": {
                one.kind: {
                    "difference": one.estimate.estimate,
                    "rate": one.rates[0],
                    "control_rate": one.rates[1],
                    "only_edit": one.only_target,
                    "only_control": one.only_control,
                    "p": one.p_value,
                    "test": one.test,
                }
                for one in trial.effects
            },
            "confirmed": trial.direction in study.confirmed_by(cluster.name),
            **trial.facts,
        },
    )
    return replace(shown, p_value=trial.p_value, p_adjusted=study.adjusted[cluster.name, trial.direction])


def _slice(study: Study, cluster: Cluster) -> dict[str, str | int | float | bool]:
    return {**study.task.slice, "cluster": cluster.name}


def _searched(study: Study) -> dict[str, Any]:
    """How the search was done, what it could have seen, and what the alarm looks at."""
    found, seen, task, edit = study.found, study.seen, study.task, study.best_edit
    ends = edit.estimate.interval if edit else None
    return {
        "edit_effect": edit.estimate.estimate if edit else None,
        "edit_effect_interval": list(ends) if ends else None,
        "edits_judged": [[name, trial.direction] for name, own in study.trials.items() for trial in own],
        "verdict": found.verdict,
        "mode": found.mode,
        "wrong": found.errors,
        "features_tested": found.tests,
        "alpha": study.alpha,
        "deals": found.resamples,
        "clusters": found.k,
        "silhouette": found.silhouette,
        "regions_searched": len(seen.regions.image),
        "regions_unseen": seen.unseen,
        "vectors": seen.vectors,
        "scores": seen.scores,
        "regions_asked": seen.asked,
        "kept": [each.name for each in study.kept][:_KEPT_NAMED],
        "confirmed": {name: study.confirmed_by(name) for name in study.trials},
        "stability": found.stability.median if found.stability else None,
        "smallest_detectable": found.detectable.difference if found.detectable else None,
        "left_out": {"errors": task.errors, "unread": task.unread, "beyond_limit": task.undrawn},
    }
