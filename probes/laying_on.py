"""Which shifts are laid on which cases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from medaudit.errors import UsageError
from medaudit.modality import modality_of
from medaudit.registry import matching
from medaudit.shifting import shifted_case

if TYPE_CHECKING:
    from medaudit.case import Case
    from medaudit.context import Context
    from medaudit.registry import Shift
    from medaudit.shifting import ShiftedCase


def chosen_shifts(ctx: Context, cases: Sequence[Case], named: Sequence[str]) -> list[Shift]:
    """Those named; without names the default ones that keep the right answer and suit some case.

    UsageError for a name that no shift has, or of one after which the right answer is unknown.
    """
    if not named:
        kinds = {modality_of(case) for case in cases}
        return [
            shift
            for _, shift in sorted(ctx.shifts.items())
            if shift.default and shift.preserves_label and any(map(shift.suits, kinds))
        ]
    chosen = [ctx.shifts[name] for name in matching("shift", named, ctx.shifts)]
    for shift in chosen:
        if not shift.preserves_label:
            raise UsageError(
                f"robustness: shift {shift.name!r} may change the right answer; leave it out of shifts."
            )
    return chosen


def laid_on(case: Case, shift: Shift, severity: int, seed: int, named: Sequence[str]) -> ShiftedCase | None:
    """The shifted case; None where the shift does not apply.

    A shift for other modalities is not laid on; where the modality is unknown, a shift that was named is.
    """
    kind = modality_of(case)
    if not shift.suits(kind) and (kind or not named):
        return None
    return shifted_case(case, shift, severity, seed)
