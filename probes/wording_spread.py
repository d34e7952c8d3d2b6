"""How far accuracy moves between wordings of the same cases, beyond what chance moves it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit import stats
from medaudit.finding import Control, Finding
from medaudit.image import keyed_rng
from medaudit.probes.sheet import Sheet, as_control, complete

if TYPE_CHECKING:
    from medaudit.probes.arms import Floats


def spread_findings(sheet: Sheet, scores: Mapping[str, Floats], where: dict[str, Any]) -> Iterator[Finding]:
    """``worst_prompt`` and ``spread`` over wordings of the same cases; the first wording is the plain one.

    ``scores`` are right (1) and wrong (0) per wording. All numbers are over the cases that were asked in
    every wording. The lowest of several means is low by selection too: read it with the spread's null.
    """
    names, columns = list(scores), list(scores.values())
    kept = complete(columns)
    if int(kept.sum()) < sheet.ctx.min_n:
        few = f"{int(kept.sum())} cases were asked in every wording; the minimum is {sheet.ctx.min_n}"
        for metric in ("worst_prompt", "spread"):
            yield sheet.absent(metric, few, where, n=int(kept.sum()))
        return
    means = np.asarray([column[kept].mean() for column in columns])
    worst, best = int(means.argmin()), int(means.argmax())
    data: dict[str, Any] = {
        "worst": names[worst],
        "best": names[best],
        "accuracy": {name: float(mean) for name, mean in zip(names, means, strict=True)},
    }
    yield sheet.finding(
        "worst_prompt",
        sheet.mean(columns[worst], kept),
        where,
        control=as_control("plain", sheet.mean(columns[0], kept)),
        evidence=sheet.ids(kept & (columns[worst] < 0.5) & (columns[0] > 0.5)),
        data=data,
    )
    null, p_value = spread_null(sheet, np.column_stack([column[kept] for column in columns]), kept)
    between = sheet.difference(np.where(kept, columns[best], np.nan), np.where(kept, columns[worst], np.nan))
    interval = between.interval and (max(0.0, between.interval[0] - null), max(0.0, between.interval[1]))
    yield sheet.finding(
        "spread",
        stats.Estimate(
            float(means[best] - means[worst]), interval, between.n, between.groups, p_value, between.reason
        ),
        where,
        control=Control("permuted_wordings", null),
        evidence=sheet.ids(kept & (columns[worst] < 0.5) & (columns[best] > 0.5)),
        data=data | {"excess": float(means[best] - means[worst]) - null},
    )


def spread_null(sheet: Sheet, scores: Floats, kept: Any) -> tuple[float, float]:
    """Mean of the range of k accuracies when wordings mean nothing, and p of the range seen.

    ``scores`` is (n, k). In each permutation every group of cases deals its k columns anew, so what differs
    between cases stays and what differs between wordings goes. p = (1 + hits) / (1 + permutations).
    """
    _, codes = np.unique(sheet.groups[kept], return_inverse=True)
    sums = np.zeros((int(codes.max()) + 1, scores.shape[1]))
    np.add.at(sums, codes, scores)
    seen = float(np.ptp(sums.sum(axis=0)))
    rng = keyed_rng(sheet.ctx.seed, "wordings", scores.shape)
    draws = max(1, sheet.ctx.resamples)
    ranges = np.asarray([np.ptp(rng.permuted(sums, axis=1).sum(axis=0)) for _ in range(draws)])
    hits = int((ranges >= seen - 1e-9).sum())
    return float(ranges.mean()) / len(scores), (1 + hits) / (1 + draws)
