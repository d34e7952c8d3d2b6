"""Work spread over processes that end when the one that started them does."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Exit code of a worker whose parent is gone; nobody is left to read it.
ORPHANED = 1


def spread(function: Callable[[Item], Result], items: Sequence[Item], jobs: int) -> Iterator[Result]:
    """``function(item)`` for each item, in order: here for one job, else in ``jobs`` new processes.

    Function, items and results are pickled. A parent that is killed outright shuts no pool down; its
    workers see it go and end at once, in the midst of whatever they do.
    """
    if jobs == 1:
        yield from map(function, items)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=end_with_parent) as pool:
        yield from pool.map(function, items)


def end_with_parent() -> None:
    """From now on this worker dies with its parent."""
    threading.Thread(target=_outlive, name="watches the parent", daemon=True).start()


def _outlive() -> None:
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    parent.join()
    # Not sys.exit: that would end this thread alone. Batches are transactions, so nothing is left half done.
    os._exit(ORPHANED)
