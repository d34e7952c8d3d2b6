"""Calibrate every probe on the phantoms, and write the record that scans attach, and docs/calibration.md.

Hours on one core; it goes on where it was stopped:  python benchmarks/calibration.py [--jobs N] [--out DIR]
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

# One core a process: the work is dealt to processes.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from medaudit.calibration import FULL, calibrate
from medaudit.calibration.page import page

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=ROOT / "calibration")
    given = parser.parse_args()
    began = time.monotonic()
    record = calibrate(tier=FULL, out=given.out, jobs=given.jobs, tell=lambda line: print(line, flush=True))
    record.save(ROOT / "medaudit" / "calibration" / "record.json")
    (ROOT / "docs" / "calibration.md").write_text(page(record))
    audit = record.document["clean"]["audit"]
    print(json.dumps({"minutes": round((time.monotonic() - began) / 60, 1), "false_alarms": audit}))


if __name__ == "__main__":
    main()
