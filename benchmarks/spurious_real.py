"""Does ``spurious`` find a letter on real radiographs? One that was pasted, and those that lie there.

    OMP_NUM_THREADS=1 python benchmarks/spurious_real.py [--seeds 3] [--heights 11 7] [--jobs 2]
                                                         [--out FOLDER] [--json FILE]

Copies of the contrastive phantom ``clip-clean`` are tuned on half of the patients and searched on the other.

- Pasted, ``cxr_hannover``: on which side is the heart? A letter R goes with one side, Cramer's V = 0.9; in
  the clean arm 0. Where it is searched for, every picture is there with the letter and without it, on both
  sides. The letter is searched for on the usual grid, and in boxes that the cases carry.
- Burned in, ``cxr_paediatric``: is there a pneumonia? Letters differ in size and place between the classes.
  Searched for on the grid and in boxes of the letters, which are also painted over one and all. In the
  control the labels are dealt anew.

Needs ../shared/data beside the checkout; without it this says so and ends. Models are kept in ``--out``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from spurious_real_data import HEART, PNEUMONIA, box_of, halves, hannover, heart_cases, missing, paediatric
from spurious_real_letters import association, letter_cases, without_letters
from spurious_real_tuning import STEPS, labelled, mirrored, tuned

from medaudit.case import Case
from medaudit.engine import Engine
from medaudit.finding import Finding
from medaudit.image import keyed_rng
from medaudit.probes.spurious import spurious
from medaudit.proposals import lies_on
from medaudit.store import Store
from medaudit.testing import context_for

RESULT = Path(__file__).parent / "results" / "spurious_real.json"
#: Patients with and without a region that a class needs. 10 is usual, and needs 40 patients; here are 23.
MIN_N = 5
V = 0.9
REGIONS = ("grid:4", "given")
_AT = 10

Box = tuple[int, int, int, int]


def search(model: Any, cases: Sequence[Case], **settings: Any) -> list[Finding]:
    """Findings of the probe on a model; ``min_n`` is the context's, the rest are the probe's."""
    min_n = settings.pop("min_n", 10)
    with Store(":memory:") as store:
        ctx = context_for(cases, model, ask=Engine(model, store, batch_size=64).ask, min_n=min_n)
        return list(spurious(ctx, **settings))


def pasted_arm(v: float, height: int, seed: int, out: Path, steps: int = STEPS) -> dict[str, Any]:
    """One model of the pasted letter: what it does with the letter, and what the probe says."""
    own, other = halves(hannover(), seed)
    folder = out / f"heart-v{v:g}-h{height}-s{seed}-{steps}"
    model = tuned(mirrored(own, v, height), *HEART, seed, folder, steps)
    cases, marked = heart_cases(other, height, seed)
    row = {
        "set": "cxr_hannover",
        "v": v,
        "height": height,
        "seed": seed,
        "patients": len({c.group for c in cases}),
    }
    row |= {"images": len(cases), "accuracy": accuracy(model, cases, marked)}
    for regions in REGIONS:
        row[regions] = told(search(model, cases, min_n=MIN_N, regions=regions), marked, box_of(height))
    return row


def accuracy(model: Any, cases: Sequence[Case], marked: dict[str, bool]) -> dict[str, float]:
    """Share of right answers by class, with the letter and without."""
    ctx = context_for(cases, model)
    hits: dict[str, list[bool]] = {}
    for case, answer in zip(cases, ctx.ask([ctx.request(case) for case in cases]), strict=True):
        said = case.options[max(range(len(case.options)), key=(answer.scores or ()).__getitem__)]
        key = f"{case.answer}, {'letter' if marked[case.id] else 'plain'}"
        hits.setdefault(key, []).append(said == case.answer)
    return {key: round(sum(each) / len(each), 3) for key, each in hits.items()}


def told(findings: Sequence[Finding], marked: dict[str, bool], box: Box | None) -> dict[str, Any]:
    """What the probe says of its task, and how many of the top cluster's first regions hold the letter."""
    shortcut = next(each for each in findings if each.metric == "shortcut")
    data = shortcut.data
    row = {
        "verdict": shortcut.verdict.value,
        "found": data.get("verdict"),
        "gap": shortcut.estimate,
        "interval": shortcut.interval,
        "p": shortcut.p_value,
        "confirmed": data.get("confirmed", {}).get(data.get("cluster"), []),
        "effect": data.get("edit_effect"),
        "effect_interval": data.get("edit_effect_interval"),
        "stability": data.get("stability"),
        "smallest_detectable": data.get("smallest_detectable"),
        "place": data.get("place"),
        "sentence": data.get("sentence"),
        "reason": shortcut.reason,
    }
    first = data.get("members", [])[:_AT]
    if box and first:
        there = [lies_on(tuple(each["box"]), box) for each in first]
        holds = [hit and marked[each["case"]] for hit, each in zip(there, first, strict=True)]
        row |= {"at_the_place": sum(there) / len(first), "precision_at_10": sum(holds) / len(first)}
    return row


def burned_arm(dealt: bool, seed: int, out: Path, steps: int = STEPS) -> dict[str, Any]:
    """One model of the letters that lie there, on labels as they are or ``dealt`` anew among the pictures."""
    own, other = halves(paediatric(), seed)
    labels = [each.label for each in own]
    if dealt:
        labels = [labels[at] for at in keyed_rng("spurious real", "dealt", seed).permutation(len(labels))]
    folder = out / f"pneumonia-{'dealt' if dealt else 'own'}-s{seed}-{steps}"
    model = tuned(labelled(own, labels), *PNEUMONIA, seed, folder, steps)
    cases = letter_cases(other)
    row = {"set": "cxr_paediatric", "dealt": dealt, "seed": seed, "images": len(cases)}
    row["accuracy"] = accuracy(model, cases, {case.id: bool(case.regions) for case in cases})
    row["edits"] = without_letters(model, cases)
    for regions in REGIONS:
        row[regions] = told(search(model, cases, regions=regions), {}, None)
    return row


def measured(given: argparse.Namespace) -> dict[str, Any]:
    """All arms, one process each."""
    work: list[Callable[[], dict[str, Any]]] = [
        partial(pasted_arm, v, height, seed, given.out)
        for height in given.heights
        for seed in range(given.seeds)
        for v in (V, 0.0)
    ]
    work += [
        partial(burned_arm, dealt, seed, given.out) for seed in range(given.seeds) for dealt in (False, True)
    ]
    rows, began = [], time.perf_counter()
    with ProcessPoolExecutor(given.jobs, mp_context=get_context("spawn"), initializer=_one_thread) as workers:
        for row in workers.map(_call, work):
            rows.append(row)
            print(f"{time.perf_counter() - began:6.0f} s  {json.dumps(row)}", flush=True)
    return {"letters": association(paediatric()), "min_n": MIN_N, "steps": STEPS, "rows": rows}


def _call(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    return work()


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def main() -> None:
    """Measure, print and write down; or say that there is no data."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--heights", type=int, nargs="+", default=[11, 7])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "medaudit-spurious-real")
    parser.add_argument("--json", type=Path, default=RESULT)
    given = parser.parse_args()
    if lacking := missing():
        print(lacking)
        return
    given.json.write_text(json.dumps(measured(given), indent=1) + "\n")


if __name__ == "__main__":
    main()
