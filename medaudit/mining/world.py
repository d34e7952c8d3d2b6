"""A pool made ready for mining, and the one test that every pair must pass whatever its similarity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit.errors import DataError
from medaudit.mining.duplicates import deduplicated, perceptual_hashes
from medaudit.mining.knowledge import Knowledge, knowledge
from medaudit.mining.nuisance import Nuisance, nuisance
from medaudit.mining.pool import Pool, pooled
from medaudit.mining.thresholds import strangers
from medaudit.mining.vectors import cosines, unit_vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.case import Case
    from medaudit.mining.duplicates import Hashes
    from medaudit.mining.pool import Ints
    from medaudit.mining.rules import Rules
    from medaudit.mining.vectors import Units


@dataclass(frozen=True)
class World:
    """Distinct pictures without near-duplicates, their vectors, and what is known of them."""

    pool: Pool
    model: Units
    reference: Units
    known: Knowledge
    nuisance: Nuisance
    rules: Rules
    wanted: NDArray[np.bool_]
    duplicates: int

    def attribute(self, first: Ints, second: Ints, ceiling: float) -> Ints:
        """The attribute that each pair is about, -1 where it may be no pair.

        A pair is of two patients and series, agrees in the nuisances, looks different to the reference
        (cosine at most ``ceiling``) and differs in exactly one attribute, a wanted one. Near-duplicates are
        gone from the pool.
        """
        found = np.full(len(first), -1, dtype=np.int64)
        kept = np.flatnonzero(self.nuisance.alike(first, second) & strangers(self.pool.apart, first, second))
        kept = kept[cosines(self.reference, first[kept], second[kept]) <= ceiling]
        apart = self.known.one_apart(first[kept], second[kept], self.rules.strict)
        apart[apart >= 0] = np.where(self.wanted[apart[apart >= 0]], apart[apart >= 0], -1)
        found[kept] = apart
        return found

    def agreeing(self, first: Ints, second: Ints, ceiling: float) -> NDArray[np.bool_]:
        """Pairs that pass every test of :meth:`attribute` and differ in nothing that is known of both."""
        found = self.nuisance.alike(first, second) & strangers(self.pool.apart, first, second)
        kept = np.flatnonzero(found)
        kept = kept[cosines(self.reference, first[kept], second[kept]) <= ceiling]
        found[:] = False
        found[kept] = self.known.alike(first[kept], second[kept], self.rules.strict)
        return found


def world(cases: Sequence[Case], vectors: Any, reference: Any, rules: Rules, hashes: Hashes | None) -> World:
    """Read the pool; ``vectors``, ``reference`` and ``hashes`` have a row per ``images_of(cases)``.

    Hashes are computed from the pictures where they are not given. Rows of near-duplicates go before the
    mean is taken. DataError where rows and pictures do not fit.
    """
    whole = pooled(cases)
    for name, given in (("vectors", vectors), ("reference", reference), ("hashes", hashes)):
        if given is not None and len(given) != len(whole):
            raise DataError(
                f"{name}: {len(given)} rows for {len(whole)} distinct pictures; give one row for each of "
                "medaudit.mining.images_of(cases), in that order."
            )
    found = perceptual_hashes(whole.images) if hashes is None else np.asarray(hashes, np.uint64)[whole.rows]
    kept = deduplicated(found, rules.distance)
    pool = whole.only(kept)
    known = knowledge(pool, rules.audited)
    return World(
        pool=pool,
        model=unit_vectors(vectors, pool.rows, "vectors"),
        reference=unit_vectors(reference, pool.rows, "reference"),
        known=known,
        nuisance=nuisance(pool, rules.nuisance, rules.tolerance, strict=rules.strict),
        rules=rules,
        wanted=known.named(rules.only),
        duplicates=len(whole) - len(pool),
    )
