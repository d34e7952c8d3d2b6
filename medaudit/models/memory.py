"""One name for the ways in which torch says that a batch did not fit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from medaudit.model import OutOfMemory

_PHRASES = ("out of memory", "can't allocate memory", "not enough memory")


@contextmanager
def memory_guard() -> Iterator[None]:
    """Raise :class:`~medaudit.model.OutOfMemory` for any allocation failure inside."""
    import torch

    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not isinstance(error, MemoryError) and not any(p in str(error).lower() for p in _PHRASES):
            raise
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        raise OutOfMemory(type(error).__name__) from error
