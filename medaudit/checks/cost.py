"""What an answer costs in time and memory."""

from __future__ import annotations

import sys
import time
from typing import Any

from medaudit.checks.bench import Bench, Outcome

ROUNDS = 3


def speed(bench: Bench) -> Outcome:
    """Requests a second in small batches, preparing included."""
    requests = bench.plain
    start = time.perf_counter()
    for _ in range(ROUNDS):
        bench.ask(requests)
    rate = ROUNDS * len(requests) / (time.perf_counter() - start)
    return "note", f"{rate:.1f} requests/s, mean of {ROUNDS} batches of {len(requests)}"


def memory(bench: Bench) -> Outcome:
    """Highest memory so far: of the GPU where torch used one, else of this process."""
    torch: Any = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.max_memory_allocated():
        return "note", f"peak {torch.cuda.max_memory_allocated() / 2**20:,.0f} MB on the GPU"
    try:
        import resource
    except ImportError:  # not on Windows
        return "not_applicable", "this system does not tell"
    unit = 2**20 if sys.platform == "darwin" else 2**10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    return "note", f"peak {peak:,.0f} MB of this process, everything included"
