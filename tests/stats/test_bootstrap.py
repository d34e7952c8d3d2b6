"""The cluster bootstrap draws whole groups, exactly, reproducibly, in any case order."""

from __future__ import annotations

import numpy as np
import pytest

from medaudit.stats import bootstrap, cluster_bootstrap, design_effect
from medaudit.stats.clusters import group_codes


def means(sums, sizes):
    return sums[:, 0] / sizes


def test_two_groups_give_the_law_known_on_paper():
    # Groups {1, 1} and {0}: both drawn twice 1/4 each (means 1 and 0), mixed 1/2 (mean 2/3).
    draws = cluster_bootstrap(np.array([[1.0], [1.0], [0.0]]), ["p", "p", "q"], means, resamples=40_000)
    shares = [np.mean(np.isclose(draws, value)) for value in (0, 2 / 3, 1)]
    assert shares == pytest.approx([0.25, 0.5, 0.25], abs=0.01)
    assert sum(shares) == pytest.approx(1)


def test_merged_cells_and_plain_draws_have_the_same_law():
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(400), 3)
    binary = (rng.random(1200) < 0.3).astype(float)[:, None]
    jittered = binary + 1e-9 * rng.random((1200, 1))  # every group its own cell
    merged, plain = (cluster_bootstrap(x, groups, means, resamples=8000) for x in (binary, jittered))
    assert merged.mean() == pytest.approx(plain.mean(), abs=4 * plain.std() / 8000**0.5 * 1.5)
    assert merged.std() == pytest.approx(plain.std(), rel=0.04)


def test_case_order_and_chunks_change_nothing(monkeypatch):
    rng = np.random.default_rng(4)
    values, groups = rng.random((60, 1)), rng.integers(0, 20, 60)
    order = rng.permutation(60)
    reference = cluster_bootstrap(values, groups, means, seed=5)
    assert np.array_equal(reference, cluster_bootstrap(values[order], groups[order], means, seed=5))
    assert not np.array_equal(reference, cluster_bootstrap(values, groups, means, seed=6))
    monkeypatch.setattr(bootstrap, "_BUDGET", 50)
    assert np.allclose(reference, cluster_bootstrap(values, groups, means, seed=5))


def test_the_global_generator_is_left_alone():
    state = np.random.get_state()[1].copy()
    cluster_bootstrap(np.ones((4, 1)), [1, 1, 2, 2], means)
    assert np.array_equal(state, np.random.get_state()[1])


def test_standard_error_is_the_clustered_one():
    rng = np.random.default_rng(8)
    patient = np.repeat(rng.random(300) < 0.5, 4).astype(float)  # four copies of one answer each
    draws = cluster_bootstrap(patient[:, None], np.repeat(np.arange(300), 4), means, resamples=8000)
    assert draws.std() == pytest.approx(patient.std() / 300**0.5, rel=0.04)
    alone = cluster_bootstrap(patient[:, None], np.arange(1200), means, resamples=8000)
    assert alone.std() == pytest.approx(draws.std() / 2, rel=0.05)


def test_design_effect_counts_the_copies():
    copies = np.tile(np.repeat([0.0, 1.0], 4), 50)
    groups = np.repeat(np.arange(100), 4)
    assert design_effect(copies, groups) == pytest.approx(4 * (399 / 400) * (100 / 99))
    assert design_effect(copies, np.arange(400)) == pytest.approx(1)
    assert design_effect([1, 1, 1], [1, 2, 3]) == 1.0


@pytest.mark.parametrize("columns", [np.ones(3), np.array([[1.0], [np.nan], [0.0]]), np.ones((2, 1))])
def test_malformed_columns_are_refused(columns):
    with pytest.raises(ValueError, match="column"):
        cluster_bootstrap(columns, [1, 2, 3], means)


def test_groups_of_any_hashable_kind_are_numbered_by_value():
    codes, count = group_codes(["b", ("a", 1), 7, "b"])
    assert count == 3
    assert codes[0] == codes[3]
    assert len(set(codes.tolist())) == 3
