"""What one mode gave over pairs, and how its numbers are estimated and counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit.probes.sheet import EVIDENCE
from medaudit.stats import Estimate
from medaudit.stats.pair_scores import pair_scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.probes.pair_asking import Judged
    from medaudit.probes.sheet import Sheet
    from medaudit.stats.pair_scores import PairScores

#: Pairs that a finding shows: two cases each of those that it names.
MOST_EXAMPLES = EVIDENCE // 2
NO_ANSWER = "no pair has an answer to both questions"
_NUMBERS = ("individual", "set", "confusion", "invalid", "precision")


@dataclass(frozen=True, eq=False)
class Arms:
    """One mode's pairs in each arm, and matched controls and nuisance pairs as the data give them.

    ``left_out`` counts, by reason, what could not be made a pair; ``doses`` are less similar pairs, by range.
    """

    sheet: Sheet
    mode: str
    pairs: Mapping[str, Judged]
    controls: Judged | None = None
    nuisance: Judged | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)
    doses: Mapping[str, Judged] = field(default_factory=dict)

    @property
    def given(self) -> Judged:
        """The pairs with their pictures and the options in the order of the data."""
        return self.pairs["given"]

    @property
    def slice(self) -> dict[str, str | int | float | bool]:
        return {"mode": self.mode}

    def scored(self, judged: Judged) -> PairScores:
        """The five numbers, intervals by component; where no pair was answered each says so."""
        found = pair_scores(judged.chosen, judged.right, judged.groups, **self.sheet.settings)
        if judged.pairs:
            return found
        nothing = Estimate(None, None, 0, 0, reason=NO_ANSWER)
        return replace(found, **dict.fromkeys(_NUMBERS, nothing))


def counts(judged: Judged) -> dict[str, Any]:
    """The denominators, which differ from number to number."""
    columns = judged.columns
    return {
        "pairs": len(judged.pairs),
        "pairs_without_answer": judged.lost,
        "valid_pairs": int(np.isfinite(columns.same).sum()),
        "same_answer": int(np.nansum(columns.same)),
        "both_right": int(columns.both.sum()),
        "both_exchanged": int((columns.direction < 0).sum()),
        "invalid_items": int(columns.invalid.sum()),
    }


def examples(judged: Judged, mask: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """The first pairs in a mask: ids of both cases, and numbers of the options right and given (-1: none)."""
    return [
        {
            "cases": [case.id for case in judged.pairs[at].cases],
            "right": judged.right[at].tolist(),
            "given": [max(-1, choice) for choice in judged.chosen[at].tolist()],
        }
        for at in np.flatnonzero(mask)[:MOST_EXAMPLES].tolist()
    ]


def unread(valid: int, n: int) -> str:
    """What invalid answers do to a rate over valid ones; empty where there are none."""
    if valid == n:
        return ""
    return (
        f"{n - valid} of {n} pairs hold an answer that chooses no option and are not counted here: "
        "not choosing is not telling apart"
    )
