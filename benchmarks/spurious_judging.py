"""Five ways to look for the mark in one model of ``benchmarks/spurious.py``, on the same regions.

Ours and RaVL as published rank clusters; a mixture over errors (after Domino), clusters within each class
(after George) and a random order always show something. A row is one way on one model, kind of box and size.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from spurious_models import Spec, load
from spurious_regions import Kind, evaluation, on_digit, validity
from spurious_scenes import Scenes

from medaudit.image import keyed_rng
from medaudit.regions import Cluster, Discovery, Regions, discover, precision_at
from medaudit.regions.outputs import Mode
from medaudit.regions.peers import class_clusters, mixture_slices
from medaudit.stats.association import cramers_v

SHOWN = 10
METHODS = ("ours", "faithful", "mixture", "per class", "random")
#: A finding names the mark where this share of the regions shown first carry it.
NAMED = 0.5


@dataclass(frozen=True)
class Cell:
    """One set of regions, whom to show it, and for how many models at each V (0: all)."""

    kind: Kind
    n: int
    methods: tuple[str, ...]
    models: int = 0


Row = dict[str, Any]


def judged(spec: Spec, folder: Path, pool: Any, cells: tuple[Cell, ...]) -> list[Row]:
    """Rows of all cells, each model's validity in every one; read where an earlier run wrote them.

    A file holds one model's rows, and its cells are judged once.
    """
    path = folder / "rows" / f"{spec.name}.json"
    held: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {"validity": None, "rows": []}
    done = {(row["kind"], row["n"], row["method"]) for row in held["rows"]}
    due = [cell for cell in cells if not cell.models or spec.number < cell.models]
    missing = [(cell, [m for m in cell.methods if (cell.kind, cell.n, m) not in done]) for cell in due]
    missing = [(cell, methods) for cell, methods in missing if methods]
    if missing or held["validity"] is None:
        stack = load(spec, folder / "models")
        held["validity"] = held["validity"] or validity(spec, stack, pool)
        drawn = evaluation(spec, stack, pool, max((cell.n for cell, _ in missing), default=SHOWN))
        for cell, methods in missing:
            regions, carries = drawn.regions(cell.kind, cell.n)
            marked = drawn.scenes.there[: cell.n, 0]
            about = _about(regions, carries, marked)
            for method in methods:
                row = {"kind": cell.kind, "n": cell.n, "method": method}
                looked = _looked(method, spec, regions, carries, drawn.scenes)
                held["rows"].append(row | looked | about)
            _write(path, held)
    model = {"v": spec.v, "number": spec.number} | held["validity"]
    return [model | row for row in held["rows"]]


def _about(regions: Regions, carries: Any, marked: Any) -> Row:
    """How many regions, how many carry the mark, and in how many of the marked pictures one does."""
    seen = len(np.unique(regions.image[carries])) / max(1, int(marked.sum()))
    return {"regions": len(carries), "base": round(float(carries.mean()), 4), "seen": round(seen, 4)}


def _looked(method: str, spec: Spec, regions: Regions, carries: Any, given: Scenes) -> Row:
    began = time.process_time()
    if method in ("ours", "faithful"):
        found = discover(regions, mode=cast(Mode, method))
        took = time.process_time() - began
        told = _told(found, spec, regions, carries, given)
    else:
        order = _ORDERS[method](regions, spec)
        took = time.process_time() - began
        told = {"alarm": True, "precision": precision_at(order, carries, SHOWN), "size": len(order)}
    return told | {"cpu_s": round(took, 3)}


def _told(found: Discovery, spec: Spec, regions: Regions, carries: Any, given: Scenes) -> Row:
    """What is ranked first, whatever the verdict, and what is said about it.

    ``mirror``: correlation, over pictures, of holding the cluster and holding the mark; near -1 where the
    cluster is what is left when the mark is missing. ``on_digit``: the share of its regions that lie on the
    evidence; from half on, the probe does not fail a model for them. ``kept``: of the first findings, or
    clusters kept, Precision@10 and Cramer's V of holding the cluster and the label, near 1 where the cluster
    is the object itself.
    """
    row: Row = {"alarm": found.verdict == "found", "verdict": found.verdict, "precision": 0.0, "size": 0}
    if not found.clusters:
        return row
    first = found.clusters[0]
    holds = np.isin(np.arange(regions.n), first.images)
    row |= {
        "precision": precision_at(first.members, carries, SHOWN),
        "size": len(first.members),
        "mirror": _correlation(holds, given.there[: regions.n, 0]),
        "on_digit": on_digit(first.members, regions, given),
        "right_class": first.helped == spec.target,
        "k": found.k,
        "gap": round(first.gap, 4),
        "kept": [_kept(each, regions, carries) for each in found.clusters[:SHOWN] if each.kept],
    }
    if first.test is not None:
        row |= {"p": round(first.test.p_max_t, 4), "p_hurt": round(first.test.p_hurt, 4)}
        row |= {"p_helped": round(first.test.p_helped, 4)}
    if found.stability is not None:
        row["stability"] = round(found.stability.median, 3)
    if found.detectable is not None:
        row["detectable"] = round(found.detectable.difference, 3)
    return row


def _kept(each: Cluster, regions: Regions, carries: Any) -> list[float]:
    holds = np.isin(np.arange(regions.n), each.images)
    tied = round(cramers_v(holds, regions.labels), 3)
    return [precision_at(each.members, carries, SHOWN), tied]


def _correlation(a: Any, b: Any) -> float | None:
    if a.all() or b.all() or not a.any() or not b.any():
        return None
    return round(float(np.corrcoef(a, b)[0, 1]), 3)


def _random(regions: Regions, spec: Spec) -> Any:
    return keyed_rng("spurious bench", "random", spec.name).permutation(len(regions.image))


_ORDERS: dict[str, Callable[[Regions, Spec], Any]] = {
    "mixture": lambda regions, _: mixture_slices(regions)[0].members,
    "per class": lambda regions, _: class_clusters(regions)[0].members,
    "random": _random,
}


def _write(path: Path, held: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(held) + "\n")
    part.replace(path)
