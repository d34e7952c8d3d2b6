"""Pairs mined from the cases at hand: pictures that the model holds to be alike, or answers alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit.errors import NotApplicableError, UsageError
from medaudit.finding import Finding
from medaudit.mining import (
    Mined,
    MinedPair,
    Rules,
    behaviour_vectors,
    images_of,
    mine,
    perceptual_hashes,
    question_halves,
    read_review,
    reference_vectors,
)
from medaudit.probes.pair_cases import Pair
from medaudit.probes.pair_study import HEADLINES, How, confusion_of

if TYPE_CHECKING:
    from medaudit.case import Case
    from medaudit.context import Context
    from medaudit.probes.sheet import Sheet

#: By what pictures are alike to the model: one of its embeddings, or what it answers.
PLACES = {"own": "", "tower": "tower", "projector": "projector", "answer": "answer"}
BEHAVIOUR = "behaviour"
LIKENESSES = (*PLACES, BEHAVIOUR)
TOO_FEW = "{n} distinct single picture(s) with an embedding; pairs are mined from two or more"
ONE_QUESTION = "all cases ask one question: behaviour is mined on half of them and measured on the others"


@dataclass(frozen=True)
class Search:
    """How pairs are sought, see :class:`medaudit.mining.Rules`; ``review`` is a table filled in by people."""

    by: str
    rules: Rules
    review: str = ""

    def __post_init__(self) -> None:
        if self.by not in LIKENESSES:
            raise UsageError.unknown("likeness to mine by", self.by, LIKENESSES)


def mined_findings(ctx: Context, sheet: Sheet, search: Search, how: How) -> Iterator[Finding]:
    """Mine, say how it went, and ask the pairs, their controls and the other doses."""
    try:
        pool, found = _mined(ctx, search)
    except NotApplicableError as reason:
        for metric in (*HEADLINES, "confusion_excess"):
            yield sheet.absent(metric, str(reason))
        return
    pairs, decisions = _reviewed(found, search)
    facts = {**asdict(found.facts), "by": search.by, "review": decisions}
    yield Finding(
        sheet.probe,
        "mined_pairs",
        float(len(pairs)),
        n=found.facts.images,
        groups=len({case.group for case in pool}),
        confidence=ctx.confidence,
        reason=found.facts.reason,
        evidence=tuple(pair.first.id for pair in pairs[:12]),
        data=facts,
    )
    if not pairs:
        why = found.facts.reason or "no mined pair was approved in the review"
        for metric in (*HEADLINES, "confusion_excess"):
            yield sheet.absent(metric, why)
        return
    doses = {f"{low:g}-{high:g}": _pairs(dose) for (low, high), dose in found.doses.items()}
    kept = {pair.id for pair in pairs}
    controls = [pair for pair in found.controls if pair.control_of in kept]
    yield from confusion_of(ctx, _pairs(pairs), _pairs(controls), how=how, doses=doses)


def _mined(ctx: Context, search: Search) -> tuple[Sequence[Case], Mined]:
    if search.by == BEHAVIOUR:
        return _by_behaviour(ctx, search)
    vectors = ctx.embed(images_of(ctx.cases), where=PLACES[search.by], prompt=_prompt(search))
    return _searched(ctx.cases, ctx.cases, vectors, search)


def _prompt(search: Search) -> str:
    return "Describe the image." if search.by == "answer" else ""


def _by_behaviour(ctx: Context, search: Search) -> tuple[Sequence[Case], Mined]:
    """Alike in what is answered to half of the questions; pairs are made of the other half."""
    closed = [case for case in ctx.askable if case.closed and len(case.images) == 1]
    bank, rest = (set(half) for half in question_halves([case.question for case in closed], ctx.seed))
    if not rest:
        raise NotApplicableError(ONE_QUESTION)
    asked = {case.question: case for case in closed if case.question in bank}
    pictures = images_of(closed)
    wanted = [replace(case, images=(image,)) for image in pictures for case in asked.values()]
    answers = iter(zip(wanted, ctx.ask([ctx.request(case) for case in wanted]), strict=True))
    said = [[_said(ctx, *next(answers)) for _ in asked] for _ in pictures]
    vectors = behaviour_vectors(said, [case.options for case in asked.values()])
    return _searched([case for case in closed if case.question in rest], closed, vectors, search)


def _said(ctx: Context, case: Case, answer: Any) -> Any:
    """Probabilities of the options where there are likelihoods, else the choice, or why there is none."""
    if answer.scores is not None:
        shares = np.exp(np.asarray(answer.scores) - max(answer.scores))
        return list(shares / shares.sum())
    grade = ctx.grade(case, answer)
    return grade.choice if grade.choice is not None else grade.outcome


def _searched(
    cases: Sequence[Case], shown: Sequence[Case], vectors: Any, search: Search
) -> tuple[Sequence[Case], Mined]:
    """``vectors`` are of the pictures of ``shown``; pairs are made of ``cases``."""
    row = {image.digest: vector for image, vector in zip(images_of(shown), vectors, strict=True)}
    kept = [case for case in cases if len(case.images) == 1 and np.isfinite(row[case.images[0].digest]).all()]
    pictures = images_of(kept)
    if len(pictures) < 2:
        raise NotApplicableError(TOO_FEW.format(n=len(pictures)))
    own = np.stack([row[image.digest] for image in pictures])
    reference, hashes = reference_vectors(pictures), perceptual_hashes(pictures)
    return kept, mine(kept, own, reference, rules=search.rules, hashes=hashes)


def _reviewed(found: Mined, search: Search) -> tuple[Sequence[MinedPair], dict[str, int] | None]:
    if not search.review:
        return found.pairs, None
    read = read_review(Path(search.review), found.pairs)
    return read.pairs, dict(read.decisions)


def _pairs(found: Sequence[MinedPair]) -> list[Pair]:
    made = []
    for each in found:
        first, second = each.cases()
        made.append(Pair(each.id, first, replace(second, options=first.options)))
    return made
