"""What stands beside confusion: blind questions, matched controls, and pairs that differ in a nuisance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from medaudit import stats
from medaudit.finding import Control, Finding, Verdict
from medaudit.probes.pair_arms import counts, unread
from medaudit.probes.sheet import as_control

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.probes.arms import Floats
    from medaudit.probes.pair_arms import Arms
    from medaudit.probes.pair_asking import Judged

SAME_REQUEST = "both questions of a pair are one request: no pair can be right, whatever the model"
NO_VALID_NUISANCE = "no nuisance pair has two valid answers"
BLIND = ("none", "blank")
#: The column in which mining, and sets of given pairs, say what the two pictures of a pair differ in.
ATTRIBUTE = "attribute"
P_VALUE = "one-sided, no excess over the controls: whole groups exchanged between pairs and controls"
Slice: TypeAlias = Mapping[str, str | int | float | bool]


def blind_findings(arms: Arms) -> Iterator[Finding]:
    """The same questions without the pictures, and with one grey picture for both of a pair."""
    for arm in (each for each in BLIND if each in arms.pairs):
        scores, data = arms.scored(arms.pairs[arm]), counts(arms.pairs[arm])
        options = [len(pair.first.options) for pair in arms.pairs[arm].pairs]
        guess = float(np.mean([1 / k for k in options])) if options else None
        for metric, number, ideal, why in (
            ("blind_set_accuracy", scores.set, 0.0, SAME_REQUEST),
            ("blind_individual_accuracy", scores.individual, guess, ""),
            ("blind_invalid_rate", scores.invalid, 0.0, ""),
        ):
            where = arms.slice | {"image": arm}
            control = Control("guess_without_looking", ideal)
            yield arms.sheet.finding(metric, number, where, control=control, reason=why, data=data)


def confusion_control(arms: Arms) -> Control | None:
    """Matched controls where there are any, else pairs that differ in a nuisance."""
    if arms.controls is not None:
        return as_control("matched_controls", arms.scored(arms.controls).confusion)
    if arms.nuisance is not None:
        return as_control("nuisance_pairs", _agreeing(arms, arms.nuisance)[0])
    return None


def excess_findings(arms: Arms, controls: Judged) -> Iterator[Finding]:
    """Confusion of the matched controls, and by how much that of the pairs exceeds it: in all, by attribute.

    Groups that hold both pairs and controls lend the two rates a correlation
    (:func:`~medaudit.stats.unpaired_difference`). A mined pair's control is about the same attribute.
    """
    scores, table = arms.scored(controls), counts(controls)
    yield arms.sheet.finding(
        "control_confusion",
        scores.confusion,
        arms.slice,
        control=as_control("pairs", arms.scored(arms.given).confusion),
        reason=unread(table["valid_pairs"], table["pairs"]),
        evidence=controls.ids(controls.columns.same == 1),
        data=table,
    )
    yield _excess(arms, arms.given, controls, arms.slice)
    matched = controls.tagged(ATTRIBUTE)
    for name, mask in arms.given.tagged(ATTRIBUTE).items():
        nobody = np.zeros(len(controls.pairs), dtype=np.bool_)
        others = controls.where(matched.get(name, nobody))
        yield _excess_of_one(arms, arms.given.where(mask), others, {**arms.slice, ATTRIBUTE: name})


def _excess_of_one(arms: Arms, own: Judged, others: Judged, where: Slice) -> Finding:
    """The excess of one attribute, where there are enough pairs on both sides to say something."""
    least = arms.sheet.ctx.min_n
    for what, judged in (("pairs", own), ("matched controls", others)):
        n = len(_valid(judged)[0])
        if n < least:
            why = f"n = {n} {what} with two valid answers is under the minimum of {least}"
            data = _compared(own, others)
            verdict = Verdict.INCONCLUSIVE
            return arms.sheet.absent("confusion_excess", why, where, verdict=verdict, n=n, data=data)
    return _excess(arms, own, others, where)


def _excess(arms: Arms, own: Judged, others: Judged, where: Slice) -> Finding:
    return arms.sheet.finding(
        "confusion_excess",
        stats.unpaired_difference(*_valid(own), *_valid(others), greater=True, **arms.sheet.settings),
        where,
        control=Control("no_difference", 0.0),
        evidence=own.ids(own.columns.same == 1),
        data=_compared(own, others) | {"p_value_is": P_VALUE},
    )


def _compared(own: Judged, others: Judged) -> dict[str, Any]:
    return {"pairs": counts(own), "controls": counts(others)}


def dose_findings(arms: Arms) -> Iterator[Finding]:
    """Does confusion rise with likeness? That of pairs in lower ranges of it, matched to the mined ones."""
    for name, judged in arms.doses.items():
        table = counts(judged)
        yield arms.sheet.finding(
            "confusion",
            arms.scored(judged).confusion,
            arms.slice | {"likeness": name},
            control=as_control("pairs", arms.scored(arms.given).confusion),
            reason=unread(table["valid_pairs"], table["pairs"]),
            evidence=judged.ids(judged.columns.same == 1),
            data=table,
        )


def agreement_finding(arms: Arms, nuisance: Judged) -> Finding:
    """Pairs that differ in what is not asked about: the right answers are equal, so answers should be."""
    estimate, same = _agreeing(arms, nuisance)
    by = {
        name: {"n": int(mask.sum()), "same": int(np.nansum(same[mask]))}
        for name, mask in nuisance.tagged("attribute").items()
    }
    return arms.sheet.finding(
        "nuisance_agreement",
        estimate,
        arms.slice,
        control=Control("perfect", 1.0),
        reason=unread(int(np.isfinite(same).sum()), len(same)),
        evidence=nuisance.ids(same == 0),
        data={"pairs": len(same), "pairs_without_answer": nuisance.lost, "by_attribute": by},
    )


def _agreeing(arms: Arms, nuisance: Judged) -> tuple[stats.Estimate, Floats]:
    """Share of valid pairs with equal answers, and 1, 0 or NaN per pair."""
    chosen = nuisance.chosen
    valid = np.asarray((chosen >= 0).all(axis=1), dtype=np.bool_)
    same = np.where(valid, (chosen[:, 0] == chosen[:, 1]).astype(np.float64), np.nan)
    if not valid.any():
        return stats.Estimate(None, None, 0, 0, reason=NO_VALID_NUISANCE), same
    return stats.mean(same[valid], _kept(nuisance, valid), **arms.sheet.settings), same


def _valid(judged: Judged) -> tuple[Floats, list[Any]]:
    valid = np.asarray(np.isfinite(judged.columns.same), dtype=np.bool_)
    return judged.columns.same[valid], _kept(judged, valid)


def _kept(judged: Judged, mask: NDArray[np.bool_]) -> list[Any]:
    return [group for group, kept in zip(judged.groups, mask, strict=True) if kept]
