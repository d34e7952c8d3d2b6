"""A whole scan of a local model makes no attempt to reach anything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

GUARD = """
import socket, sys
attempts = []

def refuse(*args, **kwargs):
    attempts.append(args)
    raise OSError("blocked")

socket.socket.connect = refuse
socket.socket.connect_ex = refuse
socket.getaddrinfo = refuse
socket.create_connection = refuse
if sys.argv[1] == "control":
    try:
        socket.create_connection(("localhost", 9))
    except OSError:
        pass
else:
    import medaudit
    audit = medaudit.scan("phantom:clean", limit=12, out=sys.argv[2])
    assert audit.status == "complete", audit.document["coverage"]
print(len(attempts))
"""


def attempts(*words: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", GUARD, *words], capture_output=True, text=True, cwd="/", timeout=300
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1])


def test_a_whole_scan_attempts_no_connection(tmp_path: Path) -> None:
    assert attempts("scan", str(tmp_path / "a")) == 0


def test_the_guard_sees_an_attempt() -> None:
    assert attempts("control") == 1
