"""Declared splits: planted drops are found, a change of what is asked is told from a weakness."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medaudit.errors import UsageError
from medaudit.finding import Verdict
from medaudit.probes.robustness import robustness
from medaudit.readers import ReadOptions, load_cases

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"
METRICS = ("accuracy", "relative_robustness", "relative_robustness_corrected", "accuracy_drop")
EVER = "a gap here cannot be told from a change of what is asked"


def run(kit: Any, cases: Any, say: Any, *splits: str, **parameters: Any) -> Any:
    return kit.run(robustness, cases, say, shifts={}, splits=splits, **parameters)


def lookup(cases: Any, wrong: set[str]) -> Any:
    truth = {case.id: case.answer for case in cases}
    turned = {"yes": "no", "no": "yes"}
    return lambda seen: turned[truth[seen.picture]] if seen.picture in wrong else truth[seen.picture]


def test_a_planted_split_is_found_in_every_metric(kit: Any) -> None:
    # 60 cases under 40 or from 60, of which 30 are wrong; 60 between, of which 6 are.
    ages = [30, 70] * 30 + [50] * 60
    cases = kit.cases(kit.half(120), age=ages)
    wrong = {f"c{n}" for n in [*range(30), *range(60, 66)]}

    found = run(kit, cases, lookup(cases, wrong), "age<40|age>=60")

    where = {"split": "age < 40 | age >= 60"}
    assert found.one("accuracy", **where).estimate == pytest.approx(0.5)
    assert found.one("relative_robustness", **where).estimate == pytest.approx(0.5 / 0.9)
    drop = found.one("accuracy_drop", **where)
    assert drop.estimate == pytest.approx(0.4)
    assert drop.p_value < 0.01
    assert drop.interval[0] > 0.2
    assert (drop.data["n_value"], drop.data["n_rest"], drop.data["missing"]) == (60, 60, 0)
    # Answers are as frequent on both sides: nothing of the drop is a change of priors.
    left = found.one("accuracy_drop_standardised", **where)
    assert left.estimate == pytest.approx(0.4)
    assert left.interval[0] > 0.2
    assert drop.data["drop_by_priors"] == pytest.approx(0)
    assert drop.reason == ""


def test_a_drop_made_by_answers_alone_is_standardised_away(kit: Any) -> None:
    # A model that says yes to everything: 80 of 100 are no at site B, 50 of 100 at site A.
    answers = ["no"] * 80 + ["yes"] * 20 + ["no", "yes"] * 50
    cases = kit.cases(answers, site=["B"] * 100 + ["A"] * 100)

    found = run(kit, cases, lambda seen: "yes", "site == B")

    drop = found.one("accuracy_drop", split="site == B")
    left = found.one("accuracy_drop_standardised", split="site == B")
    assert drop.estimate == pytest.approx(0.3)
    assert left.estimate == pytest.approx(0)
    assert left.interval[0] <= 0 <= left.interval[1]
    assert drop.data["drop_by_priors"] == pytest.approx(0.3)
    assert drop.data["drop_by_priors_interval"][0] > 0.1
    # V of the table [[80, 20], [50, 50]] is sqrt(900 / (130 * 70)).
    assert drop.data["association_with_answer"]["v"] == pytest.approx(3000 / (100 * (130 * 70) ** 0.5))
    assert drop.reason.startswith("site == B goes together with the right answer (V = 0.31): ")
    assert EVER in found.one("subgroup_gap", attribute="site").reason


def test_a_weakness_stays_after_standardising(kit: Any) -> None:
    # The same answers; wrong in a quarter of either answer at B alone.
    answers = ["no"] * 80 + ["yes"] * 20 + ["no", "yes"] * 50
    cases = kit.cases(answers, site=["B"] * 100 + ["A"] * 100)
    wrong = {f"c{n}" for n in [*range(20), *range(80, 85)]}

    found = run(kit, cases, lookup(cases, wrong), "site == B")

    left = found.one("accuracy_drop_standardised", split="site == B")
    assert left.estimate == pytest.approx(0.25)
    assert left.data["drop_by_priors"] == pytest.approx(0)


def test_a_split_that_decides_the_answer_has_no_counterparts_and_says_so(kit: Any) -> None:
    cases = kit.cases(["yes"] * 40 + ["no"] * 40, probe=["linear"] * 40 + ["convex"] * 40)

    found = run(kit, cases, lookup(cases, {"c1"}), "probe == linear")

    left = found.one("accuracy_drop_standardised", split="probe == linear")
    assert (left.estimate, left.verdict) == (None, Verdict.INCONCLUSIVE)
    assert "only 0% of its cases have counterparts" in left.reason
    assert "(V = 1.00)" in found.one("accuracy_drop", split="probe == linear").reason


def test_a_split_that_means_nothing_is_said_to_go_with_nothing(kit: Any) -> None:
    told = 0
    for seed in range(30):
        sides = np.random.default_rng(seed).permutation(["L", "R"] * 40)
        cases = kit.cases(kit.half(80), side=list(sides))
        found = run(
            kit, cases, lambda seen: "yes", "side == L", noise_cases=1, attributes=("side",), seed=seed
        )
        told += EVER in found.one("accuracy_drop", split="side == L").reason

    assert told <= 4  # nominal 5 % of 30 is 1.5


def test_two_sides_leave_out_what_lies_between(kit: Any) -> None:
    cases = kit.cases(kit.half(90), age=[30] * 30 + [50] * 30 + [70] * 30)

    drop = run(kit, cases, lookup(cases, {"c0"}), "age < 40 vs age >= 60").one(
        "accuracy_drop", split="age < 40 vs age >= 60"
    )

    assert (drop.data["n_value"], drop.data["n_rest"], drop.data["missing"]) == (30, 30, 30)
    assert drop.estimate == pytest.approx(1 / 30)


def test_groups_on_both_sides_are_counted(kit: Any) -> None:
    cases = kit.cases(kit.half(80), group=[f"p{i // 2}" for i in range(80)], view=["AP", "PA"] * 40)

    found = run(kit, cases, lookup(cases, set()), "view == AP", "view==AP")

    data = found.one("accuracy_drop", split="view == AP").data
    assert (data["groups_value"], data["groups_rest"], data["groups_both"]) == (40, 40, 40)


def test_few_cases_are_said_to_be_few(kit: Any) -> None:
    cases = kit.cases(kit.half(60), sex=["F"] * 4 + ["M"] * 56)

    found = run(kit, cases, lookup(cases, set()), "sex == F", "sex == M", "sex == X")

    assert found.one("accuracy", split="sex == F").reason == "n = 4 is under the minimum of 10"
    assert found.one("accuracy", split="sex == X").n == 0
    assert found.one("accuracy_drop", split="sex == M").reason == (
        "of the other side, n = 4 is under the minimum of 10"
    )


@pytest.mark.parametrize("text", ["sexx == F", "sex = F", "sex < 3", 3])
def test_a_split_that_cannot_be_read_stops_before_anything_is_asked(kit: Any, text: Any) -> None:
    cases = kit.cases(kit.half(20), sex=["F", "M"] * 10)
    asked: list[Any] = []

    with pytest.raises(UsageError, match="split"):
        run(kit, cases, lambda seen: asked.append(seen) or "yes", text)
    assert asked == []


@pytest.fixture
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("no folder of real images at ../shared/data beside the checkout")
    return SHARED


@pytest.mark.shared_data
def test_the_probe_of_lung_ultrasound_goes_with_the_disease(kit: Any, shared: Path) -> None:
    cases = load_cases(shared / "lung_ultrasound", ReadOptions(label=("label",))).cases

    found = run(kit, cases, lambda seen: "covid", "probe == linear", noise_cases=1)

    drop = found.one("accuracy_drop", split="probe == linear")
    assert "probe == linear goes together with the right answer" in drop.reason
    # Eleven patients: strong in these pictures, and said to be no proof about others.
    assert drop.data["association_with_answer"]["v"] == pytest.approx(0.664, abs=0.001)
    assert "V = 0.66; chance alone makes 0." in drop.reason
    assert EVER in found.one("subgroup_gap", attribute="probe").reason


@pytest.mark.shared_data
def test_the_projection_of_hannover_shows_in_the_pictures(kit: Any, shared: Path) -> None:
    cases = load_cases(shared / "cxr_hannover", ReadOptions(label=("icu",))).cases

    found = run(kit, cases, lambda seen: "yes", "projection == ap", "sex == f", noise_cases=1)

    size = found.one("shift_size", split="projection == ap", by="image")
    assert size.interval[0] > 0.5
    assert size.p_value < 0.05
    assert found.one("accuracy", split="sex == f").n > 10


@pytest.mark.shared_data
def test_age_and_sex_split_dermoscopy(kit: Any, shared: Path) -> None:
    cases = load_cases(shared / "skin_isic2017", ReadOptions(label=("melanoma",))).cases

    found = run(
        kit, cases, lambda seen: "yes", "age_approximate < 40 vs age_approximate >= 60", "sex == female",
        noise_cases=1,
    )  # fmt: skip

    for split in ("age_approximate < 40 vs age_approximate >= 60", "sex == female"):
        drop = found.one("accuracy_drop", split=split)
        assert min(drop.data["n_value"], drop.data["n_rest"]) >= 10
        assert drop.data["missing"] > 0
        assert found.one("shift_size", split=split, by="image").estimate is not None
