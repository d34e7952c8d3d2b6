"""``prior_pull``: when the model cannot tell, does it say what it would say without looking?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit import stats
from medaudit.finding import Control, Finding, Verdict
from medaudit.probes.sheet import Sheet

if TYPE_CHECKING:
    from medaudit.probes.arms import Arm, Floats
    from medaudit.probes.sheet import Mask

STAND_IN = "this model cannot be asked without an image; its answers to a blank one stand in"


def prior_pull(sheet: Sheet, arms: Mapping[str, Arm]) -> Finding:
    """Accuracy where the answer without an image is right, minus accuracy where it is wrong.

    Over closed cases for which both answers choose an option; inconclusive when a side has fewer than
    ``min_n`` of them. The control is the mean of the same difference over every way of dealing the cases of
    each question anew to the two sides: it keeps what questions of unequal difficulty make, and no more.
    ``data["excess"]`` is the difference less its control, which is the same difference of each case's score
    less its question's accuracy; its interval is that of the latter.
    """
    unseen = "none" if "none" in arms else "blank"
    full, prior = arms["full"], arms[unseen]
    counted = _chosen(sheet, full) & _chosen(sheet, prior)
    right, wrong = counted & (prior.scores > 0.5), counted & (prior.scores < 0.5)
    data: dict[str, Any] = {"unseen": unseen, "n_right": int(right.sum()), "n_wrong": int(wrong.sum())}
    if unseen == "blank":
        data["stand_in"] = STAND_IN
    n = int(counted.sum())
    if reason := _too_few(data["n_right"], data["n_wrong"], n, sheet.ctx.min_n):
        return sheet.absent("prior_pull", reason, verdict=Verdict.INCONCLUSIVE, n=n, data=data)
    usual = _usual(sheet, full.scores, counted)
    excess = _between(sheet, full.scores - usual, right, wrong)
    control = float(usual[right].mean() - usual[wrong].mean())
    data |= {
        "accuracy_right": float(full.scores[right].mean()),
        "accuracy_wrong": float(full.scores[wrong].mean()),
        "excess": excess.estimate,
        "excess_interval": excess.interval and list(excess.interval),
    }
    return sheet.finding(
        "prior_pull",
        _between(sheet, full.scores, right, wrong),
        control=Control("dealt_anew", control),
        evidence=sheet.ids(wrong & (full.scores < 0.5)),
        data=data,
    )


def _between(sheet: Sheet, values: Floats, right: Mask, wrong: Mask) -> stats.Estimate:
    return sheet.unpaired(stats.unpaired_difference, ((values,), right), ((values,), wrong))


def _too_few(right: int, wrong: int, n: int, min_n: int) -> str:
    if min(right, wrong) >= min_n:
        return ""
    side, fewer = ("right", right) if right <= wrong else ("wrong", wrong)
    return (
        f"without looking it is {side} in {fewer} of the {n} closed cases where it chooses an option; "
        f"the minimum on each side is {min_n}"
    )


def _chosen(sheet: Sheet, arm: Arm) -> Mask:
    """Closed cases whose answer is one of the options."""
    pairs = zip(sheet.cases, arm.said, strict=True)
    return np.asarray([case.closed and said in case.options for case, said in pairs], dtype=np.bool_)


def _usual(sheet: Sheet, scores: Floats, counted: Mask) -> Floats:
    """Accuracy of each case's question: what a side holds on average when its cases are dealt anew."""
    number: dict[object, int] = {}
    codes = np.asarray(
        [number.setdefault((case.question, case.options), len(number)) for case in sheet.cases]
    )
    sums = np.bincount(codes[counted], weights=scores[counted], minlength=len(number))
    sizes = np.bincount(codes[counted], minlength=len(number))
    return np.asarray((sums / np.maximum(sizes, 1))[codes], dtype=np.float64)
