"""Cases: one question about one or more images, and everything that judging it needs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from medaudit.errors import DataError

if TYPE_CHECKING:
    from medaudit.image import Image

MetaValue: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Region:
    """A labelled box in pixels of the first image: x0, y0, x1, y1, half-open."""

    label: str
    box: tuple[int, int, int, int]

    def __post_init__(self) -> None:
        x0, y0, x1, y1 = self.box
        if not (0 <= x0 < x1 and 0 <= y0 < y1):
            raise DataError(f"a region's box {list(self.box)} is not x0 < x1, y0 < y1, from 0.")


@dataclass(frozen=True, slots=True)
class Case:
    """One question about one or more images.

    ``options`` is empty for open questions. ``group`` is what intervals cluster by (patient, or image
    where no patient is known). ``meta`` holds columns for real-world splits; identity never goes there.
    """

    id: str
    images: tuple[Image, ...]
    question: str
    answer: str
    options: tuple[str, ...] = ()
    group: str = ""
    meta: Mapping[str, MetaValue] = field(default_factory=dict)
    regions: tuple[Region, ...] = ()
    pair: str | None = None
    split: str | None = None

    def __post_init__(self) -> None:
        if not self.id:
            raise DataError("a case without an id: give every case a unique 'id'.")
        if not self.question.strip():
            raise DataError(f"case {self.id!r}: the question is empty.")
        self._check_options([option.strip().casefold() for option in self.options])

    def _check_options(self, folded: list[str]) -> None:
        # Messages reach audit.json: they say where to look, never what a report says about a patient.
        if len(set(folded)) != len(folded):
            first, second = _repeated(folded)
            raise DataError(
                f"case {self.id!r}: 'options' hold a duplicate, numbers {first} and {second}; capitals and "
                "blanks around do not count. Write each option once."
            )
        if len(folded) == 1:
            raise DataError(f"case {self.id!r}: one option is no choice; give two or more, or none.")
        if folded and self.answer.strip().casefold() not in folded:
            raise DataError(
                f"case {self.id!r}: the answer is not among the options. Write 'answer' as one of 'options', "
                "or leave 'options' out where the question is open."
            )

    @property
    def closed(self) -> bool:
        """Whether the answer is one of given options."""
        return bool(self.options)


@dataclass(frozen=True, slots=True)
class SkippedLine:
    """A line that ``--skip-bad`` left out, and why."""

    where: str
    why: str


@dataclass(frozen=True)
class CaseSet:
    """Cases from one reader, with unique ids and decodable images.

    ``public`` says that pictures and free text may be shown in a report. It is false unless the source
    declares it: silence means patients.
    """

    name: str
    reader: str
    cases: tuple[Case, ...]
    public: bool = False
    skipped: tuple[SkippedLine, ...] = ()

    def __post_init__(self) -> None:
        if not self.cases:
            raise DataError(f"{self.name}: no cases were found.")
        seen: set[str] = set()
        for case in self.cases:
            if case.id in seen:
                raise DataError(f"{self.name}: two cases share the id {case.id!r}; ids must be unique.")
            seen.add(case.id)

    def __len__(self) -> int:
        return len(self.cases)

    def limited(self, limit: int | None, seed: int) -> CaseSet:
        """Keep ``limit`` cases drawn by a hash of (seed, id): the same ones in any order of reading."""
        if limit is None or limit >= len(self.cases):
            return self
        if limit < 1:
            raise DataError(f"--limit {limit}: give a number of cases from 1.")

        def rank(case: Case) -> bytes:
            return hashlib.blake2b(f"{seed}|{case.id}".encode(), digest_size=8).digest()

        kept = {case.id for case in sorted(self.cases, key=rank)[:limit]}
        cases = tuple(case for case in self.cases if case.id in kept)
        return CaseSet(self.name, self.reader, cases, self.public, self.skipped)

    @property
    def groups(self) -> int:
        return len({case.group for case in self.cases})

    def digest(self) -> str:
        """sha256 over every field and pixel digest, in order of id."""
        hasher = hashlib.sha256()
        for case in sorted(self.cases, key=lambda case: case.id):
            images = [image.digest for image in case.images]
            meta = sorted(case.meta.items())
            regions = [(region.label, region.box) for region in case.regions]
            fields = (case.id, images, case.question, case.answer, case.options, case.group, meta, regions)
            hasher.update(repr(fields).encode())
        return hasher.hexdigest()


def _repeated(folded: Sequence[str]) -> tuple[int, int]:
    """Numbers, from 1, of the first two options that are one."""
    second = next(n for n, option in enumerate(folded) if option in folded[:n])
    return folded.index(folded[second]) + 1, second + 1


def image_group(images: Sequence[Image]) -> str:
    """Default group: questions about the same pictures are not independent."""
    return "image-" + hashlib.blake2b("".join(i.digest for i in images).encode(), digest_size=6).hexdigest()
