"""What mining costs: similarity search in a pool of 10,000 and 100,000 pictures, and its memory.

    OMP_NUM_THREADS=2 python benchmarks/mining.py [--json FILE] [--largest N]

Vectors of 512 dimensions lie in clusters, so that near neighbours exist; each picture has three columns of
values, so that pairs are tested as in an audit. The search is set against the full matrix (float32 product,
ranking by partition) where that fits, at 10,000; both keep the 50 best per picture. Seconds are wall and
processor time of each call; memory is what the call adds to the process at its peak. Describing and hashing
pictures is timed on phantoms that are rendered before the clock starts.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import threading
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from medaudit.case import Case
from medaudit.image import ArrayImage, LazyImage
from medaudit.mining import Rules, deduplicated, images_of, mine, perceptual_hashes, reference_vectors
from medaudit.mining.search import top_pairs
from medaudit.mining.vectors import unit_vectors
from medaudit.phantoms.cases import case_set

D, K, FEW, MANY = 512, 50, 10_000, 100_000
RESULTS = Path(__file__).parent / "results" / "mining.json"


def pool(n: int, seed: int = 0) -> tuple[list[Case], Any, Any, Any]:
    """Cases with three columns, model and reference vectors, hashes; pixels are never read."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(n // 20, D)).astype(np.float32)
    model = centres[rng.integers(0, len(centres), n)] + rng.normal(0, 0.7, (n, D)).astype(np.float32)
    reference = rng.normal(size=(n, 247)).astype(np.float32)
    values = rng.integers(0, 3, (n, 3))
    pixels = np.zeros((1, 1, 3), np.uint8)
    cases = [
        Case(
            f"c{i:07d}",
            (LazyImage(lambda: pixels, f"p{i}", f"{i}.png", (1, 1)),),
            "Is there a finding?",
            "yes",
            ("yes", "no"),
            f"g{i}",
            {"side": "abc"[a], "size": "abc"[b], "sex": "abc"[c]},
        )
        for i, (a, b, c) in enumerate(values.tolist())
    ]
    return cases, model, reference, rng.integers(0, 2**64, n, dtype=np.uint64)


def measured(work: Callable[[], Any]) -> tuple[dict[str, float], Any]:
    """Wall and processor seconds of one call, and the MiB that it adds at its peak."""
    peak, done = [_resident()], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            peak[0] = max(peak[0], _resident())

    base, watcher = _resident(), threading.Thread(target=watch)
    watcher.start()
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    took = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    done.set()
    watcher.join()
    took["added_mib"] = (peak[0] - base) / 2**20
    return {name: round(value, 2) for name, value in took.items()}, found


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def everything(first: Any, second: Any) -> Any:
    return np.ones(len(first), dtype=bool)


def full_matrix(units: Any, floor: float) -> int:
    """What one writes first: all similarities at once, the best of each row by partition."""
    similar = units @ units.T
    np.fill_diagonal(similar, -2)
    best = np.argpartition(-similar, K, axis=1)[:, :K]
    rows = np.repeat(np.arange(len(units)), K)
    kept = similar[rows, best.ravel()] >= floor
    low, high = np.minimum(rows, best.ravel())[kept], np.maximum(rows, best.ravel())[kept]
    return len(np.unique(low * len(units) + high))


def searched(model: Any) -> dict[str, Any]:
    """The search alone, every pair admitted, and the full matrix where it fits."""
    n = len(model)
    units = unit_vectors(model, np.arange(n))
    a, b = np.random.default_rng(1).integers(0, n, (2, 200_000))
    floor = float(np.quantile(np.einsum("ij,ij->i", units[a], units[b]), 0.999))
    row: dict[str, Any] = {}
    row["search"], found = measured(lambda: top_pairs(units, np.arange(n), floor, everything, k=K))
    row["search"]["pairs"] = len(found.first)
    if n <= FEW:
        row["full_matrix"], row["full_matrix_pairs"] = measured(lambda: full_matrix(units, floor))
        for what in ("cpu_s", "wall_s", "added_mib"):
            row[f"full_over_search_{what}"] = round(
                row["full_matrix"][what] / max(0.01, row["search"][what]), 2
            )
    return row


def mined(n: int) -> dict[str, Any]:
    """Search, mining as a whole with controls, and the search for duplicates."""
    cases, model, reference, hashes = pool(n)
    row = searched(model)
    rules = Rules(audited=("side", "size"), nuisance=("sex",), strata=("modality",), k=K)
    row["mine"], found = measured(lambda: mine(cases, model, reference, rules=rules, hashes=hashes))
    stratum = found.facts.strata[0]
    row["mine"] |= {"above": stratum.above, "admissible": stratum.admissible, "pairs": found.facts.selected}
    row["duplicates"], _ = measured(lambda: deduplicated(hashes))
    return row


def described(count: int = 1000) -> dict[str, Any]:
    """Reference vectors and hashes of rendered phantoms of 64 pixels, and of the same at 512."""
    images = [ArrayImage(image.pixels()) for image in images_of(case_set("chest", 2 * count).cases)][:count]
    large = [ArrayImage(np.repeat(np.repeat(image.array, 8, axis=0), 8, axis=1)) for image in images[:200]]
    for image in (*images, *large):
        assert image.digest  # computed before the clock starts
    row: dict[str, Any] = {}
    for name, given in (("64", images), ("512", large)):
        for what, work in (("reference", reference_vectors), ("hashes", perceptual_hashes)):
            took, _ = measured(lambda work=work, given=given: work(given))
            row[f"{what}_{name}px_cpu_s_per_1000"] = round(took["cpu_s"] * 1000 / len(given), 2)
    return row


def main() -> None:
    """Print the figures and write them down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", type=Path, default=RESULTS)
    parser.add_argument("--largest", type=int, default=MANY)
    given = parser.parse_args()
    result: dict[str, Any] = {"described": described()}
    for n in sorted({FEW, given.largest}):
        result[str(n)] = mined(n)
        print(n, json.dumps(result[str(n)], indent=1), flush=True)
    print(json.dumps(result["described"], indent=1))
    result |= {"dimensions": D, "k": K, "threads": os.environ.get("OMP_NUM_THREADS", "all")}
    result |= {
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "numpy": version("numpy"),
    }
    given.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
