"""What the spine costs: `scan` over a bare `generate` loop, memory at 300 and 3,000 cases, `--help`.

    python benchmarks/spine.py [--json FILE]

Prints ratios measured in one run, with versions. The scan runs the probe `baselines` on 500 cases: asking,
storing, judging, intervals. The bare loop prepares and answers the very batches that the scan formed, one
after the other, so the ratio is what medaudit adds, less what preparing ahead saves.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

from medaudit.model import Answer, Model, Request
from medaudit.models import load_model
from medaudit.readers import ReadOptions, load_cases
from medaudit.scanning import scan

REPEATS = 5

MEMORY = """
import resource, sys, medaudit
medaudit.scan("phantom:clean", limit=int(sys.argv[1]), probes=["baselines"], out=sys.argv[2])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def seconds(job: Callable[[], Any]) -> float:
    began = time.perf_counter()
    job()
    return time.perf_counter() - began


class Recorder:
    """A model that keeps the batches it was given."""

    def __init__(self, model: Model) -> None:
        self.model, self.info, self.cost = model, model.info, model.cost
        self.batches: list[list[Request]] = []

    def prepare(self, requests: Sequence[Request]) -> Any:
        self.batches.append(list(requests))
        return self.model.prepare(requests)

    def answer(self, prepared: Any) -> list[Answer]:
        return self.model.answer(prepared)


def overhead() -> dict[str, float]:
    """Median time of a whole scan over that of a bare loop on the very batches it formed, alternating."""
    model = load_model("phantom:clean")
    cases = load_cases("phantom:chest", ReadOptions(limit=500))
    recorder = Recorder(model)
    scan(recorder, cases, probes=["baselines"])

    def bare() -> None:
        for batch in recorder.batches:
            model.answer(model.prepare(batch))

    def whole() -> None:
        scan(model, cases, probes=["baselines"])

    pairs = [(seconds(bare), seconds(whole)) for _ in range(REPEATS)]
    plain, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
    requests = sum(map(len, recorder.batches))
    return {
        "requests": requests,
        "bare_s": round(plain, 3),
        "scan_s": round(ours, 3),
        "ratio": round(ours / plain, 3),
    }


def memory(cases: int, folder: str) -> int:
    """Peak resident memory of a scan, MiB, in a process of its own."""
    command = [sys.executable, "-c", MEMORY, str(cases), f"{folder}/{cases}"]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


def help_time() -> float:
    """Median time of `medaudit --help`, a fresh process each."""
    command = [sys.executable, "-m", "medaudit", "--help"]
    return round(
        statistics.median(
            seconds(lambda: subprocess.run(command, capture_output=True, check=True)) for _ in range(REPEATS)
        ),
        3,
    )


def main() -> None:
    import tempfile

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", help="also write the numbers to this file")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        small, large = memory(300, folder), memory(3000, folder)
    result = {
        "overhead": overhead(),
        "peak_mib": {"300": small, "3000": large, "ratio": round(large / small, 3)},
        "help_s": help_time(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("medaudit", "torch", "transformers")},
    }
    text = json.dumps(result, indent=1)
    print(text)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            file.write(text + "\n")


if __name__ == "__main__":
    main()
