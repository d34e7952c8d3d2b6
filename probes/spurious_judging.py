"""What a search and its edits come to: the verdict on a task, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from medaudit import stats
from medaudit.finding import Verdict
from medaudit.proposals import lies_on

if TYPE_CHECKING:
    from medaudit.probes.spurious_edits import Effect, Trial
    from medaudit.probes.spurious_regions import Seen
    from medaudit.probes.spurious_tasks import Mask, Task
    from medaudit.regions import Cluster, Discovery

NO_CONTROL = "found without error control: mode = 'faithful' names a cluster on most models, clean ones too"
NO_EDIT = "it belongs to whole images, so it can be neither taken out nor put in; no cause was tested"
#: Share of a cluster's regions on annotated boxes of what is asked, from which it is the evidence itself.
EVIDENCE_SHARE = 0.5


@dataclass(frozen=True, eq=False)
class Study:
    """One task searched and edited. ``tested`` ``(n,)``: the images that count; ``alpha``: the task's level.

    ``trials`` are by name of the cluster; ``adjusted`` holds Holm's p of each (cluster, direction).
    """

    task: Task
    seen: Seen
    found: Discovery
    tested: Mask
    alpha: float
    trials: Mapping[str, Sequence[Trial]] = field(default_factory=dict)

    @property
    def adjusted(self) -> dict[tuple[str, str], float | None]:
        every = [(name, trial) for name, trials in self.trials.items() for trial in trials]
        values = stats.holm([trial.p_value for _, trial in every])
        return {(name, trial.direction): p for (name, trial), p in zip(every, values, strict=True)}

    def confirmed_by(self, name: str) -> list[str]:
        """Directions in which a cluster's edits had an effect, at the level of the task."""
        return [
            direction
            for (own, direction), p in self.adjusted.items()
            if own == name and p is not None and p <= self.alpha
        ]

    @property
    def best_edit(self) -> Effect | None:
        """What the verdict rests on: the larger effect of the top cluster's directions, confirmed ones first.

        None unless the top cluster was singled out by a test, was edited, and is not the evidence itself.
        """
        top = self.top
        if top is None or not top.kept or top.name not in self.trials or self.found.mode == "faithful":
            return None
        if (on_evidence(self, top) or 0.0) >= EVIDENCE_SHARE:
            return None
        sure = self.confirmed_by(top.name)
        trials = [trial for trial in self.trials[top.name] if not sure or trial.direction in sure]
        effects = [trial.weakest for trial in trials if trial.weakest is not None]
        return max(effects, key=lambda one: one.estimate.estimate or 0.0, default=None)

    @property
    def kept(self) -> list[Cluster]:
        """What discovery singled out, clusters of regions and attributes alike, best first."""
        return [cluster for cluster in self.found.clusters if cluster.kept]

    @property
    def top(self) -> Cluster | None:
        """The best cluster whose edits confirm it, in both directions before one; else of regions, of all."""
        regions = [each for each in self.kept if each.medoid is not None]
        confirmed = [each for each in regions if self.confirmed_by(each.name)]
        confirmed.sort(key=lambda each: -len(self.confirmed_by(each.name)))
        return next(iter([*confirmed, *regions, *self.kept, *self.found.clusters]), None)


def judged(study: Study) -> tuple[Verdict, str]:
    """The verdict of `shortcut` and its reason."""
    found, top = study.found, study.top
    if top is None or (found.verdict == "insufficient data" and not study.kept):
        return Verdict.INCONCLUSIVE, f"insufficient data: {found.reason}"
    if not study.kept:
        return Verdict.MEASURED, f"not found: {found.reason}"
    if top.medoid is None:
        return Verdict.INCONCLUSIVE, f"{_found(study, top)} {top.name}: {NO_EDIT}."
    directions = study.confirmed_by(top.name)
    share = on_evidence(study, top)
    if found.mode == "faithful":
        said = f"confirmed by {' and '.join(directions)}" if directions else "not confirmed"
        return Verdict.MEASURED, f"{found.reason} {top.name} is {said}; {NO_CONTROL}."
    if not directions:
        return (
            Verdict.INCONCLUSIVE,
            f"{_found(study, top)} Found but not confirmed: {_unconfirmed(study, top)}.",
        )
    effects = f"Confirmed by {' and '.join(_told(study, top, each) for each in directions)}."
    if share is not None and share >= EVIDENCE_SHARE:
        why = f"{share:.0%} of its regions lie on annotated boxes of what is asked: evidence, not a shortcut."
        return Verdict.INCONCLUSIVE, f"{_found(study, top)} {effects} But {why}"
    return Verdict.FAIL, f"{_found(study, top)} {effects}"


def on_evidence(study: Study, cluster: Cluster) -> float | None:
    """Share of a cluster's regions that lie on a box annotated with what the question asks about.

    Of the regions in images that carry such a box; see `lies_on`. A box's label is asked about when question
    or options name it. None without such a region.
    """
    asked = " ".join((study.task.question, *study.task.options)).casefold()
    named = [
        [region.box for region in case.regions if region.label and region.label.casefold() in asked]
        for case in study.task.cases
    ]
    of = study.seen.regions.image
    hits = [
        any(lies_on(study.seen.box(region), box) for box in named[of[region]])
        for region in cluster.members.tolist()
        if named[of[region]]
    ]
    return float(np.mean(hits)) if hits else None


def _found(study: Study, top: Cluster) -> str:
    """What discovery says of the cluster that the verdict is about."""
    found = study.found
    if top is found.clusters[0] and found.verdict == "found":
        return found.reason
    assert top.test is not None
    said = (
        f"{top.name}, in {int(study.tested[top.images].sum())} images: G {top.gap:.2f} where chance gives "
        f"{top.test.null_mean:.2f}, p = {top.test.p_max_t:.3g} among {found.tests} features."
    )
    if found.verdict == "found" or found.stability is None:
        return said
    # Clusters that part the images alike, or the other way round, take turns at the top.
    again = f"median Jaccard index {found.stability.median:.2f}"
    return f"{said} Other partitions put a cluster of other images first ({again})."


def _told(study: Study, top: Cluster, direction: str) -> str:
    trial = next(each for each in study.trials[top.name] if each.direction == direction)
    effect = trial.weakest
    assert effect is not None
    rate, control = effect.rates
    p = study.adjusted[top.name, direction]
    return (
        f"{direction} ({effect.kind}): {rate or 0:.0%} of {effect.estimate.n} images change their answer, "
        f"{control or 0:.0%} under the control, p = {p or 0:.2g}"
    )


def _unconfirmed(study: Study, top: Cluster) -> str:
    parts = []
    for trial in study.trials.get(top.name, ()):
        effect = trial.weakest
        if effect is None:
            parts.append(f"{trial.direction}: {trial.reason}")
            continue
        rate, control = (0.0 if value is None else value for value in effect.rates)
        p = study.adjusted[top.name, trial.direction]
        parts.append(
            f"{trial.direction} ({effect.kind}) changes {rate:.0%} of {effect.estimate.n} answers, its "
            f"control {control:.0%}, p = {1.0 if p is None else p:.2g}"
        )
    return "; ".join(parts) or "it was not among the clusters edited"
