"""Does a judge tell a right answer from a near miss, and can its replies be read?

A judge that gives everything the same score (reward collapse) still has a mean, which says nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from statistics import fmean, pstdev
from typing import TYPE_CHECKING, Any

from medaudit.errors import UsageError
from medaudit.grading.judge import Judge, Judgements, Triplet
from medaudit.grading.near_misses import KnownAnswer, Reference, known_answers

if TYPE_CHECKING:
    from medaudit.stats import Estimate

#: Scores that vary less than this (standard deviation, 0..1) tell no answers apart.
COLLAPSED_BELOW = 0.05

#: Under so many known answers of each sort the interval of the AUC decides nothing.
_MIN_N = 10

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A reference, an answer that means the same in other words, and one that nearly does but is wrong."""

    question: str
    reference: str
    equivalent: str
    near_miss: str


@dataclass(frozen=True)
class Rate:
    """Share of verdicts that were right among readable ones, its interval, and bounds over all replies.

    ``bounds`` are the share were every unreadable reply a wrong verdict, and were every one a right verdict.
    """

    rate: float | None
    interval: Interval | None
    n: int
    failures: int
    bounds: Interval


@dataclass(frozen=True)
class JudgeAudit:
    """What is known of a judge from answers whose verdict is known.

    ``auc`` = P(equivalent scores above near miss) + half of ties; ``spread`` is the standard deviation of all
    scores. ``sensitivity`` is the share of equivalents judged right, ``specificity`` that of near misses
    judged wrong; ``by_kind`` has one rate per kind of known answer. ``collapsed``: the spread is below
    ``COLLAPSED_BELOW``, or the AUC is not shown to exceed 0.5. ``failure_rate`` counts replies that hold no
    score, ``unanswered`` those that never came.
    """

    auc: float | None
    spread: float | None
    collapsed: bool
    failure_rate: float
    auc_interval: Interval | None = None
    failure_interval: Interval | None = None
    unanswered: int = 0
    n: int = 0
    sensitivity: Rate | None = None
    specificity: Rate | None = None
    by_kind: dict[str, Rate] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The audit as a finding's data holds it."""
        table: dict[str, Any] = _listed(asdict(self))
        return table


def audit_on(
    judge: Judge, references: Sequence[Reference], *, most: int = 100, seed: int = 0, confidence: float = 0.95
) -> JudgeAudit:
    """Audit a judge on known answers made from these references; of more than ``most`` a sample is used.

    The judge is asked every one, also where an answer equals its reference but for case. UsageError where no
    known answer can be made.
    """
    from medaudit.image import keyed_rng

    rng = keyed_rng("judge-audit", seed)
    kept = list(references)
    if len(kept) > most:
        kept = [kept[place] for place in sorted(rng.choice(len(kept), most, replace=False).tolist())]
    known = known_answers(kept, top=judge.scale[1], seed=seed)
    return audit_known(
        lambda triplets: judge(triplets, ask_all=True), known, seed=seed, confidence=confidence
    )


def audit_judge(judge: Callable[[Sequence[Triplet]], Judgements], triplets: Sequence[NearMiss]) -> JudgeAudit:
    """Audit a judge on triplets written by hand: reference, equivalent, near miss."""
    if not triplets:
        raise UsageError("audit_judge needs at least one near-miss triplet.")
    known = []
    for number, each in enumerate(triplets):
        question, reference, group = each.question, each.reference, str(number)
        known.append(KnownAnswer(question, reference, each.equivalent, "equivalent", True, group))
        known.append(KnownAnswer(question, reference, each.near_miss, "near_miss", False, group))
    return audit_known(judge, known)


