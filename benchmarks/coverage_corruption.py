"""Intervals of the corruption errors on scores with a known truth: does 95 % mean 95 %?

Run ``python benchmarks/coverage_corruption.py [REPEATS]`` (default 1000; about five minutes on one core). It
writes ``benchmarks/results/coverage_corruption.json``; ``null_simulations.py --page`` draws the page from it.
Exit code 1 when the control, groups left out, is not seen to fail.

Right answers are drawn, "yes" in 70 %, the probe's question-only predictor is fitted to them, the model's
scores are drawn, and :func:`medaudit.probes.corruption.corruption_findings` does the rest. One shift does
harm at two severities; the null shift turns right answers wrong as often as wrong ones right.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from medaudit.case import Case
from medaudit.context import Context
from medaudit.finding import Finding
from medaudit.image import keyed_rng
from medaudit.model import Capability, ModelInfo
from medaudit.probes import predictors
from medaudit.probes.arms import Arm
from medaudit.probes.corruption import corruption_findings
from medaudit.probes.sheet import Sheet
from medaudit.stats.simulation import Outcome, grouped, right_wrong, simulate

RESULT = Path(__file__).parent / "results/coverage_corruption.json"
SIZES, ICCS = (50, 200, 1000), (0.0, 0.2, 0.5)
FIXED, WITHOUT_GROUPS = "reference fixed beforehand", "groups left out"
YES = 0.7
#: Accuracy on clean pictures where "yes" and where "no" is right.
CLEAN = {"yes": 0.95, "no": 0.9}
#: Shares of right answers kept and of wrong ones mended by severity; None mends as many as are lost.
KEPT = {"harmful": ((0.9, 0.1), (0.7, 0.1)), "null": ((0.97, None),)}

Numbers = np.ndarray[Any, np.dtype[np.float64]]


def right_after(shift: str, answer: str) -> float:
    """Mean accuracy over a shift's severities where ``answer`` is right."""
    p = CLEAN[answer]
    return float(np.mean([p * kept + (1 - p) * _mended(p, kept, gain) for kept, gain in KEPT[shift]]))


def _mended(p: float, kept: float, gain: float | None) -> float:
    return p * (1 - kept) / (1 - p) if gain is None else gain


def truths() -> dict[tuple[str, str], float]:
    """What each finding estimates, by metric and shift; the question alone says yes and errs in 30 %."""
    errs = {s: {a: 1 - right_after(s, a) for a in CLEAN} for s in KEPT}
    plain = {s: YES * e["yes"] + (1 - YES) * e["no"] for s, e in errs.items()}
    clean = 1 - YES * CLEAN["yes"] - (1 - YES) * CLEAN["no"]
    found = {("mean_corruption_error", ""): float(np.mean(list(plain.values()))) / (1 - YES)}
    for shift in KEPT:
        found["balanced_error", shift] = float(np.mean(list(errs[shift].values())))
        found["relative_error", shift] = (plain[shift] - clean) / (1 - YES - clean)
    return found


def findings(rng: np.random.Generator, n: int, icc: float, kind: str = "") -> Iterator[Finding]:
    """Findings of one drawn audit.

    ``kind`` is `WITHOUT_GROUPS`, `FIXED` (the reference says yes whatever the drawn answers are) or nothing.
    """
    groups = grouped(rng, n)
    yes = right_wrong(rng, groups, YES, icc) == 1
    cases = tuple(_case(i, yes[i], i if kind == WITHOUT_GROUPS else int(groups[i])) for i in range(n))
    clean = _by_answer(yes, lambda answer: right_wrong(rng, groups, CLEAN[answer], icc))
    arms = {}
    for shift, severities in KEPT.items():
        for severity, (kept, gain) in enumerate(severities, start=1):
            arms[shift, severity] = Arm(_shifted(rng, groups, yes, clean, kept, gain, icc), ())
    info = ModelInfo("drawn", "python", "0", frozenset({Capability.GENERATE}))
    ctx = Context(cases, info, lambda requests: [], seed=int(rng.integers(2**31)))
    sheet = Sheet(ctx, "robustness", cases)
    said = ["yes"] * n if kind == FIXED else predictors.question_only(cases, ctx.seed)
    base = predictors.score(ctx, cases, said)
    yield from corruption_findings(sheet, clean, np.full(n, np.nan), base, arms)


def _case(index: int, yes: bool, group: int) -> Case:
    return Case(f"c{index}", (), "Is there an effusion?", "yes" if yes else "no", ("yes", "no"), f"g{group}")


def _by_answer(yes: Numbers, draw: Callable[[str], Numbers]) -> Numbers:
    return np.where(yes, draw("yes"), draw("no"))


def _shifted(
    rng: np.random.Generator,
    groups: Any,
    yes: Numbers,
    clean: Numbers,
    kept: float,
    gain: float | None,
    icc: float,
) -> Numbers:
    stays = right_wrong(rng, groups, kept, icc)
    turns = _by_answer(yes, lambda a: right_wrong(rng, groups, _mended(CLEAN[a], kept, gain), icc))
    return np.where(clean == 1, stays, turns)


def cells(n: int, icc: float, repeats: int, kind: str = "") -> list[dict[str, Any]]:
    """Coverage of each metric under each shift."""
    rng, true = keyed_rng("coverage of corruption errors", n, icc, kind), truths()
    drawn: dict[tuple[str, str], list[Outcome]] = {key: [] for key in true}
    for _ in range(repeats):
        for finding in findings(rng, n, icc, kind):
            key = (finding.metric, str(finding.slice.get("shift", "")))
            drawn[key].append(Outcome(finding.interval, true[key]))
    return [
        {"metric": key[0], "shift": key[1], "truth": round(true[key], 5), "n": n, "icc": icc}
        | {"kind": kind}
        | _told(asdict(simulate(_handed(outcomes), repeats, rng)))
        for key, outcomes in drawn.items()
    ]


def _handed(outcomes: list[Outcome]) -> Callable[[np.random.Generator], Outcome]:
    """What was drawn for all metrics at once, one by one."""
    left = iter(outcomes)
    return lambda rng: next(left)


def _told(found: dict[str, Any]) -> dict[str, Any]:
    share = found["coverage"] or {"share": None, "interval": None}
    return {
        "coverage": share["share"] and round(share["share"], 4),
        "interval": share["interval"] and [round(end, 4) for end in share["interval"]],
        "verdict": found["coverage_verdict"],
        "width": found["width"] and round(found["width"], 4),
        "without_interval": round(found["without_interval"], 4),
    }


def main() -> int:
    """Simulate and write the result."""
    repeats, start = int(sys.argv[1]) if len(sys.argv) > 1 else 1000, time.perf_counter()
    table = []
    for n in SIZES:
        for icc in ICCS:
            table += cells(n, icc, repeats // (2 if n == 1000 else 1))
            print(f"{time.perf_counter() - start:6.0f} s  n = {n}, ICC {icc}", flush=True)
    for icc in ICCS:
        table += cells(SIZES[0], icc, repeats, FIXED)
    table += cells(200, 0.5, repeats // 2, WITHOUT_GROUPS)
    RESULT.write_text(json.dumps({"repeats": repeats, "cells": table}, indent=1) + "\n")
    for c in table:
        print(*(c[k] for k in ("metric", "shift", "n", "icc", "kind", "coverage", "verdict")))
    return 0 if all(c["verdict"] == "short" for c in table if c["kind"] == WITHOUT_GROUPS) else 1


if __name__ == "__main__":
    sys.exit(main())
