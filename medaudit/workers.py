"""A few threads for work that lets go of the interpreter, as numpy, OpenCV and decoders do."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def spread(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int | None = None
) -> list[Result]:
    """``function`` of each item, in order, computed on ``workers`` threads; by default one a core.

    Items are drawn on the calling thread, two a worker ahead at most, so that what draws them need not
    know of threads and few are held at once. The error of the first item in order that has one is raised.
    With one worker no thread is started.
    """
    number = workers or cores()
    if number == 1:
        return [function(item) for item in items]
    done: list[Result] = []
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(number, thread_name_prefix="medaudit-worker") as pool:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) == 2 * number:
                done.append(waiting.popleft().result())
        done += [each.result() for each in waiting]
    return done