def audit_known(
    judge: Callable[[Sequence[Triplet]], Judgements],
    known: Sequence[KnownAnswer],
    *,
    seed: int = 0,
    confidence: float = 0.95,
) -> JudgeAudit:
    """Audit a judge on answers whose verdict is known, in one call, so that it can batch."""
    if not known:
        raise UsageError("No known answer to audit the judge on: the references hold no words.")
    judged = judge([Triplet(each.question, each.reference, each.answer) for each in known])
    pairs = list(zip(known, judged.scores, strict=True))
    readable = [score for score in judged.scores if score is not None]
    auc, interval = _auc(pairs, seed, confidence)
    spread = pstdev(readable) if readable else None
    settings: dict[str, Any] = {"confidence": confidence, "seed": seed}
    failed = _mean([float(s is None) for s in judged.scores], [k.group for k in known], settings)
    verdicts = list(zip(known, judged.right, strict=True))
    kinds = dict.fromkeys(each.kind for each in known)
    chance = interval is not None and interval[0] <= 0.5 and _enough(pairs)
    return JudgeAudit(
        auc=auc,
        spread=spread,
        collapsed=spread is None or spread < COLLAPSED_BELOW or chance,
        failure_rate=judged.failures / len(known),
        auc_interval=interval,
        failure_interval=failed.interval,
        unanswered=judged.unanswered,
        n=len(known),
        sensitivity=_rate([pair for pair in verdicts if pair[0].same], settings),
        specificity=_rate([pair for pair in verdicts if not pair[0].same], settings),
        by_kind={kind: _rate([p for p in verdicts if p[0].kind == kind], settings) for kind in kinds},
    )


def _enough(pairs: Sequence[tuple[KnownAnswer, float | None]]) -> bool:
    sides = [known.same for known, score in pairs if score is not None]
    return min(sum(sides), len(sides) - sum(sides)) >= _MIN_N


def _rate(pairs: Sequence[tuple[KnownAnswer, float | None]], settings: dict[str, Any]) -> Rate:
    """Share of right verdicts over answers that are all equivalents, all near misses, or of one kind."""
    hits = [(float(right == float(k.same)), k.group) for k, right in pairs if right is not None]
    lost, total = len(pairs) - len(hits), max(1, len(pairs))
    right = sum(hit for hit, _ in hits)
    estimate = _mean([hit for hit, _ in hits], [group for _, group in hits], settings)
    bounds = (right / total, (right + lost) / total) if pairs else (0.0, 1.0)
    return Rate(estimate.estimate, estimate.interval, len(hits), lost, bounds)


def _mean(values: Sequence[float], groups: Sequence[str], settings: dict[str, Any]) -> Estimate:
    from medaudit import stats

    return stats.mean(values, groups, **settings)


def _auc(
    pairs: Sequence[tuple[KnownAnswer, float | None]], seed: int, confidence: float
) -> tuple[float | None, Interval | None]:
    """AUC over all pairs of one equivalent and one near miss, and its cluster-bootstrap interval."""
    import numpy as np

    from medaudit.stats import cluster_bootstrap
    from medaudit.stats.bootstrap import percentile_interval

    scored = [(known, score) for known, score in pairs if score is not None]
    high = [score for known, score in scored if known.same]
    low = [score for known, score in scored if not known.same]
    if not high or not low:
        return None, None
    levels = sorted({score for _, score in scored})
    cells = np.zeros((len(scored), 2 * len(levels)))
    for row, (known, score) in enumerate(scored):
        cells[row, levels.index(score) + len(levels) * known.same] = 1.0

    def of_sums(sums: Any, sizes: Any) -> Any:
        wrong, right = sums[:, : len(levels)], sums[:, len(levels) :]
        below = np.cumsum(wrong, axis=1) - wrong / 2
        with np.errstate(invalid="ignore"):
            return (right * below).sum(axis=1) / (right.sum(axis=1) * wrong.sum(axis=1))

    groups = [known.group for known, _ in scored]
    auc = fmean(1.0 if a > b else 0.5 if a == b else 0.0 for a in high for b in low)
    count = len(set(groups))
    if count < 2:
        return auc, None
    draws = cluster_bootstrap(cells, groups, of_sums, seed=seed)
    draws = draws[np.isfinite(draws)]
    if not len(draws):
        return auc, None
    bottom, top = percentile_interval(draws, count, confidence)
    return auc, (min(bottom, auc), max(top, auc))


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _listed(each) for key, each in value.items()}
    return list(value) if isinstance(value, tuple) else value
