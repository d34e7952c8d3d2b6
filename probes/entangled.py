"""Does a column or split go together with what is asked, so that a gap there may be no weakness?"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit import stats
from medaudit.probes.strata import answers, strata

if TYPE_CHECKING:
    from medaudit.probes.attributes import Attribute
    from medaudit.probes.contrasts import Contrast
    from medaudit.probes.sheet import Sheet
    from medaudit.stats.independence import Dependence

LEVEL = 0.05
#: V beyond what chance makes: under a tenth an association is small whatever its p (Cohen 1988).
SMALL = 0.1
#: From here on an imbalance of these very cases spoils a comparison, whether or not others would share it.
LARGE = 0.5
RESAMPLES = 500
#: Finer strata than one in so many cases say little about each.
CASES_PER_STRATUM = 5


@dataclass(frozen=True)
class Entangled:
    """``data`` for findings, and the sentence where the association is significant and not small."""

    data: dict[str, Any]
    reason: str = ""


def entangled(
    sheet: Sheet, attributes: Sequence[Attribute], splits: Sequence[Contrast]
) -> Mapping[str, Entangled]:
    """Cramer's V between each column or split and the right answer, p by permutation, Holm over them all.

    The sentence is given where V is significant and 0.1 or more beyond chance, and where it is 0.5 or more:
    then these cases are out of balance, even where their groups are too few to say so of others.
    """
    labels: dict[str, Sequence[Hashable]] = {column.name: column.labels for column in attributes}
    for split in splits:
        both = zip(split.inside.tolist(), split.rest.tolist(), strict=True)
        labels[split.name] = [side[0] if any(side) else None for side in both]
    fine, coarse = strata(sheet.cases), answers(sheet.cases)
    found = {name: _one(sheet, own, fine, coarse) for name, own in labels.items()}
    adjusted = stats.holm([each.p_value for each, _ in found.values()])
    return {
        name: _told(name, each, by, p) for (name, (each, by)), p in zip(found.items(), adjusted, strict=True)
    }


def _one(
    sheet: Sheet, labels: Sequence[Hashable], fine: Sequence[Hashable], coarse: Sequence[Hashable]
) -> tuple[Dependence, str]:
    kept = [index for index, label in enumerate(labels) if label is not None]
    detailed = len({fine[index] for index in kept}) * CASES_PER_STRATUM <= len(kept)
    by = "kind of question and answer" if detailed else "answer"
    held = fine if detailed else coarse
    found = stats.dependence(
        [labels[index] for index in kept],
        [held[index] for index in kept],
        sheet.groups[np.asarray(kept, dtype=np.int64)],
        resamples=min(RESAMPLES, sheet.ctx.resamples),
        seed=sheet.ctx.seed,
    )
    return found, by


def _told(name: str, found: Dependence, by: str, adjusted: float | None) -> Entangled:
    data = {
        "v": found.v,
        "null_mean": found.null_mean,
        "p_value": found.p_value,
        "p_adjusted": adjusted,
        "by": by,
    }
    shown = adjusted is not None and adjusted <= LEVEL and found.v - found.null_mean >= SMALL
    if not shown and found.v < LARGE:
        return Entangled(data)
    chance = "" if shown else f"; chance alone makes {found.null_mean:.2f} of so few groups"
    return Entangled(
        data,
        f"{name} goes together with the right answer (V = {found.v:.2f}{chance}): a gap here cannot be told "
        "from a change of what is asked",
    )
