"""Does tuning away from what was found mend the models of ``benchmarks/spurious.py``, found or not?

    OMP_NUM_THREADS=1 python benchmarks/spurious_mitigation.py [--out FOLDER] [--clean 10] [--models 10]
                                                               [--jobs 2] [--json FILE]

Models planted at V = 0.7 and 0.9, and clean ones, are taken from ``--out`` (trained where missing). Each is
searched on 1,000 pictures with given boxes, then a copy is tuned on its own training set, in which the mark
still goes with its class. All ways tune from the same weights, for the same steps, on the same pictures:

- plain: the choice among class texts alone (lambda 1), the control
- ours, top / ours, all: the region-aware loss, away from the top finding, or from all findings
- faithful: the same, away from the cluster that RaVL ranks first
- known: the same, away from the marks' own boxes; no search could do better

Regions are assigned to medoids by the model as it was. Where a search finds nothing, nothing is tuned: the
means over all models count such a model as it was. Accuracies are of 4,000 pictures of their own.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from spurious import each, one_pool, train_missing
from spurious_models import BATCH, TRAINING, Spec, Stack, box_means, load, maps, projected, recipe, texts
from spurious_regions import boxes_of, evaluation, mark_box, validity
from spurious_scenes import render

from medaudit.image import keyed_rng
from medaudit.mitigation import region_aware_loss
from medaudit.regions import Discovery, Regions, discover
from medaudit.stats import difference

WAYS = ("plain", "ours, top", "ours, all", "faithful", "known")
SEARCHED, STEPS, RATE = 1_000, 60, 1e-3
TOLD = ("accuracy", "worst_group", "eps1", "eps2")
RESULT = Path(__file__).parent / "results" / "spurious_mitigation.json"


def parts(regions: Regions) -> dict[str, Any]:
    """Per way: from the vectors of regions as the model was, and whether each is the mark's, to which
    are spurious; None where it found nothing.
    """
    ours, faithful = discover(regions), discover(regions, mode="faithful")
    return {
        "plain": lambda vectors, marks: np.zeros(len(marks), dtype=bool),
        "ours, top": _of_clusters(ours, regions, 1),
        "ours, all": _of_clusters(ours, regions, len(ours.clusters)),
        "faithful": _of_clusters(faithful, regions, 1),
        "known": lambda vectors, marks: marks,
    }


def _of_clusters(found: Discovery, regions: Regions, most: int) -> Any:
    """Whether a region's nearest medoid is that of one of the first findings."""
    if not found.found:
        return None
    chosen = {each.medoid for each in found.found[:most]}
    medoids = [each.medoid for each in found.clusters if each.medoid is not None]
    centres, spurious = regions.vectors[medoids], np.asarray([medoid in chosen for medoid in medoids])
    return lambda vectors, marks: spurious[(vectors.numpy() @ centres.T).argmax(axis=1)]


def tuned(spec: Spec, stack: Stack, pool: Any, part: Any, lam: float | None) -> Stack:
    """A copy of a model after ``STEPS`` steps of Adam on its training set."""
    import torch

    copy = {name: weights.clone().requires_grad_() for name, weights in stack.items()}
    adam = torch.optim.Adam(list(copy.values()), lr=RATE)
    training, digits, tower = spec.training(), torch.as_tensor(pool), torch.as_tensor(texts())
    order, noise = keyed_rng("spurious bench", "tuning", spec.name), spec.seed("tuning")
    generator = torch.Generator().manual_seed(noise)
    share = {} if lam is None else {"lam": lam}
    for _ in range(STEPS):
        batch = training.at(order.integers(TRAINING, size=BATCH))
        pictures = render(batch, digits, generator)
        owners, boxes, marks = _boxes(batch, pictures)
        with torch.no_grad():
            before = box_means(maps(stack, pictures[None])[0], owners, boxes)
            spurious = torch.as_tensor(part(projected(stack, before[None])[0], marks))
        found = maps(copy, pictures[None])[0]
        images = projected(copy, found.mean(dim=(2, 3))[None])[0]
        regions = projected(copy, box_means(found, owners, boxes)[None])[0]
        labels = torch.as_tensor(batch.label)
        loss = region_aware_loss(images, regions, torch.as_tensor(owners), spurious, tower, labels, **share)
        adam.zero_grad()
        loss.backward()
        adam.step()
    return {name: weights.detach() for name, weights in copy.items()}


