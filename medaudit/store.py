"""The store of answers: content-addressed, one writer, safe to kill.

SQLite in WAL mode; a batch is one transaction, so a process that dies loses at most the batch in flight.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from medaudit.errors import DataError
from medaudit.model import Answer

#: SQLite's default limit of bound variables is 999 on old builds.
LOOKUP_CHUNK = 900
TABLES = (
    "answers (key TEXT PRIMARY KEY, answer TEXT NOT NULL)",
    "facts (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
)


class Store:
    """Answers by key. Errors are never stored: a request that failed is asked again next time."""

    def __init__(self, path: Path | str) -> None:
        self.path = str(path)
        try:
            self._db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            for table in TABLES:
                self._db.execute(f"CREATE TABLE IF NOT EXISTS {table}")
        except sqlite3.DatabaseError as error:
            raise self._broken(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._db.close()

    def lookup(self, keys: Iterable[str]) -> dict[str, Answer]:
        """The answers that are there, by key; absent keys are absent."""
        wanted = list(keys)
        found: dict[str, Answer] = {}
        try:
            for start in range(0, len(wanted), LOOKUP_CHUNK):
                chunk = wanted[start : start + LOOKUP_CHUNK]
                marks = ",".join("?" * len(chunk))
                rows = self._db.execute(f"SELECT key, answer FROM answers WHERE key IN ({marks})", chunk)
                found.update((key, Answer.from_json(text)) for key, text in rows)
        except (sqlite3.DatabaseError, ValueError, TypeError) as error:
            raise self._broken(error) from error
        return found

    def write(self, answers: Mapping[str, Answer]) -> None:
        """Write one batch in one transaction."""
        rows = [(key, answer.to_json()) for key, answer in answers.items() if answer.error is None]
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?)", rows)
            self._db.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            raise self._broken(error) from error
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    def __len__(self) -> int:
        return int(self._db.execute("SELECT COUNT(*) FROM answers").fetchone()[0])

    def fact(self, name: str) -> str | None:
        """A remembered fact about the folder (which audit it belongs to)."""
        try:
            row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        except sqlite3.DatabaseError as error:
            raise self._broken(error) from error
        return None if row is None else str(row[0])

    def remember(self, name: str, value: str) -> None:
        """Set a fact."""
        try:
            self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))
        except sqlite3.DatabaseError as error:
            raise self._broken(error) from error

    def _broken(self, error: Exception) -> DataError:
        return DataError(
            f"{self.path}: the store of answers cannot be used ({error}). If the disk is full, free room and "
            "run again; if the file is damaged, run again with --fresh."
        )
