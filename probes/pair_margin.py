"""How far the likelihoods tell the two images of a pair apart, whatever letter the model prefers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit import stats
from medaudit.finding import Control, Finding
from medaudit.probes.sheet import as_control

if TYPE_CHECKING:
    from medaudit.probes.arms import Floats
    from medaudit.probes.pair_arms import Arms
    from medaudit.probes.pair_asking import Judged

UNITS = {"choose": "nats", "prefix": "nats per token"}
NO_SCORES = "no pair has finite scores of both right options"


def margin_findings(arms: Arms) -> Iterator[Finding]:
    """With gap = score of the first image's right option - score of the second's, per image ::

        margin         = mean over pairs of gap(image 1) - gap(image 2)
        discrimination = AUROC over items of the gap towards the option that is offered first

    A constant preference for a letter or an option cancels in the margin, and moves no rank within a
    question. Both are 0 and 0.5 for a model that never looks; the control is the blank picture.
    """
    blank = arms.pairs.get("blank")
    for metric, measure in (("margin", _margin), ("discrimination", _discrimination)):
        estimate, data = measure(arms, arms.given)
        control = None if blank is None else _beside(metric, measure(arms, blank)[0])
        yield arms.sheet.finding(metric, estimate, arms.slice, control=control, data=data)


def _beside(metric: str, estimate: stats.Estimate) -> Control:
    """The blank picture's margin is 0 by construction, so an interval of it would say nothing."""
    return Control("blank", estimate.estimate) if metric == "margin" else as_control("blank", estimate)


def _margin(arms: Arms, judged: Judged) -> tuple[stats.Estimate, dict[str, Any]]:
    gaps = _gaps(judged)
    apart = gaps[:, 0] - gaps[:, 1]
    kept = np.asarray(np.isfinite(apart), dtype=np.bool_)
    data: dict[str, Any] = {"unit": UNITS[arms.mode], "pairs_without_finite_scores": int((~kept).sum())}
    if not kept.any():
        return stats.Estimate(None, None, 0, 0, reason=NO_SCORES), data
    groups = [group for group, k in zip(judged.groups, kept, strict=True) if k]
    # Chance: a pair is told apart the right way round as often as the wrong way.
    data["right_way_round"] = float((np.sign(apart[kept]) / 2 + 0.5).mean())
    return stats.mean(apart[kept], groups, **arms.sheet.settings), data


def _discrimination(arms: Arms, judged: Judged) -> tuple[stats.Estimate, dict[str, Any]]:
    gaps, right = _gaps(judged), judged.right
    towards = np.where(right[:, :1] < right[:, 1:], gaps, -gaps)
    first_is_right = np.column_stack([right[:, 0] < right[:, 1], right[:, 1] < right[:, 0]])
    kept = np.asarray(np.isfinite(gaps).all(axis=1), dtype=np.bool_)
    data = {"pairs_without_finite_scores": int((~kept).sum())}
    if not kept.any():
        return stats.Estimate(None, None, 0, 0, reason=NO_SCORES), data
    groups = [group for group, k in zip(judged.groups, kept, strict=True) if k for _ in range(2)]
    scores, positive = towards[kept].ravel(), first_is_right[kept].ravel()
    return stats.auc(scores, positive, groups, **arms.sheet.settings), data


def _gaps(judged: Judged) -> Floats:
    """``(n, 2)``: score of the first image's right option less that of the second's, for both images."""
    rows = [
        [_gap(read.scores, one, other) for read in both]
        for both, (one, other) in zip(judged.reads, judged.right.tolist(), strict=True)
    ]
    return np.asarray(rows, dtype=np.float64).reshape(-1, 2)


def _gap(scores: tuple[float, ...], one: int, other: int) -> float:
    if not scores or not np.isfinite([scores[one], scores[other]]).all():
        return float("nan")
    return scores[one] - scores[other]
