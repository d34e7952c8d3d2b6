"""The same options in another order, or offered under other marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from string import ascii_uppercase
from typing import TYPE_CHECKING

import numpy as np

from medaudit.prompting import lettered
from medaudit.registry import shift
from medaudit.shifting import ShiftedCase

if TYPE_CHECKING:
    from medaudit.case import Case

ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
#: By severity from 2; severity 1 is a bulleted list.
MARKS: tuple[Sequence[str], ...] = (
    ascii_uppercase,
    tuple(map(str, range(1, 27))),
    ROMAN,
    ascii_uppercase[::-1],
)


@shift(
    "option_order",
    family="text",
    reference="Pezeshkpour and Hruschka 2024, NAACL Findings, arXiv:2308.11483",
    stage="case",
    default=False,
)
def option_order(case: Case, severity: int, rng: np.random.Generator) -> ShiftedCase | None:
    """The same options offered in another order; the right one stays the right one.

    ``severity + 1`` of the options, all of them at severity 5, leave their places: they are drawn, and moved
    on by one among themselves. Of two options both change places at every severity. Open questions are left
    out.

    Declared moments: exactly min(severity + 1, n) options (n at severity 5) stand in another place.
    """
    count = len(case.options)
    if count < 2:
        return None
    moved = count if severity == 5 else min(severity + 1, count)
    places = rng.permutation(count)[:moved]
    order = np.arange(count)
    order[places] = np.roll(places, 1)
    return ShiftedCase(replace(case, options=tuple(case.options[i] for i in order)))


@shift(
    "option_format",
    family="text",
    reference="Sclar et al. 2024, ICLR, arXiv:2310.11324; Zheng et al. 2024, ICLR, arXiv:2309.03882",
    stage="case",
    default=False,
)
def option_format(case: Case, severity: int, rng: np.random.Generator) -> ShiftedCase | None:
    """The same options in the same order, as a list: by bullet, letter, number or numeral.

    ========  ===========================================  ==================
    severity  offered as                                   the answer to give
    1         ``- yes`` / ``- no``                         the option
    2         ``A) yes`` / ``B) no``                       the letter
    3         ``1) yes`` / ``2) no``                       the number
    4         ``I) yes`` / ``II) no``                      the numeral
    5         ``Z) yes`` / ``Y) no``                       the letter
    ========  ===========================================  ==================

    From severity 2 the marks are the options and ``meaning`` maps them back; a reply in the option's words
    alone is not in the format asked for and is invalid. Left out: open questions, options that are marks
    themselves, and options of many words, which are offered by letter anyway. Nothing is drawn at random.
    """
    if not case.closed or lettered(case.options) or any(len(option.strip()) < 2 for option in case.options):
        return None
    if severity == 1:
        listed = "\n".join(f"- {option}" for option in case.options)
        return ShiftedCase(replace(case, question=f"{case.question}\n{listed}"))
    marks = MARKS[severity - 2]
    if len(case.options) > len(marks):
        return None
    meaning = dict(zip(marks, case.options, strict=False))
    listed = "\n".join(f"{mark}) {option}" for mark, option in meaning.items())
    right = next(mark for mark, option in meaning.items() if _same(option, case.answer))
    changed = replace(case, question=f"{case.question}\n{listed}", options=tuple(meaning), answer=right)
    return ShiftedCase(changed, meaning)


def _same(option: str, answer: str) -> bool:
    return option.strip().casefold() == answer.strip().casefold()
