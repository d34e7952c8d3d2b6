"""A scan that is killed goes on where it stopped, and ends as if nothing had happened."""

from __future__ import annotations

import collections
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

BATCH = 32


def words(models: Path, data: Path, out: Path) -> list[str]:
    scan = [sys.executable, "-m", "medaudit", "scan", f"python:{models}:reader", "--data", str(data)]
    return [*scan, "--probe", "baselines", "--out", str(out), "--quiet", "--batch-size", str(BATCH)]


def calls(log: Path) -> collections.Counter[str]:
    return collections.Counter(log.read_text().splitlines()) if log.exists() else collections.Counter()


def settled(out: Path) -> dict:
    document = json.loads((out / "audit.json").read_text())
    for name in ("started", "duration_s", "command"):
        del document["run"][name]
    return document


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_scan_repeats_at_most_one_batch(make_data, models: Path, tmp_path: Path, stop) -> None:
    data, log, out = make_data(500), tmp_path / "calls", tmp_path / "a"
    environment = {**os.environ, "MODEL_LOG": str(log), "PYTHONHASHSEED": "0"}
    slow = {**environment, "MODEL_PAUSE": "0.002"}
    process = subprocess.Popen(
        words(models, data, out),
        env=slow,
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
        # A background job inherits an ignored Ctrl-C; a user's terminal does not ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.time() + 120
    while sum(calls(log).values()) < 700 and time.time() < deadline:
        time.sleep(0.02)
    process.send_signal(stop)
    code = process.wait(timeout=60)
    if stop == signal.SIGINT:
        assert code == 130
        assert json.loads((out / "audit.json").read_text())["status"] == "interrupted"

    first = sum(calls(log).values())
    subprocess.run(words(models, data, out), env=environment, cwd=tmp_path, check=True)
    subprocess.run(
        words(models, data, tmp_path / "whole"),
        env={**environment, "MODEL_LOG": str(tmp_path / "calls2")},
        cwd=tmp_path,
        check=True,
    )

    whole = calls(tmp_path / "calls2")
    repeated = calls(log) - whole
    assert 700 <= first < sum(whole.values())
    assert not whole - calls(log)
    assert sum(repeated.values()) <= BATCH
    assert settled(out) == settled(tmp_path / "whole")


@pytest.mark.slow
def test_a_killed_scan_of_a_network_ends_in_the_same_document(tmp_path: Path) -> None:
    plan = tmp_path / "p.toml"
    plan.write_text("[probe.robustness]\nshifts = ['jpeg', 'contrast']\nseverities = [3]\nnoise_cases = 20\n")
    command = [sys.executable, "-m", "medaudit", "scan", "phantom:clean", "--limit", "60", "--quiet"]
    command += ["--plan", str(plan), "--batch-size", "16", "--out"]
    out = tmp_path / "a"
    process = subprocess.Popen([*command, str(out)], cwd=tmp_path)
    deadline = time.time() + 120
    while stored(out) < 100 and time.time() < deadline:
        time.sleep(0.02)
    process.kill()
    process.wait(timeout=60)
    before = stored(out)

    subprocess.run([*command, str(out)], cwd=tmp_path, check=True)
    subprocess.run([*command, str(tmp_path / "whole")], cwd=tmp_path, check=True)

    assert 100 <= before < stored(out)
    assert settled(out) == settled(tmp_path / "whole")


def stored(out: Path) -> int:
    if not (out / "answers.sqlite").exists():
        return 0
    with contextlib.closing(sqlite3.connect(out / "answers.sqlite", timeout=10)) as store:
        try:
            return int(store.execute("SELECT COUNT(*) FROM answers").fetchone()[0])
        except sqlite3.OperationalError:  # not yet created
            return 0


def test_a_warm_scan_asks_nothing(make_data, models: Path, tmp_path: Path) -> None:
    data, log = make_data(60), tmp_path / "calls"
    environment = {**os.environ, "MODEL_LOG": str(log), "PYTHONHASHSEED": "0"}
    for _ in range(2):
        subprocess.run(words(models, data, tmp_path / "a"), env=environment, cwd=tmp_path, check=True)

    ends = [json.loads(line) for line in (tmp_path / "a" / "run.jsonl").read_text().splitlines()]
    assert [line["computed"] for line in ends if line["event"] == "complete"] == [len(calls(log)), 0]
