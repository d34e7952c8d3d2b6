"""Pairs asked without their options: a judge says which option the free answer comes closest to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from medaudit.errors import UsageError
from medaudit.grading.judge import Judge, Triplet
from medaudit.grading.judge_audit import JudgeAudit, audit_on
from medaudit.grading.near_misses import Reference
from medaudit.grading.reasoning import without_reasoning
from medaudit.model import Capability, Request
from medaudit.probes.pair_asking import Judged, images_in, judged
from medaudit.probes.pair_modes import MISSING, Read
from medaudit.prompting import prompt_for
from medaudit.stats.pair_scores import INVALID

if TYPE_CHECKING:
    from medaudit.case import Case
    from medaudit.context import Context
    from medaudit.model import Answer
    from medaudit.probes.pair_cases import Pair

#: By how much of the scale one option must be closer than the others; published: 3 on a scale of 1 to 10.
MARGIN = 1 / 3
NO_JUDGE = (
    'no judge is named: set judge = "endpoint:http://host:port/v1#name", a folder of a text model or '
    '"python:FILE:FACTORY" under [probe.confusion]'
)
COLLAPSED = "the judge does not tell right answers from near misses here: its verdicts mean nothing"
#: Options from which known answers are made to audit the judge.
AUDITED = 60


@dataclass(frozen=True)
class Free:
    """Pairs by arm, what is known of the judge, and a reason where its verdicts mean nothing."""

    arms: Mapping[str, Judged]
    why_not: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


def ask_free(
    ctx: Context, judge: Judge, pairs: Sequence[Pair], groups: Sequence[int], arms: Sequence[str]
) -> Free:
    """Ask each side of each pair without options, then have every answer compared with every option.

    Choice = the option whose closeness exceeds all others' by ``MARGIN`` of the scale, else none. An answer
    that the judge's reply leaves unread is missing, not invalid: the model did not fail.
    """
    asked = [(arm, pair, side) for arm in arms for pair in pairs for side in (0, 1)]
    requests = [
        Request(Capability.GENERATE, images_in(arm, pair, side), prompt_for(_open(pair.cases[side])))
        for arm, pair, side in asked
    ]
    cases = [pair.cases[side] for _, pair, side in asked]
    reads = iter(_reads(judge, cases, ctx.ask(requests)))
    found = {arm: judged(pairs, groups, [(next(reads), next(reads)) for _ in pairs]) for arm in arms}
    audit = _audit(ctx, judge, pairs, groups)
    why_not = COLLAPSED if audit is not None and audit.collapsed else ""
    data = {"judge": judge.name, "scale": list(judge.scale), "audit": audit and audit.to_dict()}
    return Free(found, why_not, data)


def _open(case: Case) -> Case:
    return replace(case, options=())


def _reads(judge: Judge, cases: Sequence[Case], answers: Sequence[Answer]) -> list[Read]:
    said = [place for place, answer in enumerate(answers) if answer.error is None and answer.text is not None]
    triplets = [
        Triplet(cases[place].question, option, without_reasoning(answers[place].text or "") or "")
        for place in said
        for option in cases[place].options
    ]
    scores = iter(judge(triplets).scores)
    reads = [Read(MISSING)] * len(cases)
    for place in said:
        reads[place] = _closest([next(scores) for _ in cases[place].options])
    return reads


def _closest(scores: Sequence[float | None]) -> Read:
    known = tuple(score for score in scores if score is not None)
    if len(known) < len(scores):
        return Read(MISSING)
    first, second = sorted(known, reverse=True)[:2]
    return Read(known.index(first) if first - second >= MARGIN - 1e-9 else INVALID, known)


def _audit(ctx: Context, judge: Judge, pairs: Sequence[Pair], groups: Sequence[int]) -> JudgeAudit | None:
    """The judge on known answers made from the right options; None where none can be made."""
    references = [
        Reference(case.question, case.answer, str(group))
        for pair, group in zip(pairs, groups, strict=True)
        for case in pair.cases
    ]
    try:
        return audit_on(judge, references, most=AUDITED, seed=ctx.seed, confidence=ctx.confidence)
    except UsageError:
        return None
