"""Two readers: numbers of textbooks, chance that must come out as chance, tables that do not fit."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medaudit.errors import DataError
from medaudit.mining import Rules, mine, write_review
from medaudit.mining.agreement import read_reviews, reader_agreement, table_agreement
from medaudit.mining.review import COLUMNS

NAMES = {(True, True): ("approve", "edit"), (True, False): ("edit", "reject"),
         (False, True): ("undecidable", "approve"), (False, False): ("reject", "undecidable")}  # fmt: skip


def readers(both: int, first: int, second: int, neither: int) -> tuple[dict[str, str], dict[str, str]]:
    """Decisions with these cells of the two-by-two table."""
    cells = [(True, True)] * both + [(True, False)] * first + [(False, True)] * second
    cells += [(False, False)] * neither
    said = {f"p{i}": NAMES[cell] for i, cell in enumerate(cells)}
    return {pair: two[0] for pair, two in said.items()}, {pair: two[1] for pair, two in said.items()}


@pytest.mark.parametrize(
    ("cells", "share", "kappa"),
    [
        ((20, 5, 10, 15), 0.7, 0.4),  # the grant proposals: p_e = 1/2
        ((45, 15, 25, 15), 0.6, 6 / 46),  # p_e = 0.54
        ((25, 35, 5, 35), 0.6, 14 / 54),  # the same share, other margins: p_e = 0.46
        ((10, 0, 0, 10), 1.0, 1.0),
        ((0, 10, 10, 0), 0.0, -1.0),
        ((5, 5, 5, 5), 0.5, 0.0),
    ],
)
def test_textbook_tables(cells: tuple[int, ...], share: float, kappa: float) -> None:
    found = reader_agreement(*readers(*cells))

    assert found.share.estimate == pytest.approx(share)
    assert found.kappa.estimate == pytest.approx(kappa)
    assert tuple(found.counts.values()) == cells
    assert len(found.disagreements) == cells[1] + cells[2]
    assert found.kappa.n == found.share.n == sum(cells)
    low, high = found.kappa.interval
    assert low <= kappa <= high


def test_independent_readers_agree_by_chance_alone() -> None:
    rng = np.random.default_rng(4)
    held = 0
    for seed in range(40):
        two = [
            {f"p{i}": "approve" if keep else "reject" for i, keep in enumerate(rng.random(80) < share)}
            for share in (0.7, 0.6)
        ]
        low, high = reader_agreement(*two, resamples=400, seed=seed).kappa.interval
        held += low <= 0 <= high
    assert held >= 35


def test_readers_who_mostly_agree_are_told_from_chance() -> None:
    low, _ = reader_agreement(*readers(40, 4, 4, 32)).kappa.interval

    assert low > 0.5


def test_pairs_that_hang_together_count_as_one_group() -> None:
    two = readers(20, 5, 10, 15)
    alone = reader_agreement(*two)
    chained = reader_agreement(*two, {pair: i // 5 for i, pair in enumerate(two[0])})

    assert chained.kappa.estimate == alone.kappa.estimate
    assert (alone.kappa.groups, chained.kappa.groups) == (50, 10)
    width = [number.interval[1] - number.interval[0] for number in (alone.kappa, chained.kappa)]
    assert width[1] > 1.3 * width[0]


@pytest.mark.parametrize(
    ("cells", "said"), [((9, 0, 3, 0), "reader 2 kept every pair"), ((0, 0, 4, 8), "reader 1 dropped every")]
)
def test_one_category_leaves_kappa_undefined_and_says_so(cells: tuple[int, ...], said: str) -> None:
    found = reader_agreement(*readers(*cells))

    assert found.kappa.estimate is None
    assert said in found.kappa.reason
    assert found.share.estimate is not None
    assert any(said in line for line in found.lines(("A", "B")))


def test_what_one_has_not_decided_is_counted_apart() -> None:
    one, two = readers(3, 1, 1, 3)
    one["p0"] = two["p7"] = ""

    found = reader_agreement(one, two)

    assert (found.undecided, found.share.n) == (2, 6)
    nothing = reader_agreement(dict.fromkeys(one, ""), two)
    assert nothing.share.estimate is None
    assert "no pair has a decision by both" in nothing.kappa.reason


def test_other_pairs_are_refused() -> None:
    one, two = readers(3, 1, 1, 3)
    del two["p2"]

    with pytest.raises(DataError, match=r"second reader's table lacks 1 pair\(s\) of the other: p2"):
        reader_agreement(one, two)
    with pytest.raises(DataError, match="first reader's table lacks"):
        reader_agreement(two, one)


@settings(max_examples=40, deadline=None)
@given(st.tuples(*[st.integers(0, 12)] * 4))
def test_whoever_is_named_first_kappa_is_the_same_and_at_most_one(cells: tuple[int, ...]) -> None:
    one, two = readers(*cells)
    found, turned = reader_agreement(one, two, resamples=20), reader_agreement(two, one, resamples=20)

    assert found.kappa.estimate == pytest.approx(turned.kappa.estimate)
    assert found.kappa.estimate is None or -1 - 1e-9 <= found.kappa.estimate <= 1 + 1e-9


@pytest.fixture(scope="module")
def pairs(pool: Any) -> Any:
    rules = Rules(audited=("side", "size", "form"), quantile=0.99, limit=6, capacity=1)
    return mine(pool.cases, pool.folded, pool.plain, rules=rules, hashes=pool.hashes).pairs


def filled(path: Path, pairs: Any, *decisions: str, **changed: str) -> Path:
    """The table of these pairs with decisions; ``changed`` goes into the first line."""
    write_review(path, pairs)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row, decision in zip(rows, decisions, strict=False):
        row["decision"] = decision
    rows[0].update(changed)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_of_two_tables_pairs_count_that_both_keep_in_the_same_words(pairs: Any, tmp_path: Path) -> None:
    one = filled(tmp_path / "a.csv", pairs, "approve", "approve", "approve", "reject", "reject", "approve")
    words = {"question": "Where is the shape?"}
    two = filled(tmp_path / "b.csv", pairs, "edit", "approve", "reject", "reject", "approve", "", **words)

    kept, told = read_reviews([str(one), str(two)], pairs)

    assert [pair.id for pair in kept] == [pairs[1].id]
    assert told["worded_differently"] == 1
    assert told["agreement"]["counts"] == {
        "both_keep": 2, "first_keeps": 1, "second_keeps": 1, "both_drop": 1,
    }  # fmt: skip
    assert told["agreement"]["undecided"] == 1
    assert [row["approve"] for row in told["readers"]] == [4, 2]
    assert table_agreement(one, two).counts == told["agreement"]["counts"]


def test_of_one_table_the_decisions_are_told(pairs: Any, tmp_path: Path) -> None:
    kept, told = read_reviews([str(filled(tmp_path / "a.csv", pairs, "approve"))], pairs)

    assert [pair.id for pair in kept] == [pairs[0].id]
    assert told["approve"] == 1
