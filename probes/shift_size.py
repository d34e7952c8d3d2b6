"""How large is a real-world shift? How well its two sides are told apart by picture and by question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit import stats
from medaudit.finding import Control, Finding, Verdict
from medaudit.probes.arms import drawn
from medaudit.probes.contrasts import by_value
from medaudit.probes.descriptors import picture_features, question_features
from medaudit.splitting import linked

if TYPE_CHECKING:
    from medaudit.probes.arms import Floats
    from medaudit.probes.attributes import Attribute
    from medaudit.probes.contrasts import Contrast
    from medaudit.probes.sheet import Mask, Sheet
    from medaudit.stats.roc import Separation

METRIC = "shift_size"
#: Bounds on the cost: cases whose pictures are read, permutations, contrasts of columns nobody asked for.
CASES, RESAMPLES, CONTRASTS = 400, 500, 24
#: A column that nobody named is measured where it has no more values than this.
MOST_VALUES = 3
ONE_QUESTION = "every case is asked the same question"


def measured(columns: Sequence[Attribute], splits: Sequence[Contrast], named: bool) -> list[Contrast]:
    """What is worth its cost: splits and columns that were asked for, and columns of 2 or 3 values."""
    values = [contrast for column in columns for contrast in by_value(column)]
    kept = [contrast for contrast in values if named or contrast.values <= MOST_VALUES]
    return [*splits, *kept[:CONTRASTS]]


def shift_size_findings(sheet: Sheet, contrasts: Sequence[Contrast], scores: Floats) -> Iterator[Finding]:
    """AUC of a linear rule, cross-validated over groups, that tells inside from rest; 0.5: no shift.

    On at most 400 answered cases, drawn by hash: those of which the accuracies speak. Cases that share a
    picture or a group are kept in one fold.
    """
    answered = np.isfinite(scores)
    least = sheet.ctx.min_n
    wanted = [c for c in contrasts if min((c.inside & answered).sum(), (c.rest & answered).sum()) >= least]
    if not wanted:
        return
    asked = [case for case, known in zip(sheet.cases, answered, strict=True) if known]
    chosen = {case.id for case in drawn(asked, CASES, sheet.ctx.seed, METRIC)}
    rows = np.asarray([n for n, case in enumerate(sheet.cases) if case.id in chosen], dtype=np.int64)
    cases = [sheet.cases[row] for row in rows]
    blocks = np.asarray(linked(cases), dtype=np.int64)
    features: dict[str, Floats | None] = {"image": picture_features(cases)}
    features["question"] = question_features(cases) if len({c.question for c in cases}) > 1 else None
    known: dict[tuple[bytes, ...], Separation] = {}
    for contrast in wanted:
        sides = contrast.inside[rows], contrast.rest[rows]
        for by, matrix in features.items():
            yield _one(sheet, contrast, by, matrix, sides, blocks, known)


def _one(
    sheet: Sheet,
    contrast: Contrast,
    by: str,
    matrix: Floats | None,
    sides: tuple[Mask, Mask],
    blocks: Any,
    known: dict[tuple[bytes, ...], Separation],
) -> Finding:
    where = {**contrast.where, "by": by}
    n = [int(side.sum()) for side in sides]
    data = {"n_value": n[0], "n_rest": n[1]}
    if matrix is None:
        return sheet.absent(METRIC, ONE_QUESTION, where, n=sum(n), data=data)
    if min(n) < sheet.ctx.min_n:
        few = f"n = {min(n)} is under the minimum of {sheet.ctx.min_n}"
        return sheet.absent(METRIC, few, where, verdict=Verdict.INCONCLUSIVE, n=sum(n), data=data)
    # Which side is called inside does not matter: a column of two values is measured once.
    key = (by.encode(), *sorted(side.tobytes() for side in sides))
    if key not in known:
        known[key] = _separation(sheet, matrix, sides, blocks)
    found = known[key]
    return sheet.finding(
        METRIC, found.estimate, where, control=Control("permuted_labels", found.null_mean), data=data
    )


def _separation(sheet: Sheet, matrix: Floats, sides: tuple[Mask, Mask], blocks: Any) -> Separation:
    kept = sides[0] | sides[1]
    return stats.domain_auc(
        matrix[kept],
        sides[0][kept],
        blocks[kept],
        confidence=sheet.ctx.confidence,
        resamples=min(RESAMPLES, sheet.ctx.resamples),
        seed=sheet.ctx.seed,
    )
