"""What is said about a mining run beside its pairs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from medaudit.mining.graph import components
from medaudit.mining.result import AttributeFacts, MiningFacts

if TYPE_CHECKING:
    from medaudit.mining.choosing import Candidates
    from medaudit.mining.pipeline import Stratum
    from medaudit.mining.unseen import Unseen
    from medaudit.mining.world import World


def gathered(
    world: World,
    strata: Sequence[Stratum],
    kept: Candidates,
    *,
    exact: bool,
    without: int,
    unseen: Mapping[int, Unseen] | None = None,
) -> MiningFacts:
    """The facts; see :class:`MiningFacts`."""
    rules, sizes = world.rules, np.bincount(components(kept.first, kept.second))
    return MiningFacts(
        images=len(world.pool),
        duplicates=world.duplicates,
        left_out_cases=world.pool.left_out,
        open_questions=world.known.open_questions,
        contradicted=world.known.contradicted,
        quantile=rules.quantile,
        ceiling_quantile=rules.ceiling,
        low_quantile=rules.low,
        audited=rules.audited,
        nuisance=rules.nuisance,
        tolerance=dict(rules.tolerance),
        strict=rules.strict,
        k=rules.k,
        capacity=rules.capacity,
        strata=tuple(stratum.facts for stratum in strata),
        attributes=tuple(_attributes(world, strata, kept, unseen)),
        selected=len(kept),
        exact_matching=exact,
        components=tuple(sorted(sizes.tolist(), reverse=True)),
        without_control=without,
        reason="" if len(kept) else _reason(world, strata, unseen),
    )


def _attributes(
    world: World, strata: Sequence[Stratum], kept: Candidates, unseen: Mapping[int, Unseen] | None
) -> Iterator[AttributeFacts]:
    """Wanted attributes, those of the highest lift first."""
    n = len(world.known.attributes)
    found, drawn = np.zeros((len(strata), n)), np.zeros((len(strata), n))
    for row, stratum in enumerate(strata):
        found[row] = np.bincount(stratum.found.attribute, minlength=n)
        drawn[row] = np.bincount(stratum.random, minlength=n)
    if unseen is not None:
        # A stratum of one question holds one attribute: what is expected shows over all of them.
        found, drawn = found.sum(axis=0, keepdims=True), drawn.sum(axis=0, keepdims=True)
    shares = drawn / np.maximum(1, drawn.sum(axis=1, keepdims=True))
    expected = (found.sum(axis=1, keepdims=True) * shares).sum(axis=0)
    found = found.sum(axis=0)
    mined = np.bincount(kept.attribute, minlength=n)
    rows = [
        AttributeFacts(
            attribute=world.known.attributes[i].name,
            candidates=int(found[i]),
            expected=round(float(expected[i]), 3),
            lift=round(float(found[i] / expected[i]), 3) if expected[i] > 0 else None,
            mined=int(mined[i]),
            unseen=(unseen or {}).get(int(i)),
        )
        for i in np.flatnonzero(world.wanted)
    ]
    yield from sorted(rows, key=lambda row: (-(row.lift or 0.0), row.attribute))


def _reason(world: World, strata: Sequence[Stratum], unseen: Mapping[int, Unseen] | None) -> str:
    """Where the pairs went."""
    if not world.wanted.any():
        return (
            "no attribute has two values: closed questions that get different answers about different "
            "pictures, or audited columns, are needed"
        )
    if not strata:
        return "no question was asked about enough pictures"
    searched = [stratum for stratum in strata if not stratum.at.degenerate]
    if not searched:
        return f"no stratum is large enough or spread enough: {strata[0].at.degenerate}"
    facts = [stratum.facts for stratum in searched]
    ratios = [each.ratio for each in (unseen or {}).values() if each.ratio is not None]
    if ratios and max(ratios) < world.rules.unseen:
        return (
            "the model tells the answers to every question apart: pairs that differ in one are alike to it "
            f"at most {max(ratios):.2f} times as often as pairs that do not; "
            f"from {world.rules.unseen:g} a question counts"
        )

    def total(name: str) -> str:
        return f"{sum(getattr(each, name) for each in facts):,}"

    return (
        f"of {total('possible')} pairs in {len(facts)} strata {total('above')} are as similar to the model "
        f"as quantile {world.rules.quantile:g} of random pairs, and none of these looks different to the "
        "reference, agrees in the nuisances and differs in exactly one attribute; of "
        f"{total('random_pairs')} random pairs {total('random_apart')} agree and differ so, and "
        f"{total('random_admissible')} of them look different"
    )
