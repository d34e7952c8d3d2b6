"""The probe ``judged``: open answers by a judge model, with the judge's own audit and human labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit import stats
from medaudit.finding import Finding, Verdict
from medaudit.grading.judge import Judge, Judgements, Triplet
from medaudit.grading.judge_audit import audit_on
from medaudit.grading.judge_models import judge_model
from medaudit.grading.near_misses import Reference
from medaudit.grading.reasoning import without_reasoning
from medaudit.probes.sheet import Sheet, as_control
from medaudit.registry import probe

if TYPE_CHECKING:
    from medaudit.case import Case
    from medaudit.context import Context
    from medaudit.grading.judge_audit import JudgeAudit
    from medaudit.model import Answer
    from medaudit.probes.arms import Floats

NO_JUDGE = (
    'no judge is named: set judge = "endpoint:http://host:port/v1#name", a folder of a text model or '
    '"python:FILE:FACTORY" under [probe.judged]'
)
NO_OPEN = "no open question in this data"
COLLAPSED = "the judge does not tell right answers from near misses here: its verdicts mean nothing"
UNREADABLE = "no reply of the judge could be read"
#: References from which known answers are made to audit the judge.
AUDITED = 60


@probe(
    "judged",
    default=False,
    needs=[["generate"]],
    reference=(
        "Kahl et al. 2024, SURE-VQA, arXiv:2411.19688; Rogan and Gladen 1978, Am J Epidemiol 107; "
        "Angelopoulos et al. 2023, Science 382"
    ),
    metrics=("judged_accuracy",),
)
def judged(
    ctx: Context, *, judge: str = "", scale: str = "0-1", human: str = "", replies: str = ""
) -> Iterator[Finding]:
    """How many open answers say the same as the reference, in whatever words?

    Another model compares each answer with its reference; it sees question, reference and answer, nothing
    else. ``judge`` names it, ``scale`` is ``0-1`` or ``1-5``, ``human`` a file of human scores (columns
    case_id, human, rater), ``replies`` a file that keeps the judge's replies for the next run. Formula, over
    answers with a verdict, floor of the scale removed::

        judged_accuracy = mean(score >= 0.75)        1 of 0-1; 4 or 5 of 1-5

    Answers equal to the reference count as right without being asked, answers without a word as wrong. What
    the judge leaves unread is counted, with the bounds that it leaves. The judge is audited on answers whose
    verdict is known; one that does not tell them apart gives no number. The control is exact match.
    """
    cases = tuple(case for case in ctx.askable if not case.closed)
    sheet = Sheet(ctx, "judged", cases)
    if not cases or not judge:
        yield sheet.absent("judged_accuracy", NO_OPEN if not cases else NO_JUDGE)
        return
    labels = _labels(human, cases)
    asked = judge_model(judge, scale=scale, store=replies or None)
    answers = ctx.ask([ctx.request(case) for case in cases])
    verdicts = _verdicts(asked, cases, answers)
    audit = _audit(ctx, asked, cases)
    exact = np.asarray([_exact(ctx, *pair) for pair in zip(cases, answers, strict=True)])
    data = _data(asked, verdicts, audit) | _by_humans(ctx, cases, verdicts, labels)
    yield _found(sheet, verdicts, audit, exact, data)


@dataclass(frozen=True)
class Verdicts:
    """Verdicts by case; NaN where the model or the judge gave nothing that can be read."""

    graded: Floats
    right: Floats
    given: Judgements
    errors: int


def _verdicts(judge: Judge, cases: Sequence[Case], answers: Sequence[Answer]) -> Verdicts:
    """Judge every answer that was given; reasoning that never ends is an answer without a word."""
    said = [place for place, answer in enumerate(answers) if answer.error is None and answer.text is not None]
    given = judge(
        [
            Triplet(
                cases[place].question, cases[place].answer, without_reasoning(answers[place].text or "") or ""
            )
            for place in said
        ]
    )
    graded, right = (np.full(len(cases), np.nan) for _ in range(2))
    graded[said] = [np.nan if score is None else score for score in given.scores]
    right[said] = [np.nan if score is None else score for score in given.right]
    return Verdicts(graded, right, given, len(cases) - len(said))


def _audit(ctx: Context, judge: Judge, cases: Sequence[Case]) -> JudgeAudit:
    references = [Reference(case.question, case.answer, case.group or case.id) for case in cases]
    return audit_on(judge, references, most=AUDITED, seed=ctx.seed, confidence=ctx.confidence)


def _exact(ctx: Context, case: Case, answer: Answer) -> float:
    score = ctx.grade(case, answer).score
    return float("nan") if score is None else score


def _found(
    sheet: Sheet, verdicts: Verdicts, audit: JudgeAudit, exact: Floats, data: dict[str, Any]
) -> Finding:
    estimate = sheet.mean(verdicts.right)
    if estimate.estimate is None or audit.collapsed:
        reason = UNREADABLE if verdicts.given.failures and estimate.estimate is None else COLLAPSED
        if verdicts.errors == len(sheet.cases):
            reason = estimate.reason
        withheld = {"withheld": _share(estimate)}
        return sheet.absent(
            "judged_accuracy", reason, verdict=Verdict.INCONCLUSIVE, n=estimate.n, data=data | withheld
        )
    lost = verdicts.given.failures
    reason = f"{lost} of {len(verdicts.given.scores)} verdicts could not be read" if lost else ""
    return sheet.finding(
        "judged_accuracy",
        estimate,
        control=as_control("exact_match", sheet.mean(exact, np.isfinite(verdicts.right))),
        reason=reason,
        evidence=sheet.ids(verdicts.right < 0.5),
        data=data | {"mean_score": _share(sheet.mean(verdicts.graded))},
    )


def _data(judge: Judge, verdicts: Verdicts, audit: JudgeAudit) -> dict[str, Any]:
    """What a reader needs to see what the number rests on."""
    given = verdicts.given
    right = [score for score in given.right if score is not None]
    total = max(1, len(given.scores))
    return {
        "judge": judge.name,
        "scale": list(judge.scale),
        "errors": verdicts.errors,
        "asked": given.asked,
        "settled": len(given.scores) - given.asked,
        "parse_failures": given.failures - given.unanswered,
        "unanswered": given.unanswered,
        "failure_rate": given.failures / max(1, given.asked),
        "bounds": [sum(right) / total, (sum(right) + given.failures) / total],
        "audit": audit.to_dict(),
    }


def _labels(human: str, cases: Sequence[Case]) -> Any:
    """Human labels are read first: a mistake in them should not cost a run."""
    if not human:
        return None
    from medaudit.grading.human_labels import read_humans

    return read_humans(human, {case.id for case in cases})


def _by_humans(ctx: Context, cases: Sequence[Case], verdicts: Verdicts, labels: Any) -> dict[str, Any]:
    """The corrected accuracy, and how far humans agree with each other and with the judge."""
    if labels is None:
        return {}
    from medaudit.grading.judge_agreement import human_human, human_judge
    from medaudit.grading.judge_correction import corrected_accuracy

    groups = {case.id: case.group or case.id for case in cases}
    settings: dict[str, Any] = {"confidence": ctx.confidence, "seed": ctx.seed}
    corrected = corrected_accuracy(_by_case(cases, verdicts.right), labels.right, groups, **settings)
    between = human_human(labels, groups, **settings)
    with_judge = human_judge(labels, _by_case(cases, verdicts.graded), groups, **settings)
    return {
        "human": {
            "scale": labels.scale,
            "raters": len(labels.by_rater),
            "corrected": corrected.to_dict(),
            "human_human": between and between.to_dict(),
            "human_judge": with_judge and with_judge.to_dict(),
        }
    }


def _by_case(cases: Sequence[Case], values: Floats) -> Mapping[str, float | None]:
    return {
        case.id: float(value) if np.isfinite(value) else None
        for case, value in zip(cases, values, strict=True)
    }


def _share(estimate: stats.Estimate) -> dict[str, Any]:
    return {"estimate": estimate.estimate, "interval": estimate.interval and list(estimate.interval)}
