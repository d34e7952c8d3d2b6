"""Keep OpenMP's threads from spinning while they wait.

The next batch is prepared on a thread of its own while torch computes. Where OpenMP's workers spin for work
meanwhile (their default), the two fight for cores: on two virtual cores a batch of a small model took
17 times as long (`benchmarks/spine.py`).
"""

from __future__ import annotations

import os
import sys


def wait_passively() -> None:
    """Ask OpenMP to sleep while it waits; the user's own setting wins, and so does a torch already loaded."""
    if "torch" not in sys.modules:
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
