"""Pictures a second of whole batches: one after another, on a thread a core, on a GPU where there is one.

    OMP_NUM_THREADS=1 python benchmarks/rendering.py [--json FILE]

Severity 3, grey pictures of uint8 (h, w, 3) in memory, all in one run. ``one_by_one`` calls ``pixels()`` of
each image; ``render`` is ``medaudit.rendering.render`` with a worker for each core, ``one_worker`` the same
with one. ``wall`` is pictures a second of the clock, ``processor`` those of a second of processor time, over
all threads. Each figure is the best of several rounds in which all ways take turns, as other work on the
machine can only slow one down; where it holds the cores (``load_at_start``), the clock says little about
threads. Ratios are over ``one_by_one``. The mix is every default shift that suits radiographs,
in turn. Before anything is timed the bytes of all ways are compared.

``cheap`` says why other shifts are not batched on tensors: a Gaussian blur of sd 2 of 32 pictures by OpenCV
picture by picture and by torch in one batch, on one thread each. ``sums`` is the same for the sums of a
back-projection, by numpy one by one and by torch eight at once.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from medaudit.image import ArrayImage, keyed_rng
from medaudit.registry import available
from medaudit.rendering import render
from medaudit.shifting import ShiftedImage, apply_shift
from medaudit.shifts.backprojection import added, added_on, packed
from medaudit.shifts.tomography import angles_of, bins_of
from medaudit.workers import cores

SIZES, BATCHES, SEVERITY, BUDGET_S = (224, 1024), (1, 8, 32), 3, 2.0
Seconds = tuple[float, float]
RESULTS = Path(__file__).parent / "results" / "rendering.json"


def pictures(side: int) -> list[ArrayImage]:
    """Smooth scenes with edges and grain."""
    y, x = np.mgrid[0:side, 0:side] / side
    made = []
    for number in range(max(BATCHES)):
        rng = keyed_rng("rendering", side, number)
        a, b, c = rng.uniform(3, 8, 3)
        disc = (x - 0.4) ** 2 + (y - 0.6) ** 2 < 0.01 * a
        scene = 90 + 60 * np.sin(a * x + b * y) * np.cos(c * y) + 50 * disc + rng.normal(0, 4, (side, side))
        made.append(ArrayImage(np.repeat(np.clip(scene, 0, 255).astype(np.uint8)[..., None], 3, axis=2)))
    return made


def shifted(name: str, sources: list[ArrayImage]) -> list[ShiftedImage]:
    """One image a source; their digests are known, as they are when an engine asks for pixels."""
    shifts = available("shift")
    kind = "xray" if name == "mix" else "ct"
    suiting = [s for s in shifts.values() if s.default and s.stage != "case" and s.suits("xray")]
    chosen = suiting if name == "mix" else [shifts[name]]
    images = [
        apply_shift(source, chosen[number % len(chosen)], SEVERITY, 0, f"c{number}", kind)
        for number, source in enumerate(sources)
    ]
    assert len({image.digest for image in images}) == len(images)
    return images


def ways() -> dict[str, Callable[[list[ShiftedImage]], Any]]:
    """How a batch can be computed here."""
    found: dict[str, Callable[[list[ShiftedImage]], Any]] = {
        "one_by_one": lambda images: [image.pixels() for image in images],
        "one_worker": lambda images: render(images, workers=1),
        "render": render,
    }
    if torch.cuda.is_available():
        found["render_on_gpu"] = lambda images: render(images, "cuda")
    return found


def best(calls: Mapping[str, Callable[[], Any]], budget: float) -> dict[str, Seconds]:
    """Least seconds of each call, made once before, by the clock and by the processor; they take turns."""
    took: dict[str, Seconds] = {}
    began = time.perf_counter()
    while not took or time.perf_counter() - began < budget:
        for name, call in calls.items():
            start, used = time.perf_counter(), time.process_time()
            call()
            wall, processor = took.get(name, (np.inf, np.inf))
            used = time.process_time() - used
            took[name] = min(time.perf_counter() - start, wall), min(used, processor)
    return took


def rated(name: str, images: list[ShiftedImage]) -> dict[str, Any]:
    """Pictures a second each way, and the ratio to one by one."""
    known = ways()
    wanted = [image.pixels().tobytes() for image in images]
    for way, call in known.items():
        assert [pixels.tobytes() for pixels in call(images)] == wanted, f"{name}: {way} gives other bytes"
    took = best({way: lambda call=call: call(images) for way, call in known.items()}, BUDGET_S)  # type: ignore[misc]
    return _told(took, len(images))


def _told(took: dict[str, Seconds], number: int) -> dict[str, Any]:
    """Rates each way, and ratios by the clock to the first."""
    rates = {way: {"wall": _rate(number, s[0]), "processor": _rate(number, s[1])} for way, s in took.items()}
    first, *others = rates
    ratios = {
        way: {clock: round(rates[way][clock] / rates[first][clock], 2) for clock in rates[way]}
        for way in others
    }
    return {"rates": rates, "ratios": ratios}


def _rate(number: int, seconds: float) -> float:
    return float(f"{number / seconds:.4g}")


def cheap(sources: list[ArrayImage]) -> dict[str, Any]:
    """A blur by OpenCV picture by picture, and by torch on the whole batch, one thread each."""
    batch = np.stack([source.array for source in sources])
    weights = cv2.getGaussianKernel(13, 2.0, cv2.CV_32F).ravel().tolist()

    def by_opencv() -> Any:
        return np.stack([cv2.GaussianBlur(each, (13, 13), 2.0) for each in batch])

    def by_torch() -> Any:
        height, width = batch.shape[1:3]
        planes = torch.from_numpy(batch).permute(0, 3, 1, 2).float()
        padded = torch.nn.functional.pad(planes, (6, 6, 6, 6), mode="reflect")
        # Shifted copies added up: quicker than a convolution in one channel.
        wide = _summed(padded, weights, width, dim=3)
        return _summed(wide, weights, height, dim=2).round_().to(torch.uint8).permute(0, 2, 3, 1).numpy()

    assert np.abs(by_opencv().astype(int) - by_torch()).max() <= 1
    return _compared("opencv", by_opencv, "torch_cpu", by_torch, len(sources))


def _summed(planes: torch.Tensor, weights: list[float], length: int, dim: int) -> torch.Tensor:
    total = planes.narrow(dim, 0, length) * weights[0]
    for place, weight in enumerate(weights[1:], start=1):
        total.add_(planes.narrow(dim, place, length), alpha=weight)
    return total


def sums() -> dict[str, Any]:
    """The sums of eight back-projections on 512 x 512, one thread each."""
    size = (512, 512)
    shape = (len(angles_of(size)), bins_of(size))
    held = [packed(keyed_rng("sums", k).standard_normal(shape, dtype=np.float32), size[0]) for k in range(8)]
    tables, plan = [each.table for each in held], held[0].plan
    return _compared(
        "numpy",
        lambda: [added(table, plan) for table in tables],
        "torch_cpu",
        lambda: added_on("cpu", tables, plan),
        len(tables),
    )


def _compared(
    first: str, one: Callable[[], Any], second: str, other: Callable[[], Any], number: int
) -> dict[str, Any]:
    threads, ours = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    one()
    other()
    took = best({first: one, second: other}, BUDGET_S)
    torch.set_num_threads(threads)
    cv2.setNumThreads(ours)
    return _told(took, number)


def main() -> None:
    """Print the tables and write them down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", type=Path, default=RESULTS)
    target, load = parser.parse_args().json, os.getloadavg()[0]
    result: dict[str, Any] = {
        "severity": SEVERITY,
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "cores": cores(),
            "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
            "opencv_threads": cv2.getNumThreads(),
            "load_at_start": round(load, 1),
        },
        "versions": {name: version(name) for name in ("numpy", "opencv-python-headless", "torch")},
    }
    for side in SIZES:
        sources = pictures(side)
        rows = result[str(side)] = {}
        for name in ("low_dose_ct", "metal_streaks", "mix"):
            images = shifted(name, sources)
            for batch in BATCHES:
                rows[f"{name} {batch}"] = rated(name, images[:batch])
                print(side, name, batch, rows[f"{name} {batch}"], flush=True)
        rows["cheap"] = cheap(sources)
        print(side, "cheap", rows["cheap"])
    result["sums"] = sums()
    print("sums", result["sums"])
    target.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
