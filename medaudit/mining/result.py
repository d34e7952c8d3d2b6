"""What mining gives: pairs, their controls, and the facts that say how they came about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from medaudit.case import Case
    from medaudit.mining.thresholds import Threshold
    from medaudit.mining.unseen import Unseen

Role: TypeAlias = Literal["mined", "control", "dose"]


@dataclass(frozen=True)
class MinedPair:
    """Two cases that ask the same question of two pictures and have different right answers.

    ``similarity`` is the model's cosine, ``reference_similarity`` the reference's, both after centring.
    ``control_of`` is the id of the mined pair that a control (or a pair of another dose) is matched to.
    """

    id: str
    attribute: str
    first: Case
    second: Case
    similarity: float
    reference_similarity: float
    role: Role
    control_of: str = ""

    def cases(self) -> tuple[Case, Case]:
        """Both as cases of their own: unique ids, ``pair`` set, the attribute and the role in ``meta``."""
        more = {"attribute": self.attribute, "pair_role": self.role}
        return (
            replace(self.first, id=f"{self.id}-1", pair=self.id, meta={**self.first.meta, **more}),
            replace(self.second, id=f"{self.id}-2", pair=self.id, meta={**self.second.meta, **more}),
        )


@dataclass(frozen=True)
class StratumFacts:
    """One stratum: what its pictures agree on, the thresholds, and how many pairs passed each filter in turn.

    ``above`` reached the model's floor, ``admissible`` also differ in exactly one attribute, agree in the
    nuisances and look different to the reference; ``candidates`` were among the k most similar of a picture.
    Of the random pairs, whatever the model holds of them, ``random_apart`` differ in exactly one attribute
    and agree in the nuisances, and ``random_admissible`` of these look different to the reference.
    ``left_out`` says why nothing was mined here, empty where something was.
    """

    stratum: Mapping[str, str]
    images: int
    possible: int
    random_pairs: int
    random_apart: int
    random_admissible: int
    floor: float | None
    low: float | None
    ceiling: float | None
    above: int
    admissible: int
    candidates: int
    left_out: str


@dataclass(frozen=True)
class AttributeFacts:
    """One attribute: pairs mined, candidates for it, and how many were expected by chance.

    ``expected`` is how many of all candidates would be about this attribute if the model's similarity had
    nothing to do with it: candidates in the proportions of random pairs that pass every other test.
    ``lift`` = candidates / expected, None where no such random pair is about it. A model blind to one
    attribute has a high lift there; a single attribute always has 1. ``unseen`` is known where mining went
    question by question (:func:`unseen_ratio`).
    """

    attribute: str
    candidates: int
    expected: float
    lift: float | None
    mined: int
    unseen: Unseen | None = None


@dataclass(frozen=True)
class MiningFacts:
    """How the pairs were found. Plain values: ``dataclasses.asdict`` gives what a finding can hold.

    ``components`` are sizes (pairs) of the connected components of the graph of pictures, largest first;
    ``exact_matching`` whether the selection is the optimum; ``without_control`` how many mined pairs
    have none, because no pictures were left for one.
    """

    images: int
    duplicates: int
    left_out_cases: int
    open_questions: int
    contradicted: int
    quantile: float
    ceiling_quantile: float
    low_quantile: float
    audited: tuple[str, ...]
    nuisance: tuple[str, ...]
    tolerance: Mapping[str, float]
    strict: bool
    k: int
    capacity: int
    strata: tuple[StratumFacts, ...]
    attributes: tuple[AttributeFacts, ...]
    selected: int
    exact_matching: bool
    components: tuple[int, ...]
    without_control: int
    reason: str


@dataclass(frozen=True)
class Mined:
    """Pairs in order of id, matched controls, the facts, pairs by dose, and each stratum's thresholds.

    ``doses`` holds, by range of quantiles (exclusive, inclusive; lowest first), pairs matched to the mined
    ones whose similarity lies there; controls lie below them all, mined pairs above.
    """

    pairs: tuple[MinedPair, ...]
    controls: tuple[MinedPair, ...]
    facts: MiningFacts
    doses: Mapping[tuple[float, float], tuple[MinedPair, ...]]
    thresholds: Mapping[tuple[tuple[str, str], ...], Threshold]

    def cases(self) -> tuple[Case, ...]:
        """Pairs, then controls, as cases of a set: see :meth:`MinedPair.cases`."""
        return tuple(case for pair in (*self.pairs, *self.controls) for case in pair.cases())


def plain(value: Any) -> Any:
    """Infinities and NaN as None: documents hold numbers only."""
    return None if isinstance(value, float) and not abs(value) < float("inf") else value
