"""Pictures a second of every shift at 224 and 1024 pixels, beside three peers.

    OMP_NUM_THREADS=1 python benchmarks/shifts.py [--json FILE]

One core, processor time, severity 3, grey and coloured pictures of uint8 (h, w, 3), all in one run. Each
figure is the median of five rounds of 1 to 32 pictures; a cell that takes more than its budget has fewer. A
ratio is ours over the peer's on the same picture. Ours pays for a fresh generator on every picture.

medmnistc: the same published parameters, on the kind of picture that the data set holds. Its lengths in
pixels stay, ours grow with the picture. imagecorruptions: like parameters, coloured, lengths likewise.
albumentations: like parameters, on a coloured picture and on a grey one, and at 1024 pixels the lengths of
ours: a small kernel on a large picture would be a weaker corruption. Reduction is by area means on both
sides. Rows named in ``same_kernel`` call the same compiled code as ours (the jpeg codec, the byte table, area
means), so that a ratio of about 1 is the ceiling; medians are given over all pairs and over the rest.

Peers are optional: an absent one is reported with the command that installs it.
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
    """Median rate of a call after two to warm up, or why there is none."""
    if isinstance(call, str):
        return call
    try:
        call(given)
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
    makes = [("imagecorruptions", True, peers.imagecorruptions(SEVERITY), set[str]())]
    for flag in (True, False):
        made = peers.albumentations(len(colour[flag]), flag)
        makes.append((f"albumentations, {'coloured' if flag else 'grey'}", flag, made, peers.SAME_KERNEL))
    for peer, flag, made, same_kernel in makes:
        found[peer] = made and _against(*made, colour[flag], budget, same_kernel)
    return {peer: rows or {"absent": peers.INSTALL[peer.split(",")[0]]} for peer, rows in found.items()}


def _against(
    calls: dict[str, peers.Call | str], same: dict[str, str], pixels: Any, budget: float, kernel: set[str]
) -> dict[str, Any]:
    """Rates of a peer's calls and of our counterparts on one picture, each pair side by side in time."""
    shifts = available("shift")
    rates: dict[str, float | str] = {}
    like: dict[str, float | str] = {}
    for name, call in calls.items():
        rates[name] = per_second(call, pixels, budget)
        if name in same:
            like[name] = _on(shifts[same[name]], pixels, budget)
    return _rows(rates, like, same, kernel)


def _on(shift: Shift, pixels: Any, budget: float) -> float | str:
    return per_second(lambda given: shift.apply(given, SEVERITY, keyed_rng(0)), pixels, budget)


def _is_coloured(name: str) -> bool:
    return available("shift")[name].modalities[0] in COLOURED


def _rows(
    rates: dict[str, float | str],
    own: dict[str, float | str],
    same: dict[str, str] | None = None,
    kernel: set[str] | None = None,
) -> dict[str, Any]:
    rows: dict[str, Any] = {}
    for name, rate in rates.items():
        rows[name] = {"peer": rate, "ours": own.get(name), "shift": (same or {}).get(name, name)}
        if isinstance(rate, float) and isinstance(own.get(name), float):
            rows[name]["ratio"] = round(float(own[name]) / rate, 2)
    return {"rows": rows, **_summary(rows, kernel or set())}


def _summary(rows: dict[str, Any], kernel: set[str]) -> dict[str, Any]:
    pairs = {name: row for name, row in rows.items() if "ratio" in row}
    not_run = {name: row["peer"] for name, row in rows.items() if isinstance(row["peer"], str)}
    if not pairs:
        return {"pairs": 0, "not_run": not_run}
    rest = [row for name, row in pairs.items() if name not in kernel]
    return {
        **_medians(list(pairs.values())),
        "same_kernel": sorted(kernel & set(pairs)),
        "without_same_kernel": _medians(rest),
        "slower_than_peer": sorted(name for name, row in pairs.items() if row["ratio"] < 1),
        "not_run": not_run,
    }


def _medians(pairs: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians of both sides, of the ratios, and the ratio of the medians."""
    peer, own = (statistics.median(row[side] for row in pairs) for side in ("peer", "ours"))
    ratios = [row["ratio"] for row in pairs]
    return {
        "pairs": len(pairs),
        "median_peer": peer,
        "median_ours": own,
        "ratio_of_medians": round(own / peer, 2),
        "median_ratio": round(statistics.median(ratios), 2),
        "least_ratio": min(ratios),
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
