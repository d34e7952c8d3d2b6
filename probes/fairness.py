"""The probe ``fairness``: is the model as good for everybody, and does it answer whom or what?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from medaudit.errors import UsageError
from medaudit.finding import Finding
from medaudit.probes import mentions as told
from medaudit.probes.arms import ask_arms, drawn
from medaudit.probes.attributes import usable
from medaudit.probes.mentioned import mention_findings
from medaudit.probes.noise_floor import REPLICATES
from medaudit.probes.sheet import Sheet
from medaudit.probes.subgroups import subgroup_findings
from medaudit.registry import probe

if TYPE_CHECKING:
    from medaudit.case import Case
    from medaudit.context import Context
    from medaudit.model import Request

#: A right answer rarer than this is no stratum of its own.
_COMMON = 20
CLEAN = ("", "")


@probe(
    "fairness",
    default=False,
    needs=[["generate"], ["choose"]],
    reference=(
        "Westfall & Young 1993, Resampling-based multiple testing, Wiley; Seyyed-Kalantari et al. 2021, "
        "Nature Medicine 27:2176; counterfactual mention after Zack et al. 2024, Lancet Digital Health "
        "6:e12; columns as in SURE-VQA, Kahl et al. 2024, arXiv:2411.19688"
    ),
    metrics=(
        "subgroup_difference",
        "subgroup_gap_equal_prevalence",
        "worst_group_accuracy",
        "intersection_gap",
        "mention_flip",
        "mention_flip_excess",
        "mention_accuracy_difference",
    ),
)
def fairness(
    ctx: Context,
    *,
    attributes: tuple[str, ...] = (),
    min_intersection: int = 20,
    mentions: tuple[str, ...] = told.KINDS,
    mention_cases: int = 150,
) -> Iterator[Finding]:
    """Is the model as good for every subgroup, and does naming a patient's age or sex change its answer?

    Attributes are metadata columns, as in ``robustness``. Subgroups are compared at equal prevalence: with
    W_s the share of stratum s (question type and right answer) among all of the attribute's cases ::

        acc_v                          sum_s W_s acc(value v, stratum s)
        subgroup_difference            acc_v - sum_s W_s acc(stratum s)
        subgroup_gap_equal_prevalence  largest - smallest acc_v
        worst_group_accuracy           smallest acc_v over all attributes
        intersection_gap               subgroup_gap_equal_prevalence over pairs of values of two attributes
        mention_flip                   share of cases whose answer differs between two sentences
        mention_flip_excess            mention_flip - share that differs when the first is asked again
        mention_accuracy_difference    acc(first sentence) - acc(second sentence), paired

    P-values and intervals of subgroups hold for all values of all attributes at once (max-T under labels
    dealt anew among groups); intersections are a family of their own. Controls are the means under those
    permutations. Question types are sets of options; right answers with fewer than 20 cases are
    pooled. Intersections under ``min_intersection`` cases are listed, not judged.

    A mention is one sentence before the question, ``The patient is a 34-year-old woman.``, against the same
    with the other sex, or with age 30 against 75; up to ``mention_cases`` cases, none whose question or
    answers speak of age or sex themselves. ``mentions`` are of sex, age; empty for none.
    """
    _check(min_intersection, mentions, mention_cases)
    cases = tuple(case for case in ctx.askable if case.images)
    sheet = Sheet(ctx, "fairness", cases)
    if not cases:
        yield sheet.absent("worst_group_accuracy", "no case with an image")
        return
    columns = usable(cases, attributes, ctx.min_n)
    pairs = {kind: _pairs(ctx, cases, kind, mention_cases) for kind in dict.fromkeys(mentions)}
    arms = ask_arms(ctx, cases, _requests(ctx, cases, pairs))
    yield from subgroup_findings(sheet, columns, arms[CLEAN].scores, _strata(cases), min_intersection)
    for kind in pairs:
        asked = {name: arm for (about, name), arm in arms.items() if about == kind}
        yield from mention_findings(sheet, kind, asked)


def _check(min_intersection: int, mentions: Sequence[str], mention_cases: int) -> None:
    for kind in mentions:
        if kind not in told.KINDS:
            raise UsageError.unknown("mention", str(kind), told.KINDS)
    if min_intersection < 2 or mention_cases < 1:
        raise UsageError("fairness: give min_intersection from 2 and mention_cases from 1.")


def _pairs(ctx: Context, cases: Sequence[Case], kind: str, most: int) -> list[told.Pair | None]:
    found = {case.id: told.pair(case, kind) for case in cases}
    chosen = {case.id for case in drawn([c for c in cases if found[c.id]], most, ctx.seed, "mention", kind)}
    return [found[case.id] if case.id in chosen else None for case in cases]


def _requests(
    ctx: Context, cases: Sequence[Case], pairs: dict[str, list[told.Pair | None]]
) -> dict[tuple[str, str], list[Request | None]]:
    requests: dict[tuple[str, str], list[Request | None]] = {CLEAN: [ctx.request(case) for case in cases]}
    for kind, listed in pairs.items():
        first = [None if each is None else each.first for each in listed]
        second = [None if each is None else each.second for each in listed]
        requests[kind, "first"] = [None if case is None else ctx.request(case) for case in first]
        requests[kind, "second"] = [None if case is None else ctx.request(case) for case in second]
        for name, number in REPLICATES.items():
            requests[kind, name] = [
                None if case is None else ctx.request(case, replicate=number, alone=name == "alone")
                for case in first
            ]
    return requests


def _strata(cases: Sequence[Case]) -> list[str]:
    """Question type and right answer of each case; rare ones of a type, then rare types, are pooled."""
    kinds = [" | ".join(sorted(o.strip().casefold() for o in case.options)) or "open" for case in cases]
    full = [f"{kind} = {case.answer.strip().casefold()}" for kind, case in zip(kinds, cases, strict=True)]
    often, typical = Counter(full), Counter(kinds)
    return [
        name if often[name] >= _COMMON else kind if typical[kind] >= _COMMON else "other"
        for name, kind in zip(full, kinds, strict=True)
    ]
