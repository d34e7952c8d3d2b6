"""From parsed rows to a case set: one place decides what a bad row does, and when pixels are touched."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from medaudit.case import Case, CaseSet, SkippedLine, image_group
from medaudit.errors import DataError
from medaudit.readers.options import ReadOptions


class OpenedCaseSet(CaseSet):
    """A case set whose images have been decoded and digested."""


@dataclass
class Drafts:
    """Cases whose images have not been opened yet, each with the place that it came from."""

    options: ReadOptions
    cases: dict[str, Case] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    skipped: list[SkippedLine] = field(default_factory=list)

    def add(self, where: str, case: Case) -> None:
        """Take one case; an id seen before is refused."""
        if case.id in self.cases:
            self.refuse(where, f"id {case.id!r} was given before, at {self.places[case.id]}; ids are unique.")
            return
        self.cases[case.id] = case
        self.places[case.id] = where

    def refuse(self, where: str, why: str) -> None:
        """Stop the reading at a bad row, or list it where the user asked for that."""
        if not self.options.skip_bad:
            raise DataError(f"{where}: {why}")
        self.leave_out(where, why)

    def leave_out(self, where: str, why: str) -> None:
        """List something that is not bad, but no case either."""
        self.skipped.append(SkippedLine(where, why))

    def case_set(self, name: str, reader: str, public: bool) -> OpenedCaseSet:
        """Draw the cases to keep, then open and digest their images; only those are ever decoded."""
        self._not_empty(name)
        # The limit comes before the pixels: 300 of 100,000 cases open 300 images.
        drawn = CaseSet(name, reader, tuple(self.cases.values()), public)
        drawn = drawn.limited(self.options.limit, self.options.seed)
        opened = [self._open(case) for case in drawn.cases]
        cases = tuple(case for case in opened if case is not None)
        if not cases:
            self.cases.clear()
            self._not_empty(name)
        return OpenedCaseSet(name, reader, cases, public, tuple(self.skipped))

    def _open(self, case: Case) -> Case | None:
        try:
            return opened(case)
        except DataError as error:
            self.refuse(self.places[case.id], f"case {case.id!r}: {error}")
            return None

    def _not_empty(self, name: str) -> None:
        if self.cases:
            return
        first = self.skipped[0] if self.skipped else None
        hint = f" {len(self.skipped)} left out, the first at {first.where}: {first.why}" if first else ""
        raise DataError(f"{name}: no cases were found.{hint}")


def opened(case: Case) -> Case:
    """Decode and digest every image once, check boxes against the picture, fill in the default group."""
    for image in case.images:
        _ = image.digest
    if case.regions:
        height, width = case.images[0].size
        for number, region in enumerate(case.regions, start=1):
            if region.box[2] > width or region.box[3] > height:
                raise DataError(
                    f"region {number}: box {list(region.box)} leaves the first image, "
                    f"which is {width} wide and {height} high."
                )
    return case if case.group else replace(case, group=image_group(case.images))
