"""The audit folder: which audit it belongs to, who is writing, and the log of events."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from medaudit.errors import DataError, UsageError
from medaudit.store import Store

STORE = "answers.sqlite"
EVENTS = "run.jsonl"
OURS = (
    STORE,
    f"{STORE}-wal",
    f"{STORE}-shm",
    EVENTS,
    "audit.json",
    "evidence.json",
    "report.html",
    "junit.xml",
    "findings.sarif",
)


@contextlib.contextmanager
def open_folder(
    folder: Path, identity: str, fresh: bool = False, *, option: str = "--out"
) -> Iterator[Store]:
    """Open an audit folder for writing: locked, checked to belong to this audit, with its store.

    ``option`` is where the user named the folder, as messages say it.
    """
    again = ", or start over here with --fresh" if option == "--out" else ""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise UsageError(
            f"{option} {folder}: cannot be written ({error.strerror}). Choose another."
        ) from error
    with lock:
        _lock(lock, folder, option)
        for name in OURS:
            if (folder / name).is_dir():
                raise UsageError(
                    f"{option} {folder}: {name} is a folder there. Move it, or choose another {option}."
                )
            if fresh:
                (folder / name).unlink(missing_ok=True)
        with Store(folder / STORE) as store:
            known = store.fact("identity")
            if known not in (None, identity):
                raise UsageError(
                    f"{option} {folder}: holds the audit of another model, data set, --limit or seed. Choose "
                    f"another {option}{again}."
                )
            if known is None and (folder / "audit.json").exists():
                raise UsageError(
                    f"{option} {folder}: holds an audit whose answers are not there. "
                    f"Choose another {option}{again}."
                )
            store.remember("identity", identity)
            yield store


def _lock(lock: IO[str], folder: Path, option: str) -> None:
    if sys.platform == "win32":  # no advisory locks there; SQLite still keeps one writer at a time
        return
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise UsageError(f"{option} {folder}: another scan is writing here. Choose another.") from error


class Events:
    """Append-only log of a run, one JSON object a line. Holds counts and names, never answers."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / EVENTS

    def write(self, event: str, **facts: Any) -> None:
        line = json.dumps({"time": round(time.time(), 3), "event": event, **facts}, ensure_ascii=False)
        try:
            with self.path.open("a", encoding="utf-8") as log:
                log.write(line + "\n")
        except OSError as error:
            raise DataError(f"{self.path}: cannot be written ({error.strerror}).") from error
