"""Are planted shortcuts found, and is nothing found where there is none? Ours and four others on tiny models.

    OMP_NUM_THREADS=1 python benchmarks/spurious.py [--out FOLDER] [--clean 40] [--models 10] [--device cpu]
                                                    [--jobs 2] [--again METHOD] [--json FILE] [--page]

Contrastive models are trained side by side; in the training sets of some a coloured mark goes with one
class, at a Cramer's V of 0.3 to 0.9, in those of the clean ones with none. All are judged where the mark
lies in half of the pictures of every class. ``--clean`` and ``--models`` say how many models there are at V
= 0 and at each other V. Weights and rows are kept in ``--out``, and a later run goes on there; ``--again``
judges one method anew, as is due when it has changed. ``--page`` draws the tables of docs/spurious.md from
the result and does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
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

from spurious_judging import METHODS, Cell, judged
from spurious_models import BATCH, STEPS, TRAINING, Spec, recipe, save, train
from spurious_scenes import glyph_pool
from spurious_tables import page, summary

VS = (0.0, 0.3, 0.5, 0.7, 0.9)
CELLS = (
    Cell("given", 250, METHODS),
    Cell("given", 500, METHODS),
    Cell("given", 1000, METHODS),
    Cell("quadrants", 500, METHODS),
    Cell("found", 500, tuple(method for method in METHODS if method != "faithful")),
    # The published recipe fits 5,000 regions at 30 values of k: half of all time, were all models judged.
    Cell("found", 500, ("faithful",), models=5),
)
SIDE_BY_SIDE = {"cpu": 4, "cuda": 200}
RESULT = Path(__file__).parent / "results" / "spurious.json"
DOCUMENT = Path(__file__).parents[1] / "docs" / "spurious.md"


def population(clean: int, each: int) -> list[Spec]:
    """The models, strengths taken in turn, so that a run that is cut short holds some of each."""
    counts = {v: clean if v == 0 else each for v in VS}
    return [Spec(v, at) for at in range(max(counts.values())) for v in VS if at < counts[v]]


def train_missing(specs: Sequence[Spec], folder: Path, device: str, jobs: int) -> float:
    """Train what has no file yet, in chunks; seconds."""
    began = time.perf_counter()
    left = [spec for spec in specs if not (folder / "models" / f"{spec.name}.npz").is_file()]
    size = SIDE_BY_SIDE["cpu" if device == "cpu" else "cuda"]
    chunks = [left[at : at + size] for at in range(0, len(left), size)]
    each(partial(_train, folder=folder / "models", device=device), chunks, jobs if device == "cpu" else 1)
    return time.perf_counter() - began


def judge(
    specs: Sequence[Spec], folder: Path, jobs: int, cells: tuple[Cell, ...] = CELLS
) -> list[dict[str, Any]]:
    """All rows of all models."""
    found = each(partial(_judge, folder=folder, cells=cells), list(specs), jobs)
    return [row for rows in found for row in rows]


def forget(method: str, folder: Path) -> None:
    """Drop the rows of a method, so that they are judged anew."""
    for path in (folder / "rows").glob("*.json"):
        held = json.loads(path.read_text())
        held["rows"] = [row for row in held["rows"] if row["method"] != method]
        path.write_text(json.dumps(held) + "\n")


def _train(specs: Sequence[Spec], folder: Path, device: str) -> None:
    save(specs, train(specs, glyph_pool(), device), folder)


def _judge(spec: Spec, folder: Path, cells: tuple[Cell, ...]) -> list[dict[str, Any]]:
    return judged(spec, folder, one_pool(), cells)


_POOL: list[Any] = []


def one_pool() -> Any:
    """Drawn once a process."""
    if not _POOL:
        _POOL.append(glyph_pool())
    return _POOL[0]


def each(work: Callable[[Any], Any], items: Sequence[Any], jobs: int) -> list[Any]:
    """One after another here, or in processes that start afresh, each on one thread."""
    began, results = time.perf_counter(), []
    if jobs == 1 or len(items) < 2:
        return [work(item) for item in items]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_one_thread) as workers:
        for at, result in enumerate(workers.map(work, items), 1):
            results.append(result)
            if at % 10 == 0 or at == len(items):
                print(f"{time.perf_counter() - began:6.0f} s  {at} of {len(items)}", flush=True)
    return results


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def main() -> None:
    """Train, judge, print the tables and write them down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(tempfile.gettempdir()) / "medaudit-spurious")
    parser.add_argument("--clean", type=int, default=40)
    parser.add_argument("--models", type=int, default=10)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--again", choices=METHODS)
    parser.add_argument("--json", type=Path, default=RESULT)
    parser.add_argument("--page", action="store_true", help="draw the tables of docs/spurious.md and stop")
    given = parser.parse_args()
    if not given.page:
        given.json.write_text(json.dumps(measured(given), indent=1) + "\n")
    result = json.loads(given.json.read_text())
    print(page(result))
    if given.page:
        _put(page(result))


def measured(given: argparse.Namespace) -> dict[str, Any]:
    """The result as it is written down."""
    folder = given.out / recipe()
    if given.again:
        forget(given.again, folder)
    specs = population(given.clean, given.models)
    trained_s = train_missing(specs, folder, given.device, given.jobs)
    began = time.perf_counter()
    rows = judge(specs, folder, given.jobs)
    return {
        "training": {"pictures": TRAINING, "steps": STEPS, "batch": BATCH},
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "training_s": round(trained_s),
        "judging_s": round(time.perf_counter() - began),
        **summary(rows),
    }


def _put(tables: str) -> None:
    """Between the two marks of the document, which holds other sections as well."""
    first, last = "<!-- tables: benchmarks/spurious.py -->\n", "<!-- end of tables -->"
    text = DOCUMENT.read_text()
    head, rest = text.split(first)
    DOCUMENT.write_text(f"{head}{first}{tables}{last}{rest.split(last, 1)[1]}")


if __name__ == "__main__":
    main()
