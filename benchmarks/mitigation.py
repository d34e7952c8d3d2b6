"""Does tuning away from the region that was found help the worst group, and more than tuning alone?

    OMP_NUM_THREADS=1 python benchmarks/mitigation.py [--seeds 5] [--subject NAME]... [--out FILE] [--page]

Contrastive phantoms are asked about opacities while a laterality marker goes with them: one that reads the
marker and one that reads the lungs. Half of the patients is searched for a spurious region, copies learn from
that half, and the other half is asked. Copies learn from all of it, as the probe ``mitigation`` lets them
(``mixed``: marker and answer go together at V = 0.36), or from the one site where they go together at V = 0.9
(``correlated``: what fine-tuning data are often like). ``--page`` prints the tables of the result and does
nothing else; rows are kept in ``--out``, and a later run goes on there. About 2 minutes a seed on one core.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats as distributions

import medaudit
from medaudit import stats
from medaudit.engine import Engine
from medaudit.mitigation import Recipe
from medaudit.phantoms import case_set
from medaudit.probes.mitigation_arms import Settings, recipes, right
from medaudit.probes.mitigation_groups import by_column, cells_of
from medaudit.probes.mitigation_search import halved, search
from medaudit.probes.spurious_tasks import answered, chosen
from medaudit.proposals import proposer
from medaudit.store import Store
from medaudit.testing import context_for

RESULT = Path(__file__).parent / "results" / "mitigation.json"
#: Subject, cases of the set (about half of them ask the question).
SUBJECTS = {
    "marker, 400": ("clip-shortcut-marker", 800),
    "marker, 160": ("clip-shortcut-marker", 320),
    "clean, 400": ("clip-clean", 800),
}
QUESTION = "Is there an opacity?"
SETTINGS = Settings(lam=0.8, steps=80, batch=16, rank=8, learning_rate=1e-3)
LEARNT_FROM = ("mixed", "correlated")


def row(subject: str, seed: int) -> dict[str, Any]:
    """One phantom, one seed: was a region found, and what does each tuning make of the worst group."""
    name, number = SUBJECTS[subject]
    cases = tuple(case for case in case_set("chest-marker", number, seed).cases if case.question == QUESTION)
    model = medaudit.load_model(f"phantom:{name}")
    began = time.perf_counter()
    with Store(":memory:") as store:
        engine = Engine(model, store, batch_size=64)
        ctx = context_for(cases, model, ask=engine.ask, teach=engine.tuned, seed=seed)
        (task,) = answered(ctx, [list(cases)], number)
        halves = halved(task, seed)
        found = search(ctx, halves, proposer("grid:4"), "grid", 0.05)
        assert not isinstance(found, str)
        cells, names = cells_of(halves, *by_column(halves, "marker"), 1)[1:]
        result: dict[str, Any] = {
            "subject": subject,
            "seed": seed,
            "found": bool(found.spurious),
            "verdict": found.found.verdict,
            "clusters": len(found.spurious),
            "held_out": len(halves.held_out.cases),
            "groups": {name: int((cells == code).sum()) for code, name in enumerate(names)},
            "none": judged(halves.held_out.correct.astype(float), cells),
        }
        if found.spurious:
            for origin in LEARNT_FROM:
                for arm, recipe in recipes(ctx, found, SETTINGS).items():
                    kept = lessons_of(recipe, halves.learning.cases, origin)
                    tuned, _ = ctx.tuned(kept)
                    correct = right(halves.held_out, chosen(tuned, halves.held_out.cases))
                    result[f"{origin}/{arm}"] = judged(correct, cells)
    result["seconds"] = round(time.perf_counter() - began, 1)
    return result


def lessons_of(recipe: Recipe, cases: Sequence[Any], origin: str) -> Recipe:
    """All lessons, or those of the site where marker and answer go together."""
    kept = [
        lesson
        for lesson, case in zip(recipe.lessons, cases, strict=True)
        if origin == "mixed" or case.meta["site"] == "home"
    ]
    return replace(recipe, lessons=tuple(kept))


def judged(correct: Any, cells: Any) -> dict[str, float]:
    worst = stats.worst_group(correct, cells, np.arange(len(cells)))
    assert worst.estimate is not None
    return {"worst_group": worst.estimate, "accuracy": float(correct.mean())}


def page(rows: Sequence[dict[str, Any]]) -> str:
    """Two tables: accuracies by arm where a region was found, and gains over seeds."""
    lines = [
        "| model, questions | learnt from | found | before | plain | region | other region |",
        "|---|---|---|---|---|---|---|",
    ]
    gains = [
        "| model, questions | learnt from | gain over | given a finding | unconditional |",
        "|---|---|---|---|---|",
    ]
    for subject in dict.fromkeys(each["subject"] for each in rows):
        own = [each for each in rows if each["subject"] == subject]
        found = [each for each in own if each["found"]]
        for origin in LEARNT_FROM:
            cells = [shares([each["none"] for each in found or own])]
            for arm in ("plain", "region", "other_region"):
                cells.append(shares([each[f"{origin}/{arm}"] for each in found if f"{origin}/{arm}" in each]))
            lines.append(f"| {subject} | {origin} | {len(found)} of {len(own)} | {' | '.join(cells)} |")
            for against in ("none", "plain", "other_region"):
                key = "none" if against == "none" else f"{origin}/{against}"
                given = [
                    each[f"{origin}/region"]["worst_group"] - each[key]["worst_group"]
                    for each in found
                    if key in each
                ]
                always = given + [0.0] * (len(own) - len(found))
                gains.append(f"| {subject} | {origin} | {against} | {spread(given)} | {spread(always)} |")
            if not found:
                break
    return "\n".join([*lines, "", *gains])


def shares(each: Sequence[dict[str, float]]) -> str:
    """Mean worst-group accuracy, and overall accuracy in brackets."""
    if not each:
        return "-"
    worst, overall = (100 * np.mean([one[name] for one in each]) for name in ("worst_group", "accuracy"))
    return f"{worst:.1f} ({overall:.1f})"


def spread(values: Sequence[float]) -> str:
    """Mean over seeds in points, with Student's 95 % interval."""
    if not values:
        return "-"
    mean = 100 * float(np.mean(values))
    if len(values) < 2 or np.std(values) == 0:
        return f"{mean:+.1f} ({len(values)})"
    half = 100 * float(
        distributions.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / len(values) ** 0.5
    )
    return f"{mean:+.1f} [{mean - half:+.1f}, {mean + half:+.1f}] ({len(values)})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--subject", action="append", choices=SUBJECTS)
    parser.add_argument("--out", type=Path, default=RESULT)
    parser.add_argument("--page", action="store_true")
    given = parser.parse_args()
    rows = json.loads(given.out.read_text()) if given.out.is_file() else []
    known = {(each["subject"], each["seed"]) for each in rows}
    for seed in () if given.page else range(given.seeds):
        for subject in given.subject or SUBJECTS:
            if (subject, seed) not in known:
                rows.append(row(subject, seed))
                given.out.parent.mkdir(parents=True, exist_ok=True)
                given.out.write_text(json.dumps(rows, indent=1) + "\n")
                print(json.dumps(rows[-1]), flush=True)
    print(page(rows))


if __name__ == "__main__":
    main()
