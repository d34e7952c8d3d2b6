"""The grid of power of one flaw, kept in a file cell by cell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medaudit.alarms import LEVEL, judge
from medaudit.calibration.dilution import diluted
from medaudit.calibration.identity import identity, keep, kept
from medaudit.calibration.power import cells, narrowed
from medaudit.calibration.trials import judged_findings
from medaudit.errors import DataError

if TYPE_CHECKING:
    from medaudit.calibration.bench import Bench
    from medaudit.calibration.subjects import Subject
    from medaudit.calibration.sweep import Tier
    from medaudit.case import Case
    from medaudit.registry import Probe

#: Shares of cases in which a flaw is diluted where its alarm is raised only close to the full flaw.
NEAR_FULL = (0.5, 0.8, 0.9, 1.0)


def power_of(
    tier: Tier,
    subject: Subject,
    flawed: Bench,
    clean: Bench,
    pool: Sequence[Case],
    probe: Probe,
    family: int,
    folder: Path,
) -> dict[str, Any]:
    """``strength`` of the whole flaw on its measure, and a cell for each effect and size."""
    path = folder / f"power-{subject.name}-{tier.name}.json"
    wanted = _identity(tier, flawed, clean, pool, probe, family)
    found = (kept(path, wanted) or {}).get("power")
    target = subject.target
    assert target is not None
    if found is None:
        none, full = (_measure(flawed, clean, pool, subject, probe, share) for share in (0.0, 1.0))
        found = {"clean": none, "flawed": full, "strength": abs(full - none), "family": family, "cells": []}
    rule = next(rule for rule in probe.alarms if rule.name == target.rule)
    known = {(cell["share"], cell["n"]) for cell in found["cells"]}
    shares = _shares(tier, found["strength"], below=rule.above is None)
    for share, n in _missing(shares, tier.sizes, len(pool), known):
        grid = (share,), (n,), tier.draws, family
        made = cells(flawed, clean, pool, target, probe, *grid)
        found["cells"] += [asdict(cell) | {"effect": share * found["strength"]} for cell in made]
        keep(path, wanted, {"power": found})
    return dict(found)


def _identity(
    tier: Tier, flawed: Bench, clean: Bench, pool: Sequence[Case], probe: Probe, family: int
) -> dict[str, Any]:
    """Both models, the cases, and the very margins: what was found under others says nothing."""
    return identity(
        flawed.info,
        {probe.name: probe},
        clean=clean.info.fingerprint,
        cases=sha256("\n".join(case.id for case in pool).encode()).hexdigest(),
        margins=[[rule.name, rule.side, rule.margin] for rule in probe.alarms],
        target=asdict(flawed.subject.target) if flawed.subject.target else None,
        draws=tier.draws,
        family=family,
        level=LEVEL,
    )


def _missing(
    shares: Sequence[float], sizes: Sequence[int], most: int, known: set[tuple[float, int]]
) -> Iterator[tuple[float, int]]:
    """Cells of the grid that are still to be made, as far as there are cases."""
    for share in shares:
        yield from ((share, n) for n in sizes if n <= most and (share, n) not in known)


def _shares(tier: Tier, strength: float, *, below: bool) -> list[float]:
    """Shares of patients that give the tier's effects, and all of them."""
    if below:
        return [share for share in NEAR_FULL if tier.effects or share == 1.0]
    return [*(round(e / strength, 4) for e in tier.effects if e < 0.95 * strength), 1.0]


def _measure(
    flawed: Bench, clean: Bench, pool: Sequence[Case], subject: Subject, probe: Probe, share: float
) -> float:
    """What the target's rule looks at, over the whole pool."""
    target = subject.target
    assert target is not None
    ctx = diluted(flawed.context(pool, 0), share, 0, flawed.ask, clean.ask)
    findings = judged_findings(ctx, {probe.name: probe}, narrowed(target, probe))
    for alarm in judge(findings, {probe.name: probe.alarms}):
        if target.names(alarm.to_dict()) and alarm.estimate is not None:
            return float(alarm.estimate)
    where = " ".join(f"{key}={value}" for key, value in target.slice.items()) or "all cases"
    raise DataError(
        f"{subject.name}: on {len(pool)} cases {probe.name} has no number for its alarm {target.rule} "
        f"({where}). Check 'finds' in its card.json, or take a tier with more cases."
    )
