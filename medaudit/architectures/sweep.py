"""Build, load and check every architecture, each in a process of its own with a time limit."""

from __future__ import annotations

import multiprocessing
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from medaudit.architectures.kinds import Kind, select

#: Seconds for one type: build, load, all checks.
LIMIT = 240.0
COLUMNS = ("generate", "choose", "embed", "attend", "gradients", "intervene", "geometry", "batch", "tune")

Row = dict[str, Any]


def check_architectures(
    names: Sequence[str] = (), *, workers: int = 2, tell: Callable[[Row], None] | None = None
) -> list[Row]:
    """Rows ``{"type", "class", capability: verdict, ..., "notes", "seconds"}`` in the order of the types.

    A verdict is ``works``, ``not_applicable: why`` or ``fails: why``. One crash, hang or memory blow-up
    costs one row. ``names`` are model types, all of them by default; ``tell`` is called with each row as it
    comes. Raises :class:`~medaudit.errors.UsageError` for a type that transformers does not name.
    """
    chosen = select(list(names))
    rows = []
    for row in _rows(chosen, _server(), workers):
        if tell is not None:
            tell(row)
        rows.append(row)
    return rows


def _server() -> Any:
    """A server that forks children from one import of the libraries; Ctrl-C is for the parent alone."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["medaudit.architectures.preload"])
    if threading.current_thread() is not threading.main_thread():
        return context
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # handed down to the server and its children
    try:
        forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, before)
    return context


def _rows(chosen: Sequence[Kind], context: Any, workers: int) -> Iterator[Row]:
    pool = ThreadPoolExecutor(max_workers=workers)
    try:
        yield from pool.map(lambda kind: _apart(kind, context), chosen)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in multiprocessing.active_children():
            child.kill()
        pool.shutdown(wait=True)


def _apart(kind: Kind, context: Any) -> Row:
    """The row of one type, from a child process."""
    ours, theirs = context.Pipe(duplex=False)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="medaudit-") as folder:
        child = context.Process(target=_child, args=(kind, folder, theirs), daemon=True)
        child.start()
        theirs.close()
        try:
            row: Row = ours.recv() if ours.poll(LIMIT) else _lost(kind, f"no answer within {LIMIT:g} s")
        except EOFError:
            row = _lost(kind, "the process died")
        child.join(timeout=10)
        child.kill()
        child.join()
    return {**row, "seconds": round(time.perf_counter() - began, 1)}


def _lost(kind: Kind, why: str) -> Row:
    verdicts = dict.fromkeys(COLUMNS, f"fails: {why}")
    return {"type": kind.type, "class": kind.class_name, **verdicts, "notes": []}


def _child(kind: Kind, folder: str, results: Connection) -> None:
    import warnings

    import torch

    from medaudit.architectures.conformance import conform
    from medaudit.models.vision_ops import huggingface

    torch.set_num_threads(1)
    # A tiny model makes libraries remark on what a real one would not.
    warnings.simplefilter("ignore")
    huggingface().utils.logging.set_verbosity_error()
    results.send(conform(kind, Path(folder)))
    results.close()
