"""Pictures a second of every shift at 224 and 1024 pixels, beside three peers.

    OMP_NUM_THREADS=1 python benchmarks/shifts.py [--json FILE]

One core, processor time, severity 3, grey and coloured pictures of uint8 (h, w, 3), all in one run. Each
figure is the median of five rounds of 1 to 32 pictures; a cell that takes more than its budget has fewer. A
ratio is ours over the peer's on the same picture: at the same published parameters for medmnistc, at like
ones for imagecorruptions and albumentations. Lengths grow with the picture in ours alone, so that at 1024
pixels our kernels are the larger ones. Peers are optional: an absent one is reported with the command that
installs it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import shifts_peers as peers

from medaudit.image import keyed_rng
from medaudit.registry import Shift, available
from medaudit.shifts.medmnist_c_table import DATA_SETS
from medaudit.stored import Stored

SIZES, SEVERITY, ROUNDS, SLOWEST_MS = (224, 1024), 3, 5, 50.0
ROUND_S = 0.01
BUDGET = {224: 0.6, 1024: 1.5}
COLOURED = {"histology", "microscopy", "dermoscopy", "fundus", "endoscopy"}
RESULTS = Path(__file__).parent / "results" / "shifts.json"


def picture(side: int, coloured: bool) -> Any:
    """A smooth scene with edges and grain, the same for everybody."""
    rng = np.random.default_rng(side)
    y, x = np.mgrid[0:side, 0:side] / side
    scene = 90 + 60 * np.sin(7 * x + 3 * y) * np.cos(5 * y) + 50 * ((x - 0.4) ** 2 + (y - 0.6) ** 2 < 0.04)
    grain = rng.normal(0, 4, (side, side))
    channels = [scene + grain] * 3 if not coloured else [scene + grain, 0.7 * scene + 40, 200 - 0.6 * scene]
    return np.clip(np.stack(channels, axis=2), 0, 255).astype(np.uint8)


def per_second(call: peers.Call | str, given: Any, budget: float) -> float | str:
    """Median rate of a call after one to warm up, or why there is none."""
    if isinstance(call, str):
        return call
    try:
        began = time.perf_counter()
        call(given)
        calls = max(1, min(32, int(ROUND_S / (time.perf_counter() - began))))
        took: list[float] = []
        while len(took) < ROUNDS and (not took or time.perf_counter() - began < budget):
            start = time.process_time()
            for _ in range(calls):
                call(given)
            took.append((time.process_time() - start) / calls)
    except Exception as error:  # a peer that fails on these libraries is a result
        return f"{type(error).__name__}: {error}"[:120]
    return round(1 / statistics.median(took), 1)


def ours(shift: Shift, colour: dict[bool, Any], budget: float) -> float | str:
    """Rate of one of our shifts on the picture it is made for."""
    kind = shift.modalities[0] if shift.modalities else ""
    pixels, strength = colour[bool(COLOURED & {kind})], shift.strength(SEVERITY, kind)
    given = Stored(pixels[..., 0].astype(np.float64)) if shift.stage == "stored" else pixels

    def call(subject: Any) -> Any:
        return shift.apply(subject, strength, keyed_rng(0, shift.name))

    return per_second(call, given, budget)


def by_peer(colour: dict[bool, Any], own: dict[str, float | str], budget: float) -> dict[str, Any]:
    """Rates and ratios of each peer, or how to install it."""
    found: dict[str, Any] = {}
    sets = {name: list(kind.corruptions) for name, kind in DATA_SETS.items()}
    medical = peers.medmnistc(sets, SEVERITY)
    found["medmnistc"] = medical and _rows(
        {name: per_second(call, colour[_is_coloured(name)], budget) for name, call in medical.items()},
        {name: own[name] for name in medical},
    )
    shifts = available("shift")
    for peer, made in (
        ("imagecorruptions", peers.imagecorruptions(SEVERITY)),
        ("albumentations", peers.albumentations()),
    ):
        if made is None:
            found[peer] = None
            continue
        calls, same = made
        rates = {name: per_second(call, colour[True], budget) for name, call in calls.items()}
        like = {name: _on_colour(shifts[own_name], colour, budget) for name, own_name in same.items()}
        found[peer] = _rows(rates, like, same)
    return {peer: rows or {"absent": peers.INSTALL[peer]} for peer, rows in found.items()}


def _on_colour(shift: Shift, colour: dict[bool, Any], budget: float) -> float | str:
    return per_second(lambda pixels: shift.apply(pixels, SEVERITY, keyed_rng(0)), colour[True], budget)


def _is_coloured(name: str) -> bool:
    return available("shift")[name].modalities[0] in COLOURED


def _rows(
    rates: dict[str, float | str], own: dict[str, float | str], same: dict[str, str] | None = None
) -> dict[str, Any]:
    rows: dict[str, Any] = {}
    for name, rate in rates.items():
        rows[name] = {"peer": rate, "ours": own.get(name), "shift": (same or {}).get(name, name)}
        if isinstance(rate, float) and isinstance(own.get(name), float):
            rows[name]["ratio"] = round(float(own[name]) / rate, 2)
    return {"rows": rows, **_summary(rows)}


def _summary(rows: dict[str, Any]) -> dict[str, Any]:
    pairs = [row for row in rows.values() if "ratio" in row]
    not_run = {name: row["peer"] for name, row in rows.items() if isinstance(row["peer"], str)}
    if not pairs:
        return {"pairs": 0, "not_run": not_run}
    slower = sorted(name for name, row in rows.items() if row.get("ratio", 1.0) < 1)
    return {
        "pairs": len(pairs),
        "median_peer": statistics.median(row["peer"] for row in pairs),
        "median_ours": statistics.median(row["ours"] for row in pairs),
        "median_ratio": statistics.median(row["ratio"] for row in pairs),
        "least_ratio": min(row["ratio"] for row in pairs),
        "slower_than_peer": slower,
        "not_run": not_run,
    }


def measured(side: int) -> dict[str, Any]:
    """Everything at one size."""
    colour = {flag: picture(side, flag) for flag in (False, True)}
    shifts = {name: shift for name, shift in available("shift").items() if shift.stage != "case"}
    own = {name: ours(shift, colour, BUDGET[side]) for name, shift in shifts.items()}
    rated = {name: rate for name, rate in own.items() if isinstance(rate, float)}
    slowest = min(rated, key=lambda name: rated[name])
    return {
        "ours": own,
        "median_ours": statistics.median(rated.values()),
        "slowest": {"shift": slowest, "ms": round(1000 / rated[slowest], 2)},
        "peers": by_peer(colour, own, BUDGET[side]),
    }


def show(side: str, found: dict[str, Any]) -> None:
    """Print one size's table and medians."""
    print(f"\n{side} x {side}: shift, ours 1/s, then peer: 1/s, ratio")
    for name, rate in found["ours"].items():
        cells = []
        for peer, rows in found["peers"].items():
            for other, row in rows.get("rows", {}).items():
                if row["shift"] == name:
                    cells.append(f"{peer}.{other} {row['peer']} x{row.get('ratio', '-')}")
        print(f"{name:28}{rate!s:>10}  {'; '.join(cells)}")
    print(f"median of ours {found['median_ours']}/s; slowest {found['slowest']}")
    for peer, rows in found["peers"].items():
        said = {key: value for key, value in rows.items() if key != "rows"}
        print(f"{peer}: {said}")


def main() -> None:
    """Print the tables and write them down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", type=Path, default=RESULTS)
    target = parser.parse_args().json
    warnings.simplefilter("ignore")
    cv2.setNumThreads(1)
    began, load = time.perf_counter(), os.getloadavg()[0]
    sizes = {str(side): measured(side) for side in SIZES}
    for side, found in sizes.items():
        show(side, found)
    names = ("numpy", "scipy", "opencv-python-headless", "scikit-image", "pillow", *peers.INSTALL)
    result: dict[str, Any] = {
        "severity": SEVERITY,
        "aim": {"ratio_to_each_peer": 3, "slowest_ms_at_224": SLOWEST_MS},
        "machine": {"processor": _processor(), "cores": os.cpu_count(), "load_at_start": round(load, 1)},
        "versions": {"python": platform.python_version(), **{name: peers.installed(name) for name in names}},
        "seconds": round(time.perf_counter() - began),
        "sizes": sizes,
    }
    target.write_text(json.dumps(result, indent=1) + "\n")


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor()


if __name__ == "__main__":
    main()
