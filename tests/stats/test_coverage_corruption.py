"""Coverage of the corruption errors: the committed result, its truths on paper, and a fast tier."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script():
    path = ROOT / "benchmarks/coverage_corruption.py"
    spec = importlib.util.spec_from_file_location("coverage_corruption", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def cells(script):
    return json.loads(script.RESULT.read_text())["cells"]


def test_truths_on_paper(script):
    # Right after harm: yes .95 * .8 + .05 * .1 = .765, no .9 * .8 + .1 * .1 = .73; "yes" is right in .7.
    true = script.truths()
    assert true["balanced_error", "harmful"] == pytest.approx((0.235 + 0.27) / 2)
    harmful, clean = 0.7 * 0.235 + 0.3 * 0.27, 0.7 * 0.05 + 0.3 * 0.1
    assert true["relative_error", "harmful"] == pytest.approx((harmful - clean) / (0.3 - clean))
    assert true["relative_error", "null"] == pytest.approx(0)
    assert true["mean_corruption_error", ""] == pytest.approx((harmful + clean) / 2 / 0.3)


def test_the_committed_result_is_short_only_where_the_page_says_why(script, cells):
    honest = [c for c in cells if c["kind"] != script.WITHOUT_GROUPS]
    short = [c for c in honest if c["verdict"] == "short"]
    assert {(c["n"], c["kind"]) for c in short} <= {(50, "")}
    assert {c["metric"] for c in short} <= {"mean_corruption_error", "relative_error"}
    assert {c["n"] for c in honest} == {50, 200, 1000}


def test_the_committed_result_is_of_these_truths(script, cells):
    true = script.truths()
    assert {(c["metric"], c["shift"]) for c in cells} == set(true)
    assert all(c["truth"] == round(true[c["metric"], c["shift"]], 5) for c in cells)


def test_leaving_groups_out_is_seen(script, cells):
    control = [c for c in cells if c["kind"] == script.WITHOUT_GROUPS]
    assert len(control) == 5
    assert all(c["verdict"] == "short" for c in control)


def test_a_few_samples_cover(script):
    # 40 samples of 100 cases: `short` below 80 % (chance .001 each).
    found = script.cells(100, 0.2, 40)
    assert {c["metric"] for c in found} == {"mean_corruption_error", "balanced_error", "relative_error"}
    assert all(c["verdict"] != "short" for c in found), found
