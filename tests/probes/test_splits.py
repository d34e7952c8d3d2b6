"""Real-world splits: planted gaps are found, meaningless labels are not, few cases are said to be few."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from medaudit.context import Context
from medaudit.finding import Threshold, Verdict
from medaudit.model import ModelInfo
from medaudit.probes.attributes import usable
from medaudit.probes.robustness import robustness
from medaudit.probes.sheet import Sheet
from medaudit.probes.splits import split_findings

METRICS = ("accuracy", "relative_robustness", "relative_robustness_corrected", "accuracy_drop")


def lookup(cases: Any, wrong: set[str]) -> Any:
    truth = {case.id: case.answer for case in cases}
    turned = {"yes": "no", "no": "yes"}
    return lambda seen: turned[truth[seen.picture]] if seen.picture in wrong else truth[seen.picture]


def run(kit: Any, cases: Any, wrong: set[str], **parameters: Any) -> Any:
    return kit.run(robustness, cases, lookup(cases, wrong), shifts={}, **parameters)


def test_a_planted_gap_is_found_in_every_metric(kit: Any) -> None:
    # 100 from each scanner; 90 right on A, 50 right on B.
    cases = kit.cases(kit.half(200), scanner=["A"] * 100 + ["B"] * 100)
    wrong = {f"c{index}" for index in [*range(10), *range(100, 150)]}

    found = run(kit, cases, wrong)

    where = {"attribute": "scanner", "value": "B"}
    assert found.one("accuracy", **where).estimate == pytest.approx(0.5)
    ratio = found.one("relative_robustness", **where)
    assert ratio.estimate == pytest.approx(0.5 / 0.9)
    assert ratio.interval[1] < 1
    drop = found.one("accuracy_drop", **where)
    assert drop.estimate == pytest.approx(0.4)
    assert drop.p_value < 0.01
    assert drop.evidence == tuple(f"c{index}" for index in range(100, 112))
    gap = found.one("subgroup_gap", attribute="scanner")
    assert gap.estimate == pytest.approx(0.4)
    assert gap.p_value < 0.01
    assert gap.data["worst"] == "B"
    assert gap.data["by_value"]["A"]["n"] == 100
    assert gap.data["by_value"]["A"]["accuracy"] == pytest.approx(0.9)
    assert 0 < gap.interval[0] < 0.4 < gap.interval[1]
    assert gap.data["excess"] == pytest.approx(0.4 - gap.control.estimate)


def test_labels_that_mean_nothing_are_not_found(kit: Any) -> None:
    rng = np.random.default_rng(5)
    cases = kit.cases(kit.half(250), site=list(rng.permutation(["P", "Q", "R", "S", "T"] * 50)))
    wrong = {f"c{index}" for index in rng.permutation(250)[:75]}

    found = run(kit, cases, wrong)

    gap = found.one("subgroup_gap", attribute="site")
    assert gap.p_value > 0.05
    # Five groups of 50: the largest gap is some way from 0 by chance alone, and the control says so.
    assert 0.08 < gap.control.estimate < 0.2
    assert gap.estimate > 0.05
    for value in "PQRST":
        low, high = found.one("relative_robustness", attribute="site", value=value).interval
        assert low <= 1 <= high


@pytest.mark.parametrize("share", [0.5, 0.7])
def test_chance_does_not_fail_a_gate_on_the_gap_but_a_planted_gap_does(kit: Any, share: float) -> None:
    # Eight labels of 30 cases: the raw gap is about 0.25 without any difference.
    limit, labels = Threshold("<=", 0.05), [f"L{index % 8}" for index in range(240)]
    cases = kit.cases(kit.half(240), site=labels)
    fails = 0
    for seed in range(50):
        draws = np.random.default_rng(seed).random(240)
        gap = _site_gap(kit, cases, (draws < share).astype(float), seed)
        assert 0 <= gap.interval[0] <= gap.estimate <= gap.interval[1]
        fails += gap.gated(limit).verdict is Verdict.FAIL
    # 90 % right, but 40 % at one label.
    planted = np.asarray([float(k // 8 < (12 if label == "L3" else 27)) for k, label in enumerate(labels)])

    found = _site_gap(kit, cases, planted, 0)

    assert fails <= 4  # 100 simulations in both parts: at most 8
    assert found.estimate == pytest.approx(0.5)
    assert found.gated(limit).verdict is Verdict.FAIL


def _site_gap(kit: Any, cases: Any, scores: Any, seed: int) -> Any:
    """The gap alone: what the probe does besides is asked for in the tests around."""
    ctx = Context(
        cases=cases,
        model=ModelInfo("none", "python", "0", frozenset()),
        ask=lambda requests: [],
        seed=seed,
        resamples=300,
    )
    (column,) = usable(cases, ("site",), 10)
    rows = split_findings(Sheet(ctx, "robustness", cases), [column], scores, scores)
    return next(row for row in rows if row.metric == "subgroup_gap")


def test_a_split_without_shift_covers_1_about_as_often_as_it_says(kit: Any) -> None:
    covered = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        cases = kit.cases(kit.half(120), side=["L", "R"] * 60)
        wrong = {case.id for case in cases if rng.random() < 0.3}
        found = run(kit, cases, wrong, noise_cases=1)
        low, high = found.one("relative_robustness", attribute="side", value="L").interval
        covered += low <= 1 <= high

    assert covered >= 88  # nominal 95, three standard deviations of slack


def test_groups_on_both_sides_are_counted_once(kit: Any) -> None:
    # Every patient has one picture from each view.
    cases = kit.cases(kit.half(80), group=[f"p{i // 2}" for i in range(80)], view=["AP", "PA"] * 40)

    ratio = run(kit, cases, {"c0", "c7"}).one("relative_robustness", attribute="view", value="AP")

    assert ratio.groups == 40
    assert ratio.interval[0] <= ratio.estimate <= ratio.interval[1]


def test_correction_uses_the_baseline_of_each_side(kit: Any) -> None:
    # Side A asks a question whose answer is always yes: right there proves little.
    questions = ["Is it a chest?"] * 60 + ["Is there an effusion?"] * 60
    answers = ["yes"] * 60 + ["yes", "no"] * 30
    cases = kit.cases(answers, question=questions, site=["A"] * 60 + ["B"] * 60)
    wrong = {f"c{index}" for index in range(60, 66)}

    found = run(kit, cases, wrong)

    easy = found.one("relative_robustness_corrected", attribute="site", value="A")
    # The question-only predictor is right on every case of A, so nothing is left to keep there.
    assert easy.estimate == pytest.approx(0)
    assert found.one("accuracy", attribute="site", value="A").control.estimate == 1
    assert found.one("relative_robustness", attribute="site", value="A").estimate == pytest.approx(1 / 0.9)


def test_a_value_with_few_cases_is_inconclusive_and_says_how_few(kit: Any) -> None:
    cases = kit.cases(kit.half(60), sex=["F"] * 4 + ["M"] * 56)

    found = run(kit, cases, set())

    few = found.one("accuracy", attribute="sex", value="F")
    assert (few.estimate, few.verdict, few.n) == (None, Verdict.INCONCLUSIVE, 4)
    assert few.reason == "n = 4 is under the minimum of 10"
    assert found.one("accuracy", attribute="sex", value="M").estimate == 1
    assert found.one("accuracy_drop", attribute="sex", value="M").estimate is None
    assert {"attribute": "sex"} not in found.slices("subgroup_gap")


def test_missing_values_stand_on_neither_side(kit: Any) -> None:
    cases = kit.cases(kit.half(60), sex=["F"] * 20 + ["M"] * 20 + [None] * 10 + ["unknown"] * 10)

    finding = run(kit, cases, set()).one("relative_robustness", attribute="sex", value="F")

    assert finding.n == 40
    assert (finding.data["n_value"], finding.data["n_rest"], finding.data["missing"]) == (20, 20, 20)


def test_a_column_of_one_value_or_of_identifiers_gives_nothing(kit: Any) -> None:
    cases = kit.cases(kit.half(60), modality=["xray"] * 60, study=[f"s{i}" for i in range(60)])

    found = run(kit, cases, set())

    assert found.slices("subgroup_gap") == []
    assert found.slices("accuracy") == [{}]


def test_ages_are_split_at_40_and_60(kit: Any) -> None:
    ages: list[Any] = [39, 40, 59, 59.5, 60, "81", None, 12] * 10
    cases = kit.cases(kit.half(80), age=ages)

    (column,) = usable(cases, (), 10)

    assert column.labels[:8] == ("<40", "40-59", "40-59", "40-59", ">=60", ">=60", None, "<40")
    assert column.counts == {"40-59": 30, "<40": 20, ">=60": 20}


def test_other_numbers_are_split_in_thirds_with_stated_edges(kit: Any) -> None:
    cases = kit.cases(kit.half(90), kvp=list(range(90)))

    found = run(kit, cases, set())

    values = [where["value"] for where in found.slices("accuracy") if where]
    assert len(values) == 3
    finding = found.one("accuracy", attribute="kvp", value=values[0])
    # Thirds of 0..89: the quantiles lie at 89/3 and 178/3, and each third holds 30.
    assert finding.data["edges"] == pytest.approx([89 / 3, 178 / 3])
    assert [found.one("accuracy", attribute="kvp", value=value).n for value in values] == [30, 30, 30]


def test_a_named_column_of_many_values_is_used_where_values_are_large(kit: Any) -> None:
    vendor = ["big"] * 20 + ["large"] * 20 + [f"v{index}" for index in range(20)]
    cases = kit.cases(kit.half(60), vendor=vendor)

    named = run(kit, cases, set(), attributes=("vendor",))

    assert {where.get("value") for where in named.slices("accuracy")} == {None, "big", "large"}
    assert run(kit, cases, set()).slices("accuracy") == [{}]


@pytest.mark.parametrize("value", [True, 3, "F", 0.5])
def test_slices_keep_the_type_of_the_value(kit: Any, value: Any) -> None:
    cases = kit.cases(kit.half(40), column=[value] * 20 + ["rest"] * 20)

    finding = run(kit, cases, set()).one("accuracy", attribute="column", value=value)

    assert type(finding.slice["value"]) is type(value)
