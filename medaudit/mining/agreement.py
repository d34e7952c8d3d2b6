"""Two readers of the same table of pairs: how far do they agree on which pairs count?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit import stats
from medaudit.errors import DataError
from medaudit.mining.reviewed import Reviewed, read_lines, read_review
from medaudit.stats.bootstrap import cluster_bootstrap, percentile_interval
from medaudit.stats.components import components
from medaudit.stats.estimate import ONE_GROUP, Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.mining.result import MinedPair

    Floats = NDArray[np.float64]

KEEPS = ("approve", "edit")
NOTHING_DECIDED = "no pair has a decision by both readers"
ONE_CATEGORY = "kappa is not defined: reader {reader} {did} every pair, so agreement by chance cannot be told"
#: Ids that a message names.
_NAMED = 3


@dataclass(frozen=True)
class Agreement:
    """Of the pairs that both readers decided: approve and edit keep a pair, reject and undecidable drop it.

    ``counts`` is the table of the two (``both_keep``, ``first_keeps``, ``second_keeps``, ``both_drop``),
    ``undecided`` how many pairs one of them left empty, ``disagreements`` the ids on which they differ.
    """

    share: Estimate
    kappa: Estimate
    counts: Mapping[str, int]
    undecided: int
    disagreements: tuple[str, ...]

    def lines(self, names: tuple[str, str]) -> list[str]:
        """What a terminal shows, the readers under these names."""
        counts = self.counts
        n = sum(counts.values())
        told = [
            f"{n + self.undecided} pairs: {n} decided by both readers, {self.undecided} not yet",
            f"both keep {counts['both_keep']}, only {names[0]} keeps {counts['first_keeps']}, "
            f"only {names[1]} keeps {counts['second_keeps']}, both drop {counts['both_drop']}",
        ]
        told += [_told("agreement", self.share), _told("kappa", self.kappa)]
        return told + ([f"they differ on {', '.join(self.disagreements)}"] if self.disagreements else [])

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as JSON and a finding's data hold them."""
        table = asdict(self) | {"disagreements": list(self.disagreements), "counts": dict(self.counts)}
        for name in ("share", "kappa"):
            ends = table[name]["interval"]
            table[name]["interval"] = list(ends) if ends else None
        return table


