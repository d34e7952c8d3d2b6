"""The probe ``confusion``: can the model tell two images apart that look alike and have different answers?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from medaudit.alarms import AlarmRule
from medaudit.mining.seeking import Search
from medaudit.probes.pair_cases import paired
from medaudit.probes.pair_mining import mined_findings
from medaudit.probes.pair_modes import Wording
from medaudit.probes.pair_study import HEADLINES, How, confusion_of
from medaudit.probes.sheet import Sheet
from medaudit.registry import probe

if TYPE_CHECKING:
    from medaudit.context import Context
    from medaudit.finding import Finding

NO_PAIRS = (
    "no two cases form a pair with different answers: give cases that share a 'pair', ask the same question "
    'with the same options of two images, and have different answers; or mine such pairs: mine = "own"'
)


@probe(
    "confusion",
    default=False,
    needs=[["generate"], ["choose"]],
    reference=(
        "Sepehri et al. 2024, MediConfusion, arXiv:2409.15477; option order after Pezeshkpour & Hruschka "
        "2024, NAACL Findings, arXiv:2308.11483"
    ),
    metrics=(
        "set_accuracy",
        "individual_accuracy",
        "confusion",
        "invalid_rate",
        "precision",
        "mined_pairs",
        "unseen_ratio",
        "confusion_excess",
        "control_confusion",
        "nuisance_agreement",
        "position_bias",
        "margin",
        "discrimination",
        "blind_set_accuracy",
        "blind_individual_accuracy",
        "blind_invalid_rate",
    ),
    alarms=(
        # One whole ratio is a model that does not see the attribute at all.
        AlarmRule(
            "unseen",
            "unseen_ratio",
            keys=("attribute",),
            above=0.1,
            says="Asked '{attribute}', it takes pictures with different right answers for the same: they are "
            "alike to it {estimate:.2f} times as often as pictures that differ in nothing "
            "({margin:.2f} is tolerated)",
        ),
    ),
)
def confusion(
    ctx: Context,
    *,
    modes: tuple[str, ...] = (),
    letters: str = "auto",
    ties: str = "invalid",
    columns: tuple[str, ...] = ("attribute", "category"),
    judge: str = "",
    scale: str = "1-5",
    replies: str = "",
    mine: str = "",
    audited: tuple[str, ...] = ("answer",),
    nuisance: tuple[str, ...] = (),
    quantile: float = 0.999,
    doses: tuple[float, ...] = (),
    capacity: int = 1,
    most_pairs: int = 500,
    reference: str = "",
    review: str = "",
    second_review: str = "",
) -> Iterator[Finding]:
    """Can the model tell two images apart that look alike and have different right answers?

    A pair is two cases that share ``pair``, question and options, and differ in the answer. Each is asked
    alone, in every mode that the model offers (or those in ``modes``), never mixed: ``text``, ``choose``,
    ``prefix`` and, with a ``judge`` (its ``scale`` 0-1 or 1-5, its ``replies`` kept in a file), ``free``.
    Formulas, with N pairs and choices c1, c2 ::

        set_accuracy        pairs with both right / N
        individual_accuracy right items / 2N
        invalid_rate        items that chose no option / 2N
        confusion           (c1 = c2) / pairs with two valid answers
        precision           both right / pairs with two valid answers, c1 != c2
        confusion_excess    confusion(pairs) - confusion(controls)
        nuisance_agreement  (c1 = c2) / valid pairs whose right answers are equal
        position_bias       items whose place in the list stays when every option changes its place
        margin              mean of gap(image 1) - gap(image 2), gap = score of 1's right option - of 2's
        discrimination      AUROC over items of the gap towards the option offered first

    A coin has 1/4, 1/2, 0, 1/2, 1/2; who never looks 0, 1/2, 0, 1, and no precision. Controls: each pair
    with one grey picture for both, and without any (no set can be right); ``pair_role`` "control" beside
    "mined" pairs; pairs whose right answers are equal. The values of ``columns`` get a row each, from
    ``min_n`` pairs. Intervals cluster by the components of the graph whose edges are pairs of images.

    ``letters`` is "auto" (options of many words by letter) or "always" (as published); ``ties`` says what two
    equal scores are in ``prefix``: "invalid", or "last", the option that wins them as published. Data without
    images is asked the questions alone.

    With ``mine`` pairs are sought among the cases instead: pictures that are alike to the model ("own",
    "tower", "projector", "answer": one of its embeddings; "behaviour": what it answers to half of the
    questions; "question": the state from which the answer to the very question is read, question by
    question), look different to a fixed description or to the vision model in ``reference`` (a local folder),
    and differ in exactly one of ``audited`` (columns, or "answer": the questions of the cases) while they
    agree in ``nuisance``. ``quantile`` of random pairs' likeness is the floor, ``doses`` are lower ones to
    compare with, ``most_pairs`` limits the cost. A picture is in ``capacity`` pairs at most: pairs that share
    pictures count as one cluster, so one makes for the shortest intervals. With ``review``, a table that
    ``medaudit pairs`` wrote and people filled in, only pairs that were approved or edited count; with
    ``second_review``, another reader's, only those that both keep in the same words. The claim is
    ``confusion_excess`` over matched controls, in all and by attribute: pairs that differ in the same and are
    not alike to the model. By "question" what is alike is answered alike: there ``unseen_ratio`` tells which
    attribute is not seen (:func:`medaudit.mining.unseen.unseen_ratio`), and pairs of one that is seen do not
    count.
    """
    how = How(tuple(modes), Wording(letters, ties), tuple(columns), judge, scale, replies)
    if mine:
        given = {
            "mine": mine,
            "audited": audited,
            "nuisance": nuisance,
            "quantile": quantile,
            "doses": doses,
            "capacity": capacity,
            "most_pairs": most_pairs,
            "reference": reference,
        }
        reviews = [table for table in (review, second_review) if table]
        search = Search.of(given, ctx.seed, ctx.confidence)
        yield from mined_findings(ctx, Sheet(ctx, "confusion", ()), search, how, reviews=reviews)
        return
    found = paired(ctx.cases)
    if not found.pairs:
        sheet = Sheet(ctx, "confusion", ())
        why = "; ".join([NO_PAIRS, *(f"{n} left out: {reason}" for reason, n in found.left_out.items())])
        for metric in HEADLINES:
            yield sheet.absent(metric, why, data={"left_out": dict(found.left_out)})
        return
    yield from confusion_of(
        ctx, found.pairs, found.controls, found.nuisance, how=how, left_out=found.left_out
    )
