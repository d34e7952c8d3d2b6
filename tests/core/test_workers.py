"""Work on a few threads: in order, few items at a time, the first error first."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from medaudit.workers import cores, spread


@pytest.mark.parametrize("workers", [None, 1, 2, 7])
def test_results_keep_the_order_of_the_items(workers: int | None) -> None:
    def slow_for_the_first(number: int) -> int:
        time.sleep(0.01 * (number == 0))
        return number * number

    assert spread(slow_for_the_first, range(20), workers) == [number * number for number in range(20)]
    assert spread(slow_for_the_first, [], workers) == []
    assert cores() >= 1


def test_items_are_drawn_on_the_calling_thread_and_not_far_ahead() -> None:
    drawn: list[int] = []
    done: list[int] = []
    here, ahead, threads = threading.get_ident(), [], set()

    def items() -> Iterator[int]:
        for number in range(30):
            assert threading.get_ident() == here
            drawn.append(number)
            ahead.append(len(drawn) - len(done))
            yield number

    def work(number: int) -> int:
        threads.add(threading.get_ident())
        time.sleep(0.001)
        done.append(number)
        return number

    spread(work, items(), 3)

    assert max(ahead) <= 2 * 3 + 3
    assert len(threads) > 1
    assert here not in threads


def test_one_worker_starts_no_thread() -> None:
    assert set(spread(lambda _: threading.get_ident(), range(5), 1)) == {threading.get_ident()}


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_the_first_error_in_order_is_raised(workers: int) -> None:
    def work(number: int) -> int:
        time.sleep(0.01 * (number == 3))  # the first bad one ends last
        if number >= 3:
            raise ValueError(f"bad {number}")
        return number

    with pytest.raises(ValueError, match="bad 3"):
        spread(work, range(8), workers)
    assert spread(work, range(3), workers) == [0, 1, 2]