def _boxes(batch: Any, pictures: Any) -> tuple[Any, list[Any], Any]:
    """Given boxes of a batch: whose each is, where, and whether it is the mark's."""
    owners, boxes, marks = [], [], []
    for at in range(len(batch)):
        for box in boxes_of("given", batch, at, pictures[at]):
            owners.append(at)
            boxes.append(box)
            marks.append(box == mark_box(batch, at))
    return np.asarray(owners), boxes, np.asarray(marks, dtype=bool)


def mended(spec: Spec, folder: Path) -> dict[str, Any]:
    """One model: as it was, and after each way; read where an earlier run wrote it."""
    path = folder / "mended" / f"{spec.name}.json"
    if path.is_file():
        return dict(json.loads(path.read_text()))
    pool, stack = one_pool(), load(spec, folder / "models")
    regions, _ = evaluation(spec, stack, pool, SEARCHED).regions("given", SEARCHED)
    told: dict[str, Any] = {"v": spec.v, "number": spec.number, "before": validity(spec, stack, pool)}
    for way, part in parts(regions).items():
        lam = 1.0 if way == "plain" else None
        told[way] = part and validity(spec, tuned(spec, stack, pool, part, lam), pool)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told) + "\n")
    return told


def summary(models: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Per way: change from before, and from plain tuning, over all planted models, those found, the clean."""
    planted = [model for model in models if model["v"] > 0]
    groups = {
        "planted, all": lambda way: planted,
        "planted, where it found": lambda way: [model for model in planted if model[way]],
        "clean": lambda way: [model for model in models if model["v"] == 0],
    }
    return [
        {"over": over, "way": way, **_changes(chosen(way), way)}
        for over, chosen in groups.items()
        for way in WAYS
    ]


def _changes(models: Sequence[dict[str, Any]], way: str) -> dict[str, Any]:
    told: dict[str, Any] = {"models": len(models), "found": sum(model[way] is not None for model in models)}
    for key in TOLD if models else ():
        before = [model["before"][key] for model in models]
        after = [(model[way] or model["before"])[key] for model in models]
        plain = [model["plain"][key] for model in models]
        told[key] = {
            "before": round(float(np.mean(before)), 3),
            "after": round(float(np.mean(after)), 3),
            "change": _difference(after, before),
            "beyond_plain": _difference(after, plain),
        }
    return told


def _difference(a: list[float], b: list[float]) -> dict[str, Any]:
    told = difference(a, b, list(range(len(a))))
    ends = told.interval and [round(end, 3) for end in told.interval]
    return {"mean": told.estimate and round(told.estimate, 3), "interval": ends}


def page(result: dict[str, Any]) -> str:
    """The table as Markdown: the lowest accuracy of any class with or without the mark, and overall."""
    lines = ["| models | tuned | of them | lowest before | after | beyond plain | accuracy before | after |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    for row in result["ways"]:
        if row["models"]:
            lowest, whole = row["worst_group"], row["accuracy"]
            beyond = lowest["beyond_plain"]
            ends = beyond["interval"] and " [{:+.2f}, {:+.2f}]".format(*beyond["interval"])
            gain = "" if row["way"] == "plain" else f"{beyond['mean']:+.2f}{ends or ''}"
            cells = [f"{row['over']} ({row['models']})", row["way"], str(row["found"])]
            cells += [f"{lowest['before']:.2f}", f"{lowest['after']:.2f}", gain]
            cells += [f"{whole['before']:.2f}", f"{whole['after']:.2f}"]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Tune, print the table and write it down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "medaudit-spurious")
    parser.add_argument("--clean", type=int, default=10)
    parser.add_argument("--models", type=int, default=10, help="at V = 0.7 and as many at 0.9")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path, default=RESULT)
    given = parser.parse_args()
    folder = given.out / recipe()
    specs = [Spec(v, at) for at in range(given.models) for v in (0.7, 0.9)]
    specs += [Spec(0.0, at) for at in range(given.clean)]
    train_missing(specs, folder, "cpu", given.jobs)
    models = each(partial(mended, folder=folder), specs, given.jobs)
    settings = {"searched": SEARCHED, "steps": STEPS, "batch": BATCH, "rate": RATE}
    result = {**settings, "ways": summary(models), "each": models}
    given.json.write_text(json.dumps(result, indent=1) + "\n")
    print(page(result))


if __name__ == "__main__":
    main()
