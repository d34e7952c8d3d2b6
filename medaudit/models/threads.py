"""Keep OpenMP's threads from spinning while they wait.

OpenMP's workers spin for work by default and hold their cores while they do, which the thread that
prepares the next batch needs. On two virtual cores, batches of 32 of a small model took 40 to 57 ms a
request with spinning workers and about 2.5 ms with sleeping ones; the effect depends on the machine.
"""

from __future__ import annotations

import os
import sys


def wait_passively() -> None:
    """Ask OpenMP to sleep while it waits; the user's own setting wins, and so does a torch already loaded."""
    if "torch" not in sys.modules:
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
