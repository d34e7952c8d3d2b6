"""Every image-capable architecture of the installed transformers, built tiny and checked.

    python benchmarks/conformance.py [TYPE ...] [--workers N]

Without types the whole table is measured and written: `medaudit/architectures/measured.json`, which comes
with the package and which `medaudit list architectures` shows, `benchmarks/results/architectures.json`, the
same for readers of benchmarks, and the page `docs/architectures.md`. With types, rows are printed only.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from medaudit.architectures.sweep import Row, check_architectures
from medaudit.architectures.table import document, markdown, summary, told

ROOT = Path(__file__).resolve().parents[1]
PLACES = ("medaudit/architectures/measured.json", "benchmarks/results/architectures.json")


def tell(row: Row) -> None:
    """One line a type: seconds, what does not work, and why."""
    print(f"{row['seconds']:>6.1f} s  {told(row)[:300]}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("types", nargs="*", metavar="TYPE")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    began = time.perf_counter()
    rows = check_architectures(arguments.types, workers=arguments.workers, tell=tell)
    print(f"{summary(rows)}; {time.perf_counter() - began:.0f} s")
    table = document(rows)
    if not arguments.types:
        text = json.dumps(table, indent=1, ensure_ascii=False) + "\n"
        for place in PLACES:
            (ROOT / place).write_text(text, encoding="utf-8")
        (ROOT / "docs" / "architectures.md").write_text(markdown(table), encoding="utf-8")


if __name__ == "__main__":
    main()
