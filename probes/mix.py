"""The part of a drop that a change of questions and right answers makes, and the part that is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medaudit import stats
from medaudit.finding import Finding, Verdict
from medaudit.probes.sheet import as_control, complete
from medaudit.probes.strata import answers, strata

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from medaudit.probes.arms import Floats
    from medaudit.probes.contrasts import Contrast
    from medaudit.probes.sheet import Mask, Sheet
    from medaudit.stats.standardise import Standardised

METRIC = "accuracy_drop_standardised"
#: Coarser strata are taken where fewer cases than this have counterparts; under HALF there is no answer.
ENOUGH, HALF = 0.9, 0.5


def parts_of_drop(sheet: Sheet, sides: tuple[Mask, Mask], scores: Floats) -> tuple[Standardised, str]:
    """The drop at the mix of questions asked inside, by the finest strata that have counterparts."""
    by, keys = "kind of question and answer", strata(sheet.cases)
    found = _parts(sheet, sides, scores, keys)
    if found.covered < ENOUGH:
        coarser = _parts(sheet, sides, scores, answers(sheet.cases))
        if coarser.covered > found.covered:
            found, by = coarser, "answer"
    return found, by


def told(found: Standardised, by: str) -> dict[str, Any]:
    """The parts as a finding's ``data`` holds them."""
    return {
        "drop_standardised": found.drop.estimate,
        "drop_standardised_interval": _listed(found.drop),
        "drop_by_priors": found.by_priors.estimate,
        "drop_by_priors_interval": _listed(found.by_priors),
        "covered": found.covered,
        "standardised_by": by,
    }


def standardised_finding(
    sheet: Sheet, contrast: Contrast, sides: tuple[Mask, Mask], base: Floats, parts: tuple[Standardised, str],
    evidence: tuple[str, ...], data: dict[str, Any],
) -> Finding:  # fmt: skip
    """The drop that is left at equal mix; its control is what the image-free predictor loses there."""
    found, by = parts
    if found.covered < HALF:
        why = f"only {found.covered:.0%} of its cases have counterparts of the same {by} on the other side"
        n = int(sides[0].sum())
        return sheet.absent(METRIC, why, contrast.where, verdict=Verdict.INCONCLUSIVE, n=n, data=data)
    keys = answers(sheet.cases) if by == "answer" else strata(sheet.cases)
    known = complete((base,))
    blind = _parts(sheet, (sides[0] & known, sides[1] & known), base, keys)
    control = as_control("question_only_drop_standardised", blind.drop)
    return sheet.finding(METRIC, found.drop, contrast.where, control=control, evidence=evidence, data=data)


def _parts(sheet: Sheet, sides: tuple[Mask, Mask], scores: Floats, keys: Sequence[Hashable]) -> Standardised:
    arguments: list[Any] = []
    for side in sides:
        arguments += [
            scores[side],
            [k for k, kept in zip(keys, side, strict=True) if kept],
            sheet.groups[side],
        ]
    if not all(side.any() for side in sides):
        nothing = stats.Estimate(None, None, 0, 0, reason="no cases on one side")
        return stats.Standardised(nothing, nothing, 0.0, 0)
    return stats.standardised_drop(*arguments, **sheet.settings)


def _listed(estimate: stats.Estimate) -> list[float] | None:
    return list(estimate.interval) if estimate.interval else None
