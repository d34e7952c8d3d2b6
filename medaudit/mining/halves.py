"""Select on one half, measure on the other: what was selected as extreme is less extreme when seen again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from medaudit.mining.knowledge import knowledge
from medaudit.mining.pipeline import mine
from medaudit.mining.pool import folded, images_of, pooled
from medaudit.mining.rules import Rules
from medaudit.splitting import linked

if TYPE_CHECKING:
    from medaudit.case import Case
    from medaudit.mining.duplicates import Hashes
    from medaudit.mining.result import Mined


@dataclass(frozen=True)
class Halves:
    """Mining on half A with its own thresholds, and on half B with those and the attributes found on A.

    ``attributes`` are the names selected on A. Measure on the pairs of ``evaluated`` alone.
    """

    selected: Mined
    evaluated: Mined | None
    attributes: tuple[str, ...]


def halves(cases: Sequence[Case], seed: int = 0) -> tuple[tuple[Case, ...], tuple[Case, ...]]:
    """Two halves that share no group and no picture, by a hash of (seed, group), whatever the order.

    Groups that share a picture go together, under the smallest of their names.
    """
    blocks = linked(cases)
    names: dict[int, str] = {}
    for case, block in zip(cases, blocks, strict=True):
        name = case.group or case.id
        names[block] = min(names.get(block, name), name)
    first = {block: _even(seed, name) for block, name in names.items()}
    sides = [first[block] for block in blocks]
    return (
        tuple(case for case, side in zip(cases, sides, strict=True) if side),
        tuple(case for case, side in zip(cases, sides, strict=True) if not side),
    )


def question_halves(questions: Sequence[str], seed: int = 0) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Distinct questions in two halves, equal to within one, by a hash of (seed, question)."""
    ranked = sorted(set(questions), key=lambda question: (_digest(seed, question), question))
    return tuple(sorted(ranked[::2])), tuple(sorted(ranked[1::2]))


def mine_halves(
    cases: Sequence[Case],
    vectors: Any,
    reference: Any,
    *,
    rules: Rules | None = None,
    hashes: Hashes | None = None,
    least: int = 5,
    lift: float = 1.0,
) -> Halves:
    """Thresholds and attributes from half A by group, pairs and controls from half B.

    Selected are attributes with at least ``least`` candidates on A and ``lift`` times as many as expected. B
    is not mined where A selects none that it has. Errors as in :func:`mine`.
    """
    rules = rules or Rules()
    one, two = halves(cases, rules.seed)
    rows = {image.digest: row for row, image in enumerate(images_of(cases))}

    def part(of: Sequence[Case], **more: Any) -> Mined:
        own = [rows[image.digest] for image in images_of(of)]
        bits = None if hashes is None else hashes[own]
        return mine(of, vectors[own], reference[own], hashes=bits, **more)

    selected = part(one, rules=rules)
    names = tuple(
        row.attribute
        for row in selected.facts.attributes
        if row.candidates >= least and row.lift is not None and row.lift >= lift
    )
    shared = {folded(name) for name in names} & knowledge(pooled(two), rules.audited).seen if two else set()
    if not shared:
        return Halves(selected, None, names)
    found = part(two, rules=replace(rules, only=frozenset(shared)), thresholds=selected.thresholds)
    return Halves(selected, found, names)


def _even(seed: int, name: str) -> bool:
    return _digest(seed, name) % 2 == 0


def _digest(seed: int, name: str) -> int:
    text = f"medaudit.mining/halves\x1f{seed}\x1f{name}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
