"""Power: how often is a flaw of a given dose found at a given number of cases?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medaudit.alarms import LEVEL, judge
from medaudit.calibration.dilution import diluted
from medaudit.calibration.trials import judged_findings
from medaudit.image import keyed_rng

if TYPE_CHECKING:
    from medaudit.calibration.bench import Bench
    from medaudit.calibration.subjects import Target
    from medaudit.case import Case
    from medaudit.registry import Probe


#: A column that every image phantom has: naming one leaves out the others.
_ANY_COLUMN = "sex"


@dataclass(frozen=True)
class Cell:
    """``found`` of ``draws`` subsets of ``n`` cases, with the flaw in a ``share`` of the patients."""

    share: float
    n: int
    draws: int
    found: int


def narrowed(target: Target, probe: Probe) -> dict[str, dict[str, Any]]:
    """Parameters under which a probe measures the target and little else.

    The rest of the family is made up for in `found`; measuring it again in thousands of draws would not.
    """
    wanted: dict[str, Any] = {}
    if "shifts" in probe.parameters and "shift" in target.slice:
        wanted["shifts"] = (target.slice["shift"],)
    elif "shifts" in probe.parameters:
        wanted |= {"shifts": ("jpeg",), "severities": (1,)}
    if "noise_cases" in probe.parameters:
        wanted["noise_cases"] = 1
    if "attributes" in probe.parameters:
        wanted["attributes"] = (target.slice.get("attribute", _ANY_COLUMN),)
    return {target.probe: wanted}


def cells(
    flawed: Bench,
    clean: Bench,
    pool: Sequence[Case],
    target: Target,
    probe: Probe,
    shares: Sequence[float],
    sizes: Sequence[int],
    draws: int,
    family: int,
    *,
    seed: int = 0,
) -> Iterator[Cell]:
    """One cell for each share and size; ``pool`` should be at least twice the largest size.

    A flaw counts as found when the target's p, corrected for ``family`` tests (Bonferroni: what Holm asks of
    the smallest p of an audit), is at most the level.
    """
    parameters = narrowed(target, probe)
    for share in shares:
        for n in sizes:
            hits = 0
            for draw in range(draws):
                cases = subset(pool, n, f"{seed}/{share}/{n}/{draw}")
                ctx = diluted(flawed.context(cases, seed), share, draw, flawed.ask, clean.ask)
                hits += found(judged_findings(ctx, {probe.name: probe}, parameters), probe, target, family)
            yield Cell(share, n, draws, hits)


def found(
    findings: Sequence[Mapping[str, Any]], probe: Probe, target: Target, family: int, level: float = LEVEL
) -> bool:
    """Whether the target would be raised in an audit of ``family`` tests."""
    for alarm in judge(findings, {probe.name: probe.alarms}, level):
        if alarm.p_value is not None and target.names(alarm.to_dict()):
            return alarm.p_value * family <= level
    return False


def subset(pool: Sequence[Case], n: int, key: str) -> list[Case]:
    """``n`` cases of whole groups, drawn without replacement; the last group may be cut."""
    groups: dict[str, list[Case]] = {}
    for case in pool:
        groups.setdefault(case.group or case.id, []).append(case)
    names = sorted(groups)
    keyed_rng("medaudit.subset", key).shuffle(names)
    chosen: list[Case] = []
    for name in names:
        chosen += groups[name]
        if len(chosen) >= n:
            break
    return chosen[:n]
