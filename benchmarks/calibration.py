"""Calibrate every probe on the phantoms, and write the records that scans attach, and docs/calibration.md.

Hours on one core; it goes on where it was stopped:

    python benchmarks/calibration.py [--jobs N] [--out DIR] [--probe NAME]

The probes of every audit are calibrated together, those that run by name each alone (--probe: one of them).
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

# One core a process: the work is dealt to processes.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from medaudit.calibration import BY_NAME, FULL, MINED, calibrate, load_records
from medaudit.calibration.page import page
from medaudit.registry import available

ROOT = Path(__file__).resolve().parents[1]
#: Tiers of probes that run by name, where not BY_NAME; and the flaws they are for, where all would cost days.
TIERS, PHANTOMS = {"confusion": MINED}, {"confusion": ("confused-side", "confused-size")}
RECORDS = ROOT / "medaudit" / "calibration"


def main() -> None:
    by_name = [name for name, probe in available("probe").items() if probe.alarms and not probe.default]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, default=ROOT / "calibration")
    parser.add_argument("--probe", choices=by_name)
    given = parser.parse_args()
    for name in [given.probe] if given.probe else ["", *by_name]:
        began = time.monotonic()
        record = calibrate(
            tier=TIERS.get(name, BY_NAME) if name else FULL,
            phantoms=PHANTOMS.get(name, ()),
            probes=[name] if name else (),
            out=given.out / name,
            jobs=given.jobs,
            tell=lambda line: print(line, flush=True),
        )
        record.save(RECORDS / (f"record-{name}.json" if name else "record.json"))
        audit = record.document["clean"]["audit"]
        minutes = round((time.monotonic() - began) / 60, 1)
        print(json.dumps({"probe": name or "all", "minutes": minutes, "false_alarms": audit}))
    (ROOT / "docs" / "calibration.md").write_text(page(load_records()))


if __name__ == "__main__":
    main()
