"""What a generated picture costs: ms and pictures a second on one core, for each modality and three sizes.

    OMP_NUM_THREADS=1 python benchmarks/image_phantoms.py [--json FILE]

Pictures are of patients never seen before, hold none to two findings, and a share of them has a tube, leads
or text. Each figure is the best of several rounds, as other work on the machine can only slow one down;
what is shared between patients (textures, instruments) is built before the clock starts and counted on its
own, as ``first_s``. Chest is timed in the same rounds, so that the ratio to it survives a slower machine.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from medaudit.image import keyed_rng
from medaudit.phantoms.modalities import NAMES, modality
from medaudit.phantoms.picture import SEXES, VENDORS, Lesion, Picture
from medaudit.phantoms.rendering import render

SIZES, ROUNDS, AIM_MS = (64, 96, 224), 7, 1.0
RESULTS = Path(__file__).parent / "results" / "image_phantoms.json"


def pictures(name: str, size: int, first: int, count: int) -> list[Picture]:
    """A mixed set: every view, vendor, sex and kind of finding, overlays on some."""
    kind, rng, found = modality(name), keyed_rng("benchmark", name, size, first), []
    slots = [(finding, place) for finding in kind.kinds for place in kind.places]
    for i in range(first, first + count):
        chosen = rng.choice(len(slots), size=int(rng.integers(0, 3)), replace=False).tolist()
        lesions = tuple(Lesion(*slots[int(j)], extent=float(rng.random())) for j in chosen)
        found.append(
            Picture(
                name,
                i,
                lesions,
                sex=SEXES[i % 2],
                age=int(rng.integers(20, 90)),
                view=kind.views[i // 2 % 2],
                vendor=VENDORS[i % 3],
                tube=float(i % 4 == 0),
                leads=float(i % 5 == 0),
                text=float(i % 3 == 0),
                size=size,
            )
        )
    return found


def seconds(batch: list[Picture]) -> float:
    """CPU time of rendering a batch."""
    began = time.process_time()
    for picture in batch:
        render(picture)
    return time.process_time() - began


def measured(size: int) -> dict[str, dict[str, float]]:
    """Best time of each modality, rounds interleaved, and what its first pictures cost beyond that."""
    count = 150 if size < 200 else 60
    warm = {name: seconds(pictures(name, size, 10**6, count)) for name in NAMES}
    times: dict[str, list[float]] = {name: [] for name in NAMES}
    for turn in range(ROUNDS):
        for name in NAMES:
            times[name].append(seconds(pictures(name, size, turn * count, count)))
    best = {name: min(found) / count for name, found in times.items()}
    return {
        name: {
            "ms": round(best[name] * 1000, 3),
            "pictures_s": round(1 / best[name]),
            "to_chest": round(best[name] / best["chest"], 2),
            "first_s": round(max(0.0, warm[name] - count * best[name]), 3),
        }
        for name in NAMES
    }


def main() -> None:
    """Print the table and write it down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", type=Path, default=RESULTS)
    target = parser.parse_args().json
    sizes = {str(size): measured(size) for size in SIZES}
    print(f"{'':12}" + "".join(f"{size:>6} px: ms   1/s  x chest" for size in sizes))
    for name in NAMES:
        row = "".join(
            f"{found[name]['ms']:13.3f}{found[name]['pictures_s']:6.0f}{found[name]['to_chest']:9.2f}"
            for found in sizes.values()
        )
        print(f"{name:12}{row}")
    result: dict[str, Any] = {"aim_ms_at_96": AIM_MS, "sizes": sizes}
    result |= {"python": platform.python_version(), "numpy": version("numpy"), "rounds": ROUNDS}
    target.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
