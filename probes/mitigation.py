"""The probe ``mitigation``: is a region that misleads the model one that tuning can turn it away from?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from medaudit.errors import UsageError
from medaudit.finding import Finding, Verdict
from medaudit.mitigation.recipe import NOT_CONTRASTIVE, Recipe
from medaudit.probes.mitigation_arms import Settings, Trial, tried
from medaudit.probes.mitigation_findings import findings, untuned
from medaudit.probes.mitigation_groups import Values, by_column, by_region, cells_of
from medaudit.probes.mitigation_search import Searched, halved, search
from medaudit.probes.sheet import Sheet
from medaudit.probes.spurious_tasks import answered, asked_together, lacking
from medaudit.proposals import proposer
from medaudit.registry import probe

if TYPE_CHECKING:
    from medaudit.context import Context
    from medaudit.probes.mitigation_search import Halves
    from medaudit.probes.spurious_tasks import Task
    from medaudit.proposals import Proposer

VECTORS = ("grid", "crops")
NO_CLOSED = "no closed question about a single image: what is tuned is the choice between options"


@probe(
    "mitigation",
    default=False,
    needs=[["embed", "choose", "tune"]],
    reference=(
        "Varma et al. 2024, RaVL, NeurIPS, arXiv:2411.04097 (section 4); Hu et al. 2022, LoRA, "
        "arXiv:2106.09685; Sagawa et al. 2020, ICLR, arXiv:1911.08731 (worst-group accuracy); "
        "Zou and Donner 2008 (MOVER); McNemar 1947"
    ),
    metrics=("mitigation_gain", "worst_group_accuracy", "named_group_gain", "accuracy"),
)
def mitigation(
    ctx: Context,
    *,
    regions: str = "grid:4",
    vectors: str = "grid",
    attribute: str = "",
    cases: int = 1000,
    lam: float = 0.8,
    steps: int = 80,
    batch: int = 16,
    rank: int = 8,
    learning_rate: float = 1e-3,
) -> Iterator[Finding]:
    """Would tuning the model away from the region that was found help its worst group, and more than tuning?

    Closed cases with the same question and options form a task, whose patients are parted into halves. On
    the one a region is searched for as in the probe ``spurious`` (``regions``, ``vectors``; no attributes of
    whole images, which have no region) and copies of the model are tuned; the other is asked of each copy.
    Copies learn through low-rank adapters on the image tower, from the same labelled images in the same
    order (:class:`medaudit.mitigation.Recipe`; ``lam``, ``steps``, ``batch``, ``rank``, ``learning_rate``)::

        tuning "none"          the model as it is
        tuning "plain"         L_CL, the choice among the options' texts: tuning alone, the control
        tuning "region"        lam L_CL + (1 - lam) (L_R + L_A), away from the clusters found
        tuning "other_region"  the same, away from as many clusters that were not singled out: a control

    Held-out cases fall into groups by right answer and whether the top cluster is in the image, or by the
    value of a column of metadata (``attribute``) where that tells the truth; groups of fewer than min_n
    patients are left out::

        worst_group_accuracy  W = min over groups of accuracy
        mitigation_gain       W("region") - W(against), on the same cases: MOVER, bootstrap of patients
        named_group_gain      accuracy("region") - accuracy(against) in the group that was worst in the
                              learning half: a paired test, exact McNemar where patients have one image
        accuracy              over all held-out cases: the price

    Where no region is found nothing is tuned, and the gain is 0 by design. ``given = "any"`` counts that 0,
    ``given = "found"`` speaks of tasks with a finding alone: read over many audits, the first is what the
    recipe brings, the second what it brings where discovery succeeds. Tuning is a bound from below: more
    steps, all weights or other rates might mend more. Nothing of the copies is kept but their answers.

    Cost: what ``spurious`` costs without edits; three copies tuned, ``steps`` x ``batch`` images each,
    forward and back, with their regions through the head; the held-out half three times.
    """
    settings = Settings(lam, steps, batch, rank, learning_rate)
    propose = _checked(regions, vectors, cases, settings)
    closed = tuple(case for case in ctx.askable if len(case.images) == 1 and case.closed)
    sheet = Sheet(ctx, "mitigation", closed)
    if ctx.model.kind != "contrastive":
        yield sheet.absent("mitigation_gain", NOT_CONTRASTIVE)
        return
    if not closed:
        yield sheet.absent("mitigation_gain", NO_CLOSED)
        return
    least = 8 * ctx.min_n
    large, small = asked_together(closed, least)
    if small:
        reason = (
            f"{len(small)} of {len(small) + len(large)} questions are asked of fewer than {least} patients "
            f"each (most: {max(small)} cases): too few for two halves"
        )
        yield sheet.absent("mitigation_gain", reason, verdict=Verdict.INCONCLUSIVE, n=sum(small))
    tasks = list(answered(ctx, large, cases))
    halves = [halved(task, ctx.seed) for task in tasks]
    reasons = [lacking(each.learning, ctx.min_n) for each in halves]
    alpha = (1 - ctx.confidence) / max(1, reasons.count(""))
    for task, half, reason in zip(tasks, halves, reasons, strict=True):
        if reason:
            lacks = f"insufficient data in the half to learn from: {reason}"
            yield _insufficient(sheet, task, lacks)
            continue
        yield from _studied(ctx, half, propose, vectors, attribute, alpha, settings)


def _studied(
    ctx: Context,
    halves: Halves,
    propose: Proposer,
    vectors: str,
    attribute: str,
    alpha: float,
    settings: Settings,
) -> Iterator[Finding]:
    """One task: search, tune if anything was found, and say what came of it."""
    sheet = Sheet(ctx, "mitigation", halves.held_out.cases)
    searched = search(ctx, halves, propose, vectors, alpha)
    if isinstance(searched, str):
        yield sheet.absent("mitigation_gain", searched, halves.held_out.slice)
        return
    values = _values(searched, attribute)
    if values is None:
        yield from untuned(sheet, searched, None, attribute)
        return
    learning_cells, cells, names = cells_of(halves, *values, ctx.min_n)
    if searched.spurious and len(names) > 1:
        correct, reports = tried(ctx, searched, settings)
    else:
        correct, reports = {"none": halves.held_out.correct.astype(np.float64)}, {}
    learnt = halves.learning.correct.astype(np.float64)
    trial = Trial(correct, learnt, cells, learning_cells, names, reports)
    yield from (findings if searched.spurious else untuned)(sheet, searched, trial, attribute)


def _values(searched: Searched, attribute: str) -> tuple[Values, Values] | None:
    """What parts the cases of both halves: a column, or the region found; None where there is neither."""
    if attribute:
        return by_column(searched.halves, attribute)
    return None if searched.top is None else by_region(searched)


def _insufficient(sheet: Sheet, task: Task, reason: str) -> Finding:
    found = sheet.absent(
        "mitigation_gain", reason, task.slice, verdict=Verdict.INCONCLUSIVE, n=len(task.cases)
    )
    return replace(found, groups=len(set(task.groups)))


def _checked(regions: str, vectors: str, cases: int, settings: Settings) -> Proposer:
    if vectors not in VECTORS:
        raise UsageError.unknown("vectors", str(vectors), VECTORS)
    if type(cases) is not int or cases < 1:
        raise UsageError(f"mitigation: cases = {cases!r}; give a whole number from 1.")
    Recipe("", (), (), **vars(settings))  # refuses what is out of bounds before anything is asked
    return proposer(str(regions))
