"""The probe ``spurious``: do right and wrong answers hang on a part of the image that should not matter?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from medaudit.alarms import AlarmRule
from medaudit.errors import UsageError
from medaudit.finding import Finding, Verdict
from medaudit.probes.sheet import Sheet
from medaudit.probes.spurious_edits import removal
from medaudit.probes.spurious_findings import findings
from medaudit.probes.spurious_insertion import insertion
from medaudit.probes.spurious_judging import Study
from medaudit.probes.spurious_regions import seen
from medaudit.probes.spurious_tasks import answered, asked_together, lacking
from medaudit.proposals import proposer
from medaudit.regions import discover
from medaudit.regions.halves import first_half
from medaudit.regions.settings import deals_for
from medaudit.registry import probe

if TYPE_CHECKING:
    from medaudit.context import Context
    from medaudit.probes.spurious_tasks import Mask, Task
    from medaudit.proposals import Proposer
    from medaudit.regions.outputs import Mode

MODES, VECTORS = ("ours", "faithful"), ("grid", "crops")
NO_CLOSED = "no closed question with an image: what is answered is compared between options"
NO_BOXES = "regions = 'given', but no case of this question carries a box within its image"
NONE_STAND_OUT = "no part of any image stands out: the pictures are flat"
NONE_SEEN = "the model looks at none of the boxes"


@probe(
    "spurious",
    default=False,
    needs=[["embed", "choose"], ["embed", "generate"]],
    reference=(
        "Varma et al. 2024, RaVL, NeurIPS, arXiv:2411.04097; Westfall and Young 1993; McNemar 1947; "
        "He et al. 2017, Mask R-CNN, ICCV (RoIAlign)"
    ),
    metrics=("shortcut", "gap", "influence", "removal_flip", "insertion_flip"),
    alarms=(
        # The largest p counts: that of the search, and that of the edits times the edits that were judged.
        AlarmRule(
            "shortcut",
            "shortcut",
            keys=("question", "options"),
            above=0.0,
            measure="edit_effect",
            among="edits_judged",
            says="Asked '{question}', it goes by a part of the image that should not matter. {sentence} "
            "Editing it changes {points} points more answers than its control",
        ),
    ),
)
def spurious(
    ctx: Context,
    *,
    regions: str = "grid:4",
    vectors: str = "grid",
    mode: Mode = "ours",
    split: bool = False,
    covariates: bool = True,
    cases: int = 500,
    clusters: int = 6,
) -> Iterator[Finding]:
    """Do right and wrong answers hang on a part of the image that should not matter?

    Closed cases with the same question and options form a task. Parts of its images (``regions``: ``grid:G``,
    ``quadrants``, the boxes that cases carry, or ``found`` blobs) are embedded by the model (``vectors``: on
    its vision ``grid``, one pass an image, or as ``crops``) and clustered; each cluster, and with
    ``covariates`` each attribute of whole images, is asked whether answers go with it. The best ``clusters``
    of those found are then taken out of images and put into others. ``cases`` bounds those of a task.

    Formulas, with accuracy in images of class y with a region of cluster c and without, n_in and n_out of
    them, and h the class that c helps::

        gap             G = sum_y |w_y (accuracy_in - accuracy_out)|
                        w_y = 2 min(n_in, n_out) / (n_in + n_out)
        shortcut        G of the top cluster; p by max-T over all features, correctness dealt within classes
        influence       (share of errors whose loudest region lies in c - share by lot) / (1 - share by lot)
        removal_flip    share that no longer answers h with c painted over - share with the same elsewhere
        insertion_flip  share that answers h with a region of c pasted in - share with that place of others

    Removal edits images of other classes with c that are answered h; insertion those without c that are not,
    with patches of images that are not of class h either: neither touches evidence of h. Removal is by mean
    colour, blur and inpainting; the control of insertion is the same place of images without c, of class h
    and of others. The smallest effect is reported. Paired exact McNemar by direction
    (permutation of signs by group where patients have several images), Holm over clusters and directions.
    ``shortcut`` fails where a cluster is found and either direction confirms it; found alone is inconclusive,
    and so is what lies on annotated boxes of the finding asked for: evidence. Attributes of whole images
    cannot be edited. What no cluster parts is not tested: where marks are small, give their boxes. The level,
    1 - confidence, is shared out among the tasks. With ``split``, clusters are
    made on half of the patients, and tested and edited on the other.

    ``faithful`` is RaVL as published: it tests nothing, names a cluster on clean models too, and never fails.

    Cost: a pass an image, one more a contrastive model; region scores, for wrong answers only, one question a
    region where the model is not contrastive; up to 8 questions an edited image, 200 a direction and cluster.
    """
    propose = _checked(regions, vectors, mode, cases, clusters)
    closed = tuple(case for case in ctx.askable if case.images and case.closed)
    sheet = Sheet(ctx, "spurious", closed)
    if not closed:
        yield sheet.absent("shortcut", NO_CLOSED)
        return
    large, small = asked_together(closed, 4 * ctx.min_n)
    if small:
        yield sheet.absent(
            "shortcut",
            f"{len(small)} of {len(small) + len(large)} questions are asked of fewer than {4 * ctx.min_n} "
            f"patients each (most: {max(small)} cases): too few to compare",
            verdict=Verdict.INCONCLUSIVE,
            n=sum(small),
        )
    tasks = list(answered(ctx, large, cases))
    reasons = [lacking(task, ctx.min_n) for task in tasks]
    alpha = (1 - ctx.confidence) / max(1, reasons.count(""))
    for task, reason in zip(tasks, reasons, strict=True):
        if reason:
            yield _insufficient(sheet, task, f"insufficient data: {reason}")
            continue
        found = _studied(ctx, task, propose, (regions, vectors, mode), split, covariates, alpha, clusters)
        if isinstance(found, str):
            yield sheet.absent("shortcut", found, task.slice)
        else:
            yield from findings(sheet, found)


def _studied(
    ctx: Context,
    task: Task,
    propose: Proposer,
    how: tuple[str, str, Mode],
    split: bool,
    covariates: bool,
    alpha: float,
    clusters: int,
) -> Study | str:
    """Search one task and edit what was found; or why it does not apply."""
    regions, vectors, mode = how
    boxes = [propose(case) for case in task.cases]
    if not any(boxes):
        return NO_BOXES if regions == "given" else NONE_STAND_OUT
    parts = seen(ctx, task, boxes, vectors=vectors, mode=mode, covariates=covariates and mode == "ours")
    if parts is None:
        return NONE_SEEN
    found = discover(
        parts.regions,
        mode=mode,
        resamples=deals_for(alpha),
        alpha=alpha,
        min_count=ctx.min_n,
        split=split,
        seed=ctx.seed,
    )
    tested: Mask = np.ones(len(task.cases), dtype=np.bool_)
    if split and mode == "ours":
        tested = ~first_half(parts.regions.labels, parts.regions.group_codes, ctx.seed)
    study = Study(task, parts, found, tested, alpha)
    edited = [each for each in study.kept if each.medoid is not None and each.helped is not None]
    trials = {
        each.name: tuple(edit(ctx, task, parts, each, tested) for edit in (removal, insertion))
        for each in edited[:clusters]
    }
    return replace(study, trials=trials)


def _insufficient(sheet: Sheet, task: Task, reason: str) -> Finding:
    data = {"left_out": {"errors": task.errors, "unread": task.unread, "beyond_limit": task.undrawn}}
    finding = sheet.absent(
        "shortcut", reason, task.slice, verdict=Verdict.INCONCLUSIVE, n=len(task.cases), data=data
    )
    return replace(finding, groups=len(set(task.groups)))


def _checked(regions: str, vectors: str, mode: str, cases: int, clusters: int) -> Proposer:
    for name, value, legal in (("vectors", vectors, VECTORS), ("mode", mode, MODES)):
        if value not in legal:
            raise UsageError.unknown(name, str(value), legal)
    for name, number in (("cases", cases), ("clusters", clusters)):
        if type(number) is not int or number < 1:
            raise UsageError(f"spurious: {name} = {number!r}; give a whole number from 1.")
    return proposer(str(regions))
