"""From the cases of an audit to mined pairs: what the model is asked, and what mining makes of it.

The probe and the command that writes a table for clinicians come through here, so that both get
the same pairs under the same ids.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from medaudit import embeddings
from medaudit.errors import ModelError, NotApplicableError, UsageError
from medaudit.mining.behaviour import behaviour_vectors
from medaudit.mining.by_question import mine_by_question
from medaudit.mining.duplicates import perceptual_hashes
from medaudit.mining.halves import question_halves
from medaudit.mining.pipeline import mine
from medaudit.mining.pool import folded, images_of
from medaudit.mining.reference import reference_vectors
from medaudit.mining.rules import Rules
from medaudit.model import Capability

if TYPE_CHECKING:
    from medaudit.case import Case
    from medaudit.context import Context
    from medaudit.image import Image
    from medaudit.mining.result import Mined
    from medaudit.mining.vectors import Units

#: By what pictures are alike to the model: one of its embeddings, or what it answers.
PLACES = {"own": "", "tower": "tower", "projector": "projector", "answer": "answer"}
BEHAVIOUR, QUESTION = "behaviour", "question"
LIKENESSES = (*PLACES, BEHAVIOUR, QUESTION)
TOO_FEW = "{n} distinct single picture(s) with an embedding; pairs are mined from two or more"
TOO_RARE = "no closed question is asked about {n} pictures, as many as quantile {q:g} of their pairs needs"
ONE_QUESTION = "all cases ask one question: behaviour is mined on half of them and measured on the others"
DESCRIPTOR = {"encoder": "descriptor"}
#: Vectors of pictures that owe nothing to the model, and what they are.
Described: TypeAlias = "tuple[Callable[[Sequence[Image]], Units], Mapping[str, str]]"


@dataclass(frozen=True)
class Search:
    """How pairs are sought: ``by`` which likeness, under which rules, against which ``reference``.

    ``reference`` is empty for the fixed description, or names a vision model (:func:`load_encoder`).
    """

    by: str
    rules: Rules
    reference: str = ""

    def __post_init__(self) -> None:
        if self.by not in LIKENESSES:
            raise UsageError.unknown("likeness to mine by", self.by, LIKENESSES)

    @classmethod
    def of(cls, given: Mapping[str, Any], seed: int, confidence: float = 0.95) -> Search:
        """From the parameters of the probe ``confusion``, by their names in a plan."""
        rules = Rules(
            audited=tuple(given["audited"]),
            nuisance=tuple(given["nuisance"]),
            quantile=given["quantile"],
            doses=tuple(given["doses"]),
            capacity=given["capacity"],
            limit=given["most_pairs"],
            seed=seed,
            confidence=confidence,
        )
        return cls(given["mine"], rules, given["reference"])


@dataclass(frozen=True)
class Sought:
    """The cases that pairs were made of, what was found, and what the reference was."""

    pool: tuple[Case, ...]
    mined: Mined
    reference: Mapping[str, str]


def seek(ctx: Context, search: Search) -> Sought:
    """Ask what the likeness needs, and mine.

    NotApplicableError where model or cases do not offer it, UsageError where the reference does not load.
    """
    described = _reference(search.reference)  # before the model is asked: a mistake here should cost nothing
    if search.by == BEHAVIOUR:
        return _by_behaviour(ctx, search, described)
    if search.by == QUESTION:
        return _by_question(ctx, search, described)
    prompt = "Describe the image." if search.by == "answer" else ""
    vectors = ctx.embed(images_of(ctx.cases), where=PLACES[search.by], prompt=prompt)
    return _searched(ctx.cases, ctx.cases, vectors, search, described)


def _by_behaviour(ctx: Context, search: Search, described: Described) -> Sought:
    """Alike in what is answered to half of the questions; pairs are made of the other half."""
    closed = [case for case in ctx.askable if case.closed and len(case.images) == 1]
    bank, rest = (set(half) for half in question_halves([case.question for case in closed], ctx.seed))
    if not rest:
        raise NotApplicableError(ONE_QUESTION)
    if Capability.CHOOSE in ctx.model.capabilities:
        # Texts are the same for many pictures: no quantile of their likeness is rare.
        ctx = replace(ctx, mode=Capability.CHOOSE)
    asked = {case.question: case for case in closed if case.question in bank}
    pictures = images_of(closed)
    wanted = [replace(case, images=(image,)) for image in pictures for case in asked.values()]
    answers = iter(zip(wanted, ctx.ask([ctx.request(case) for case in wanted]), strict=True))
    said = [[_said(ctx, *next(answers)) for _ in asked] for _ in pictures]
    vectors = behaviour_vectors(said, [case.options for case in asked.values()])
    pool = [case for case in closed if case.question in rest]
    return _searched(pool, closed, vectors, search, described)


def _by_question(ctx: Context, search: Search, described: Described) -> Sought:
    """Alike in the state from which the answer to the very question is read, question by question."""
    embeddings.needed(ctx.model)
    closed = [case for case in ctx.askable if case.closed and len(case.images) == 1]
    asked = _asked(closed, _pictures_needed(search.rules.quantile))
    if not asked:
        n = _pictures_needed(search.rules.quantile)
        raise NotApplicableError(TOO_RARE.format(n=n, q=search.rules.quantile))
    every = [case for own in asked.values() for case in own]
    prompts = [ctx.request(case).prompt for case in every]
    states = embeddings.of_questions(ctx.ask, [case.images[0] for case in every], prompts)
    pictures = images_of(closed)
    row = {image.digest: number for number, image in enumerate(pictures)}
    vectors: dict[str, Units] = {}
    start = 0
    for words, own in asked.items():
        vectors[words] = np.full((len(pictures), states.shape[1]), np.nan, dtype=np.float32)
        vectors[words][[row[case.images[0].digest] for case in own]] = states[start : start + len(own)]
        start += len(own)
    describe, record = described
    hashes = perceptual_hashes(pictures)
    mined = mine_by_question(closed, vectors, describe(pictures), rules=search.rules, hashes=hashes)
    return Sought(tuple(closed), mined, record)


def _asked(cases: Sequence[Case], least: int) -> dict[str, list[Case]]:
    """One case per question and picture, for the questions asked about ``least`` pictures."""
    found: dict[str, dict[str, Case]] = {}
    for case in cases:
        found.setdefault(folded(case.question), {}).setdefault(case.images[0].digest, case)
    return {words: list(own.values()) for words, own in found.items() if len(own) >= least}


def _pictures_needed(quantile: float) -> int:
    """Pictures whose pairs can show a quantile."""
    return int(np.ceil(0.5 + np.sqrt(0.25 + 2 / (1 - quantile)) - 1e-6))


def _said(ctx: Context, case: Case, answer: Any) -> Any:
    """Probabilities of the options where there are likelihoods, else the choice, or why there is none."""
    if answer.scores is not None:
        shares = np.exp(np.asarray(answer.scores) - max(answer.scores))
        return list(shares / shares.sum())
    grade = ctx.grade(case, answer)
    return grade.choice if grade.choice is not None else grade.outcome


def _searched(
    cases: Sequence[Case], shown: Sequence[Case], vectors: Any, search: Search, described: Described
) -> Sought:
    """``vectors`` are of the pictures of ``shown``; pairs are made of ``cases``."""
    row = {image.digest: vector for image, vector in zip(images_of(shown), vectors, strict=True)}
    kept = [case for case in cases if len(case.images) == 1 and np.isfinite(row[case.images[0].digest]).all()]
    pictures = images_of(kept)
    if len(pictures) < 2:
        raise NotApplicableError(TOO_FEW.format(n=len(pictures)))
    own = np.stack([row[image.digest] for image in pictures])
    describe, record = described
    hashes = perceptual_hashes(pictures)
    return Sought(tuple(kept), mine(kept, own, describe(pictures), rules=search.rules, hashes=hashes), record)


def _reference(name: str) -> Described:
    """What describes pictures independently of the model, and what a finding says of it."""
    if not name:
        return reference_vectors, DESCRIPTOR
    from medaudit.mining.encoder import load_encoder

    try:
        encoder = load_encoder(name)
    except ModelError as error:
        raise UsageError(str(error)) from error
    return encoder.vectors, encoder.record
