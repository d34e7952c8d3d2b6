"""What a user can say about the data besides where it is."""

from __future__ import annotations

from dataclasses import dataclass

from medaudit.errors import DataError


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read cases; a reader leaves alone what does not concern it.

    ``skip_bad`` counts and lists unreadable cases instead of stopping. ``limit`` and ``seed`` draw cases
    before any pixel is touched. ``public`` overrides what the data says about itself. ``question`` is a
    template with ``{label}``; ``label`` names the columns (reader ``labels``) or header attributes (reader
    ``dicom``) to ask about; ``table`` and ``group`` name the table and its group column. ``frames`` are
    frame numbers from 1 of multi-frame objects, the middle one if empty.
    """

    skip_bad: bool = False
    limit: int | None = None
    seed: int = 0
    public: bool | None = None
    question: str | None = None
    label: tuple[str, ...] = ()
    table: str | None = None
    group: str | None = None
    frames: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise DataError(f"--limit {self.limit}: give a number of cases from 1.")
        if any(frame < 1 for frame in self.frames):
            raise DataError(f"frames {list(self.frames)}: frames are numbered from 1.")
