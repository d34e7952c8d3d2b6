"""Mining on trained phantoms: is the planted attribute what is mined, and does the clean phantom stay clean?

    OMP_NUM_THREADS=1 python benchmarks/confusion.py [--seeds N] [--cases N] [--likeness NAME] [--json FILE]

Each seed draws other patients. ``precision`` is the share of the mined pairs that differ in the planted
attribute, ``confused`` the share of them with two equal answers; ``excess`` is ``confused`` less that share
of the matched controls. ``unseen`` are the largest ratios of planted and of other questions
(``medaudit.mining.unseen``). By ``question``, pairs are sought by the state from which the measured answer
is read, so that mined pairs are confused by construction: what counts is which attribute they are about,
and that the clean phantom has none. By ``behaviour`` no question is both searched by and measured.

Quantiles follow from the size of the pool, not from results. At 3,000 cases a question is asked about some
170 pictures a view, 14,000 pairs, of which 0.95 leaves 700; behaviour compares 500 pictures a view, 120,000
pairs, of which 0.99 leaves 1,200.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from medaudit.engine import Engine
from medaudit.models import load_model
from medaudit.phantoms.cases import case_set
from medaudit.registry import available
from medaudit.store import Store
from medaudit.testing import context_for

RESULTS = Path(__file__).parent / "results" / "confusion.json"
PLANTED = {"confused-side": "side", "confused-size": "small or large", "clean": None}
QUANTILES = {"question": 0.95, "behaviour": 0.99}
FIRST_SEED = 101
HEAD = (
    f"{'phantom':<14}{'likeness':<10}{'seed':>5}{'pairs':>6}{'precision':>10}{'confused':>9}{'excess':>7} "
    f"{'interval':<15}{'unseen':>7}{'others':>7}{'cpu':>7}    top"
)


def measured(phantom: str, likeness: str, seed: int, cases: int, store: Store) -> dict[str, Any]:
    """One mined run of the probe, in mode text."""
    began = time.process_time()
    model = load_model(f"phantom:{phantom}")
    context = context_for(
        case_set("chest", cases, seed), model, ask=Engine(model, store, batch_size=64).ask, seed=seed
    )
    run = available("probe")["confusion"].run
    found = list(run(context, modes=("text",), mine=likeness, quantile=QUANTILES[likeness]))
    row = {"phantom": phantom, "likeness": likeness, "seed": seed, "cases": cases}
    return row | _numbers(found, PLANTED[phantom]) | {"cpu_s": round(time.process_time() - began, 1)}


def _numbers(found: list[Any], planted: str | None) -> dict[str, Any]:
    mined = next(f for f in found if f.metric == "mined_pairs")
    rows = mined.data["attributes"]
    own = [row["mined"] for row in rows if planted and planted in row["attribute"]]
    top = max(rows, key=lambda row: row["mined"], default=None)
    whole = {f.metric: f for f in found if dict(f.slice) == {"mode": "text"}}
    excess = whole.get("confusion_excess")
    confusion = whole.get("confusion")
    n = int(mined.estimate)
    ratios = {row["attribute"]: row["unseen"]["ratio"] for row in rows if row["unseen"]}
    known = {name: ratio for name, ratio in ratios.items() if ratio is not None}
    return {
        "pairs": n,
        "top": top["attribute"] if top and n else None,
        "precision": round(sum(own) / n, 3) if n and planted else None,
        "confused": confusion and confusion.estimate,
        "excess": excess and excess.estimate,
        "interval": excess and excess.interval,
        "unseen_planted": max((r for a, r in known.items() if planted and planted in a), default=None),
        "unseen_others": max((r for a, r in known.items() if not planted or planted not in a), default=None),
    }


def line(row: dict[str, Any]) -> str:
    """One run as a line of the table."""

    def shown(value: float | None) -> str:
        return "-" if value is None else f"{value:.2f}"

    ends = "[{:.2f}, {:.2f}]".format(*row["interval"]) if row["interval"] else "-"
    cells = [
        f"{row['phantom']:<14}{row['likeness']:<10}{row['seed']:>5}{row['pairs']:>6}",
        f"{shown(row['precision']):>10}{shown(row['confused']):>9}{shown(row['excess']):>7} {ends:<15}",
        f"{shown(row['unseen_planted']):>7}{shown(row['unseen_others']):>7}{row['cpu_s']:>7.0f} s",
        f"  {row['top'] or ''}",
    ]
    return "".join(cells)


def main() -> None:
    """Print a line per run, and write them down."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--cases", type=int, default=3000)
    parser.add_argument("--likeness", action="append", choices=list(QUANTILES))
    parser.add_argument("--json", type=Path, default=RESULTS)
    given = parser.parse_args()
    print(HEAD)
    rows: list[dict[str, Any]] = []
    for likeness in given.likeness or list(QUANTILES):
        for seed in range(FIRST_SEED, FIRST_SEED + given.seeds):
            for phantom in PLANTED:
                with Store(":memory:") as store:
                    rows.append(measured(phantom, likeness, seed, given.cases, store))
                print(line(rows[-1]), flush=True)
                given.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
