"""What a pair must be: the choices of a mining run, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from medaudit.errors import UsageError
from medaudit.mining.duplicates import DISTANCE
from medaudit.mining.knowledge import ANSWERS
from medaudit.mining.templates import Template

STRATA = ("modality", "view", "body_part")


@dataclass(frozen=True)
class Rules:
    """Choices, with the defaults that the method is described with.

    - ``audited``: what a pair may differ in: columns, and ``answer`` for the closed questions of the cases.
    - ``only``: of these, the attributes that pairs are wanted for (names or questions); None: all.
    - ``nuisance``, ``tolerance``: columns in which the two pictures agree; numbers within a tolerance.
    - ``strict``: what is unknown matches nothing; otherwise it is tolerated.
    - ``strata``: columns within which pairs and thresholds are sought.
    - ``quantile``: of random pairs' similarity to the model, the floor; ``low``: the most a control may have.
    - ``ceiling``: quantile of random pairs' similarity to the reference, the most a pair may have.
    - ``unseen``: the least :func:`unseen_ratio` of a question whose pairs count, where it is known (mining by
      question); 0.5 lies half way between seen (0) and not seen (1).
    - ``confidence``: of the interval of that ratio.
    - ``doses``: lower quantiles, rising, from ``low`` to under ``quantile``, at which pairs are wanted too.
    - ``k``: neighbours a picture may bring in. ``capacity``: pairs it may be in.
    - ``limit``: pairs in all, as each costs two questions or more; None: no limit.
    - ``distance``: bits of perceptual hash within which two pictures are duplicates.
    - ``templates``: question per audited column, where the plain one will not do.
    """

    audited: tuple[str, ...] = (ANSWERS,)
    only: frozenset[str] | None = None
    nuisance: tuple[str, ...] = ()
    tolerance: Mapping[str, float] = field(default_factory=dict)
    strict: bool = True
    strata: tuple[str, ...] = STRATA
    quantile: float = 0.999
    ceiling: float = 0.5
    low: float = 0.5
    unseen: float = 0.5
    confidence: float = 0.95
    doses: tuple[float, ...] = ()
    k: int = 50
    capacity: int = 3
    limit: int | None = 500
    distance: int = DISTANCE
    templates: Mapping[str, Template] = field(default_factory=dict)
    seed: int = 0
    block: int = 1024

    def __post_init__(self) -> None:
        rising = (self.low, *self.doses, self.quantile)
        if any(a > b or (a == b and i > 0) for i, (a, b) in enumerate(pairwise(rising))):
            given = ", ".join(f"{q:g}" for q in rising)
            raise UsageError(
                f"mining: low, doses and quantile must rise, as in 0.5, 0.9, 0.99, 0.999; got {given}."
            )
        if not self.audited:
            raise UsageError(
                "mining: nothing is audited; name columns, or 'answer' for the cases' questions."
            )
        if both := sorted(set(self.audited) & {*self.nuisance, *self.tolerance, *self.strata}):
            raise UsageError(
                f"mining: {', '.join(both)} is audited and must also agree (nuisance or strata); choose one."
            )
        if self.limit is not None and self.limit < 1:
            raise UsageError(
                f"mining: a limit of {self.limit} pairs was given; give a number from 1, or none."
            )
        for name in set(self.templates) - set(self.audited):
            raise UsageError.unknown("template's column", name, self.audited)

    @property
    def quantiles(self) -> tuple[float, ...]:
        """All quantiles of the model's similarity that thresholds need."""
        return (self.low, *self.doses, self.quantile)
