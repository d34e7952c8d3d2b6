"""Null simulations, the fast tier: few samples, and bounds that a broken statistic does not meet.

The full tier is ``benchmarks/null_simulations.py``; its committed result and page are held to the rows here.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from medaudit import stats
from medaudit.image import keyed_rng
from medaudit.stats import simulation as sim
from medaudit.stats.null_rows import EXEMPT, ROWS, SIZES
from medaudit.stats.simulation import Outcome, simulate

ROOT = Path(__file__).parents[2]
HONEST = [row for row in ROWS if not row.control and not row.limit]
# Right/wrong answers in a hundred cases: neither too narrow nor needlessly wide.
SHARP = [row for row in HONEST if row.name in ("mean", "wilson", "cluster_bootstrap", "unpaired_difference")]


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("null_simulations", ROOT / "benchmarks/null_simulations.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def result(script):
    return json.loads(script.RESULT.read_text())


def ids(rows):
    return [f"{row.name}, {row.data}" for row in rows]


def run(row, n, icc, repeats):
    rng = keyed_rng("fast tier", row.name, row.data, n, icc)
    return simulate(
        lambda rng: row.draw(rng, n, icc),
        repeats,
        rng,
        confidence=row.confidence,
        continuous=row.continuous,
    )


def test_no_public_name_is_forgotten():
    measured = {row.name for row in HONEST}
    assert measured | set(EXEMPT) == set(stats.__all__)
    assert not measured & set(EXEMPT)
    assert all(EXEMPT.values())


@pytest.mark.parametrize("n", [20, 100])
@pytest.mark.parametrize("row", HONEST, ids=ids(HONEST))
def test_intervals_cover_and_p_values_keep_their_level(row, n):
    # 150 samples: `short` below 87.3 %, `liberal` from 18 alarms at 5 % (chance .001 each).
    found = run(row, n, row.iccs[-1], 150)
    assert found.coverage_verdict != "short", found
    assert found.level_verdict != "liberal", found
    assert found.coverage is not None or found.level, "a row that measures nothing"


@pytest.mark.parametrize("row", SHARP, ids=ids(SHARP))
def test_intervals_are_no_wider_than_they_need_be(row):
    found = run(row, 100, row.iccs[-1], 300)
    # 98.5 % and three Monte-Carlo standard errors.
    assert found.coverage.share < 0.995, found
    # A side that holds one group by chance has no interval.
    assert found.without_interval < 0.01


@pytest.mark.parametrize("row", [row for row in HONEST if row.continuous], ids=lambda row: row.name)
def test_p_values_without_ties_are_uniform(row):
    found = run(row, 100, row.iccs[-1], 300)
    assert found.uniformity > 0.001, found


@pytest.mark.parametrize("row", [row for row in ROWS if row.control], ids=lambda row: row.name)
def test_leaving_groups_out_is_seen(row):
    found = run(row, 100, 0.5, 400)
    assert "short" in found.coverage_verdict or "liberal" in found.level_verdict, found
    assert found.coverage_verdict in ("", "short")
    assert found.level_verdict in ("", "liberal")


def test_deals_with_a_seed_for_each_sample_are_exact():
    # One fixed seed and 199 deals: the share of p <= .1 would be off by sqrt(.09 / 199) = .021 for good.
    def sample(rng):
        groups = sim.grouped(rng, 100)
        change = sim.graded(rng, groups, 0.0) - sim.graded(rng, groups, 0.0)
        seed = int(rng.integers(2**32))
        return Outcome(p_value=stats.paired_permutation(change, groups, resamples=199, seed=seed))

    found = simulate(sample, 1500, np.random.default_rng(9))
    assert found.level[0.1].share == pytest.approx(0.1, abs=0.024)


@pytest.mark.parametrize("icc", [0.0, 0.5])
def test_right_wrong_p_values_are_not_needlessly_large(icc):
    # Ties keep exact tests below their level; 2 % of alarms at 5 % is the least that is accepted.
    row = next(row for row in ROWS if (row.name, row.data) == ("difference", "two arms, 80 % right"))
    assert run(row, 100, icc, 600).level[0.05].share > 0.02


def halved(rng):
    values = rng.random(100) < 0.5
    found = stats.mean(values, range(100))
    low, high = found.interval
    return Outcome((found.estimate - (found.estimate - low) / 2, (found.estimate + high) / 2), 0.5)


def test_broken_statistics_are_seen():
    rng = np.random.default_rng(1)
    assert simulate(halved, 200, rng).coverage_verdict == "short"
    assert simulate(lambda rng: Outcome((0, 1), 0.5), 200, rng).coverage_verdict == "wide"
    eager = simulate(lambda rng: Outcome(p_value=rng.random() ** 1.6), 400, rng, continuous=True)
    assert eager.level_verdict == "liberal"
    timid = simulate(lambda rng: Outcome(p_value=rng.random() ** 0.7), 400, rng, continuous=True)
    assert (timid.level_verdict, timid.uniformity < 0.001) == ("valid", True)
    fair = simulate(lambda rng: Outcome(p_value=rng.random()), 400, rng, continuous=True)
    assert (fair.level_verdict, fair.uniformity > 0.001) == ("valid", True)


def test_shares_of_no_interval_are_counted_apart():
    rng = np.random.default_rng(1)
    found = simulate(lambda rng: Outcome((0, 1) if rng.random() < 0.5 else None, 0.5), 400, rng)
    assert found.without_interval == pytest.approx(0.5, abs=0.1)
    assert found.coverage.share == 1.0
    nothing = simulate(lambda rng: Outcome(None, 0.5), 10, rng)
    assert (nothing.coverage, nothing.coverage_verdict, nothing.without_interval) == (None, "", 1.0)


@pytest.mark.parametrize("icc", [0.0, 0.2, 0.5])
@pytest.mark.parametrize("make", ["right_wrong", "graded", "skewed"])
def test_answers_correlate_within_groups_as_asked(make, icc):
    rng, groups = np.random.default_rng(2), np.repeat(np.arange(20_000), 2)
    answers = (
        sim.right_wrong(rng, groups, 0.8, icc)
        if make == "right_wrong"
        else getattr(sim, make)(rng, groups, icc)
    )
    pairs = answers.reshape(-1, 2)
    # Standard error of a correlation of 20,000 pairs: .007; skewed answers a little more.
    assert np.corrcoef(pairs.T)[0, 1] == pytest.approx(icc, abs=0.03)
    mean = {"right_wrong": 0.8, "graded": sim.GRADED_MEAN, "skewed": 4.0}[make]
    assert answers.mean() == pytest.approx(mean, rel=0.02)


def test_groups_labels_and_shifts_are_as_described():
    rng = np.random.default_rng(3)
    groups = sim.grouped(rng, 10_000)
    assert len(groups) == 10_000
    assert set(np.bincount(groups)) == {1, 2, 3, 4, 5, 6}
    by_group, by_case = (sim.labelled(rng, groups, 0.3, way) for way in (True, False))
    assert by_group.mean() == pytest.approx(0.3, abs=0.03)
    assert len({*zip(groups.tolist(), by_group.tolist(), strict=True)}) == groups.max() + 1
    assert len({*zip(groups.tolist(), by_case.tolist(), strict=True)}) > groups.max() + 1000
    clean = sim.right_wrong(rng, groups, 0.9, 0.0)
    assert sim.shifted(rng, groups, clean, 0.0).mean() == pytest.approx(0.73, abs=0.02)


def test_the_committed_result_holds_no_failure_that_the_page_does_not_explain(script, result):
    honest = [c for c in result["cells"] if not c["control"] and not c["limit"]]
    short = {(c["name"], c["n"]) for c in honest if c["coverage_verdict"] == "short"}
    assert short <= {("mean", 20), ("cluster_bootstrap", 20)}
    liberal = [c for c in honest if c["level_verdict"] == "liberal"]
    assert {c["name"] for c in liberal} <= {"tost"}
    assert all(c["level"]["0.05"]["share"] <= 0.05 for c in liberal)
    assert script.silent_controls(result) == []


def test_the_committed_result_is_of_these_rows_and_the_page_of_that_result(script, result):
    found = [(c["name"], c["data"], c["n"], c["icc"]) for c in result["cells"]]
    assert found == [(row.name, row.data, n, icc) for row in ROWS for n in SIZES for icc in row.iccs]
    assert script.PAGE.read_text() == script.page(result)
