"""The contract of shifts that change a case rather than its pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medaudit.case import Case
from medaudit.image import ArrayImage
from medaudit.shifting import SEVERITIES, ShiftedCase, shifted_case

if TYPE_CHECKING:
    from medaudit.registry import Shift

_ASKED = (
    ("Is there an effusion?", ("yes", "no"), "no"),
    ("Is there a nodule in the left lung?", ("yes", "no"), "yes"),
    ("On which side is the opacity?", ("left", "right"), "left"),
    ("What is the main finding?", ("effusion", "nodule", "opacity", "normal"), "nodule"),
    ("Which organ is shown?", (), "liver"),
    ("?", (), ""),
)


def check_case_shift(item: Shift) -> None:
    """Hold a shift of stage ``case`` to its contract, on closed and open questions at every severity."""
    picture = ArrayImage(np.arange(48 * 48 * 3, dtype=np.uint32).reshape(48, 48, 3).astype(np.uint8))
    applied = 0
    for number, (question, options, answer) in enumerate(_ASKED):
        case = Case(f"c{number}", (picture,), question, answer, options, "g", {"sex": "F"})
        for severity in SEVERITIES:
            first, again = (shifted_case(case, item, severity, 0) for _ in range(2))
            where = f"{question!r}, severity {severity}"
            if first is None:
                _hold(again is None, item, f"{where}: the same seed once applies and once does not")
                continue
            applied += 1
            _check_one(item, where, case, first)
            _hold(_told(first) == _told(again), item, f"{where}: the same seed gave another case")
    _hold(applied, item, "applies to none of six ordinary questions")


def _check_one(item: Shift, where: str, case: Case, changed: ShiftedCase) -> None:
    _hold(isinstance(changed, ShiftedCase), item, f"{where}: returned {type(changed).__name__}")
    now = changed.case
    kept = (now.id, now.group, dict(now.meta)) == (case.id, case.group, dict(case.meta))
    _hold(kept, item, f"{where}: id, group or columns were changed")
    _hold(now.closed == case.closed, item, f"{where}: an open question became closed, or the reverse")
    known = set(now.options)
    _hold(set(changed.meaning) <= known, item, f"{where}: meaning speaks of what is no option")
    strange = {changed.meaning.get(option, option) for option in now.options} - set(case.options)
    _hold(not strange, item, f"{where}: {sorted(strange)} lead back to no option of the original")


def _told(changed: ShiftedCase | None) -> object:
    if changed is None:
        return None
    case = changed.case
    images = [image.digest for image in case.images]
    return (case.question, case.options, case.answer, images, dict(changed.meaning))


def _hold(condition: object, item: Shift, broken: str) -> None:
    if not condition:
        raise AssertionError(f"shift {item.name!r}: {broken}.")
