"""Work in several processes: the same results as in one, and no worker outlives its parent."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from medaudit.calibration import workers
from medaudit.calibration.sweep import Tier, calibrate
from medaudit.calibration.workers import spread

PARENT = """
import os, sys, time
from pathlib import Path
from medaudit.calibration.workers import spread

def sleep(folder):
    Path(folder, str(os.getpid())).touch()
    time.sleep(600)

if __name__ == "__main__":
    list(spread(sleep, [sys.argv[1]] * 2, 2))
"""


def kept(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def until(true: object, seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():  # type: ignore[operator]
            return True
        time.sleep(0.1)
    return False


@pytest.fixture
def parent(tmp_path: Path):
    """A process with two workers that sleep for ten minutes; all of them are gone at the end."""
    script, pids = tmp_path / "parent.py", tmp_path / "pids"
    script.write_text(PARENT)
    pids.mkdir()
    started = subprocess.Popen([sys.executable, str(script), str(pids)])
    try:
        assert until(lambda: len(list(pids.iterdir())) == 2)
        found = psutil.Process(started.pid), [psutil.Process(int(path.name)) for path in pids.iterdir()]
        yield found
    finally:
        for path in pids.iterdir():
            if psutil.pid_exists(int(path.name)):
                psutil.Process(int(path.name)).kill()
        started.kill()
        started.wait()


def test_workers_of_a_killed_parent_end_in_the_midst_of_their_work(parent) -> None:
    process, sleepers = parent
    assert all(map(kept, sleepers))

    process.kill()

    assert until(lambda: not any(map(kept, sleepers)), 20)


def test_workers_of_a_living_parent_go_on(parent) -> None:
    # The negative control: watching the parent ends nothing by itself.
    time.sleep(2)
    assert all(map(kept, parent[1]))


def test_results_come_in_order_and_are_those_of_one_process() -> None:
    items = [9.0, 4.0, 16.0, 1.0]
    assert list(spread(math.sqrt, items, 2)) == list(spread(math.sqrt, items, 1)) == [3.0, 2.0, 4.0, 1.0]


def test_one_job_stays_here_and_two_do_not(tmp_path: Path) -> None:
    assert list(spread(eval, ["__import__('os').getpid()"], 1)) == [os.getpid()]
    assert os.getpid() not in list(spread(eval, ["__import__('os').getpid()"] * 2, 2))


def test_what_a_worker_raises_comes_back() -> None:
    with pytest.raises(ValueError, match="math domain"):
        list(spread(math.sqrt, [1.0, -1.0], 2))


def test_a_process_that_nobody_started_watches_nothing() -> None:
    assert workers._outlive() is None


def test_two_jobs_make_the_record_that_one_makes(tmp_path: Path) -> None:
    tiny = Tier("tiny", 1, 1, 20, (), (20,), 1)
    told: dict[int, list[str]] = {1: [], 2: []}

    one, two = (
        calibrate(
            tier=tiny,
            probes=["baselines"],
            phantoms=["shortcut-marker"],
            out=tmp_path / str(jobs),
            jobs=jobs,
            tell=told[jobs].append,
        )
        for jobs in (1, 2)
    )

    assert two.document == one.document
    assert told[2] == told[1]
    assert told[1] == ["clean: 1 audits", "shortcut-marker: 1 audits"]
