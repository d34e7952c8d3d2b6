"""Progress on the terminal: rate and time left on standard error, nothing when quiet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medaudit.terminal import printable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Quiet:
    """Says nothing."""

    def probe(self, name: str) -> None: ...
    def note(self, text: str) -> None: ...
    def begin(self, total: int) -> None: ...
    def advance(self, done: int) -> None: ...
    def shrink(self, size: int) -> None: ...
    def end(self) -> None: ...


class RichProgress(Quiet):
    """A bar for each question that the probes hand over."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True, highlight=False)
        self._name = ""
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def probe(self, name: str) -> None:
        self._name = name

    def note(self, text: str) -> None:
        self._console.print(printable(text[:300]), markup=False)

    def begin(self, total: int) -> None:
        if total == 0 or not self._console.is_terminal:
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description:<12}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
        )
        self._bar = Progress(*columns, console=self._console, transient=True)
        self._bar.start()
        self._task = self._bar.add_task(self._name, total=total, rate="")

    def advance(self, done: int) -> None:
        if self._bar is not None and self._task is not None:
            speed = self._bar.tasks[0].speed
            self._bar.update(self._task, advance=done, rate=f"{speed:,.0f}/s" if speed else "")

    def shrink(self, size: int) -> None:
        self._console.print(f"out of memory: batch size is now {size}")

    def end(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = self._task = None