def reader_agreement(
    first: Mapping[str, str],
    second: Mapping[str, str],
    groups: Mapping[str, Hashable] | None = None,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Agreement:
    """How often do two readers agree, and how much of that is more than chance?

    ``first`` and ``second`` are decisions by pair id (empty: none yet). With p_o the share of pairs both keep
    or both drop, and k_1, k_2 the shares that each keeps (Cohen 1960)::

        p_e = k_1 k_2 + (1 - k_1)(1 - k_2)        kappa = (p_o - p_e) / (1 - p_e)

    Intervals resample whole ``groups`` (cluster bootstrap, expanded percentiles), by default each pair alone:
    give the components of the graph of pictures where pairs share them. Undefined, with a reason, where no
    pair is decided by both or a reader uses one category only. DataError where the ids are not the same.
    """
    _same_ids(first, second)
    ids = [pair for pair in first if first[pair] and second[pair]]
    keep = np.asarray([[first[pair] in KEEPS, second[pair] in KEEPS] for pair in ids], float).reshape(-1, 2)
    own = [(groups or {}).get(pair, pair) for pair in ids]
    settings: dict[str, Any] = {"confidence": confidence, "resamples": resamples, "seed": seed}
    same = keep[:, 0] == keep[:, 1]
    cells = Counter(zip(keep[:, 0].astype(bool).tolist(), keep[:, 1].astype(bool).tolist(), strict=True))
    return Agreement(
        share=stats.mean(same.astype(float), own, **settings) if ids else _none(NOTHING_DECIDED),
        kappa=_kappa(keep, own, **settings),
        counts={
            "both_keep": cells[True, True],
            "first_keeps": cells[True, False],
            "second_keeps": cells[False, True],
            "both_drop": cells[False, False],
        },
        undecided=len(first) - len(ids),
        disagreements=tuple(pair for pair, agreed in zip(ids, same.tolist(), strict=True) if not agreed),
    )


def table_agreement(first: Path, second: Path, **settings: Any) -> Agreement:
    """:func:`reader_agreement` of two tables that :func:`write_review` wrote and people filled in.

    Pairs that show a picture of the same name hang together, also through others: they are one group.
    """
    one, two = read_lines(first), read_lines(second)
    numbers = components([list(line.pictures) for line in one.values()])
    groups = dict(zip(one, numbers, strict=True))
    try:
        return reader_agreement(
            {pair: line.decision for pair, line in one.items()},
            {pair: line.decision for pair, line in two.items()},
            groups,
            **settings,
        )
    except DataError as error:
        raise DataError(f"{first.name} and {second.name}: {error}") from error


def read_reviews(
    paths: Sequence[str],
    pairs: Sequence[MinedPair],
    groups: Mapping[str, Hashable] | None = None,
    **settings: Any,
) -> tuple[Sequence[MinedPair], dict[str, Any]]:
    """Pairs that every table keeps in the same words, and what the tables say, for a finding's data.

    One table: its decisions. Two: those of each, their :func:`reader_agreement`, and how many pairs both keep
    but word differently, which do not count. Errors as in :func:`read_review`.
    """
    read = [read_review(Path(path), pairs) for path in paths]
    if len(read) == 1:
        return read[0].pairs, dict(read[0].decisions)
    own = [{pair: line.decision for pair, line in read_lines(Path(path)).items()} for path in paths]
    said = [{pair.id: row.get(pair.id, "") for pair in pairs} for row in own]
    kept = _shared(read)
    both = {pair.id for pair in read[0].pairs} & {pair.id for pair in read[1].pairs}
    return kept, {
        "readers": [dict(each.decisions) for each in read],
        "worded_differently": len(both) - len(kept),
        "agreement": reader_agreement(said[0], said[1], groups, **settings).to_dict(),
    }


def _shared(read: Sequence[Reviewed]) -> tuple[MinedPair, ...]:
    second = {pair.id: pair for pair in read[1].pairs}
    return tuple(pair for pair in read[0].pairs if second.get(pair.id) == pair)


def _same_ids(first: Mapping[str, str], second: Mapping[str, str]) -> None:
    for have, lack, which in ((first, second, "second"), (second, first, "first")):
        if lost := [pair for pair in have if pair not in lack]:
            named = ", ".join(lost[:_NAMED]) + (", ..." if len(lost) > _NAMED else "")
            raise DataError(
                f"the {which} reader's table lacks {len(lost)} pair(s) of the other: {named}. "
                "Both must hold the same pairs."
            )


def _kappa(
    keep: Floats, groups: Sequence[Hashable], *, confidence: float, resamples: int, seed: int
) -> Estimate:
    n, count = len(keep), len(set(groups))
    if not n:
        return _none(NOTHING_DECIDED)
    for reader in (0, 1):
        if len(set(keep[:, reader].tolist())) < 2:
            did = "kept" if keep[0, reader] else "dropped"
            why = ONE_CATEGORY.format(reader=reader + 1, did=did)
            return Estimate(None, None, n, count, reason=why)
    columns = np.column_stack([keep, keep[:, 0] == keep[:, 1]])
    value = float(_cohen(columns.sum(axis=0)[None], np.asarray([float(n)]))[0])
    if count < 2:
        return Estimate(value, None, n, count, reason=ONE_GROUP)
    draws = cluster_bootstrap(columns, list(groups), _cohen, resamples=resamples, seed=seed)
    # A resample in which both use one and the same category says nothing of chance.
    low, high = percentile_interval(draws[np.isfinite(draws)], count, confidence)
    return Estimate(value, (min(low, value), max(high, value)), n, count)


def _cohen(sums: Floats, sizes: Floats) -> Floats:
    """Kappa from sums ``(b, 3)`` of: the first keeps, the second keeps, both agree; NaN where p_e = 1."""
    one, two, agreed = (sums / sizes[:, None]).T
    chance = one * two + (1 - one) * (1 - two)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(chance < 1 - 1e-12, (agreed - chance) / (1 - chance), np.nan))


def _told(name: str, number: Estimate) -> str:
    if number.estimate is None:
        return f"{name}: {number.reason}"
    ends = f"[{number.interval[0]:.3f}, {number.interval[1]:.3f}]" if number.interval else number.reason
    return f"{name} {number.estimate:.3f} {ends}, n = {number.n} pairs in {number.groups} groups"


def _none(why: str) -> Estimate:
    return Estimate(None, None, 0, 0, reason=why)
