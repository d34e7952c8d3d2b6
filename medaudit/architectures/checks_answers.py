"""Checks of what a model answers: text, option scores, embeddings, batches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from medaudit.architectures.subject import ALIVE, Fails, NotApplicable, Subject, difference, tolerance
from medaudit.model import Capability
from medaudit.whitebox.reach import NotReached


def generate(subject: Subject) -> None:
    """Does it write text, the same when asked again?"""
    if not subject.generative:
        raise NotApplicable(f"a {subject.model.info.kind} model compares given answers, and writes none")
    asked = subject.questions(Capability.GENERATE)
    texts, again = ([answer.text for answer in subject.ask(asked)] for _ in range(2))
    if any(text is None for text in texts):
        raise Fails("an answer has no text")
    if texts != again:
        raise Fails("greedy text differs when asked again")
    _sees(subject)


def choose(subject: Subject) -> None:
    """Are option scores those of full passes, and do they depend on the image?"""
    answers = subject.ask(subject.questions())
    if not all(np.isfinite(score) for answer in answers for score in answer.scores or (np.nan,)):
        raise Fails("a score is no number")
    reference = getattr(subject.model, "brute_force", None)
    if reference is not None:
        gap = difference(answers, reference(subject.model.prepare(subject.questions())))
        if gap > tolerance(answers):
            raise Fails(f"scores differ by {gap:.2g} from full passes")
    _sees(subject)


def _sees(subject: Subject) -> None:
    blind = subject.effect(blind=True)
    if blind > ALIVE:
        raise Fails(f"control: scores move by {blind:.2g} though both pictures are the same grey")
    effect = subject.effect()
    if effect <= ALIVE:
        raise Fails(f"another image moves the scores by {effect:.2g} only")


def batch(subject: Subject) -> None:
    """Do three questions of unlike lengths get, together, the scores that each gets alone?"""
    asked = subject.questions()
    together = subject.ask(asked)
    gap = difference(together, [subject.ask([one])[0] for one in asked])
    if gap > tolerance(together):
        raise Fails(f"scores differ by {gap:.2g} in a batch")
    # Control: the comparison notices a changed question.
    other = [replace(asked[0], images=asked[2].images), *asked[1:]]
    if difference(together, subject.ask(other)) <= ALIVE:
        raise Fails("control: another image in the batch changes nothing")


def embed(subject: Subject) -> None:
    """Are image embeddings unit vectors that tell pictures apart and equal pictures not?"""
    if Capability.EMBED not in subject.model.info.capabilities:
        raise NotApplicable("it has no embedding of an image apart from a question")
    first, other = subject.pictures[0], subject.pictures[2]
    try:
        vectors = subject.model.embed_images([first, other, first])
    except NotReached as reason:
        raise NotApplicable(str(reason)) from reason
    if not np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-3):
        raise Fails("embeddings are not of length 1")
    if np.abs(vectors[0] - vectors[2]).max() > 1e-4:
        raise Fails("one picture twice gives two embeddings")
    if np.abs(vectors[0] - vectors[1]).max() <= 1e-5:
        raise Fails("two pictures give one embedding")
