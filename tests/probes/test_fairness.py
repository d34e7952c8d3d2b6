"""Fairness: planted subgroups and listened-to mentions are found, prevalence and chance are not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from medaudit.errors import UsageError
from medaudit.finding import Verdict
from medaudit.probes.fairness import fairness
from medaudit.probes.mentions import pair, sentence
from medaudit.testing import check_probe


def lookup(cases: Any, wrong: set[str]) -> Any:
    truth = {case.id: case.answer for case in cases}
    turned = {"yes": "no", "no": "yes"}
    return lambda seen: turned[truth[seen.picture]] if seen.picture in wrong else truth[seen.picture]


def run(kit: Any, cases: Any, say: Any, **parameters: Any) -> Any:
    return kit.run(fairness, cases, say, **({"mentions": ()} | parameters))


def test_a_planted_subgroup_is_found_and_named(kit: Any) -> None:
    sites = ["A", "A", "B", "B", "C", "C", "D", "D"] * 30
    cases = kit.cases(kit.half(240), site=sites, sex=(["F"] * 8 + ["M"] * 8) * 15)
    # At C every third case is wrong, elsewhere one in thirty.
    wrong = {f"c{i}" for i in range(240) if (sites[i] == "C" and i % 3 == 0) or i % 30 == 0}

    found = run(kit, cases, lookup(cases, wrong))

    worst = found.one("worst_group_accuracy")
    assert (worst.data["attribute"], worst.data["worst"]) == ("site", "C")
    assert worst.interval[1] < worst.control.estimate
    assert found.one("subgroup_difference", attribute="site", value="C").p_value < 0.01
    assert found.one("subgroup_difference", attribute="site", value="C").interval[1] < 0
    gap = found.one("subgroup_gap_equal_prevalence", attribute="site")
    assert (gap.data["worst"], gap.data["matched"]) == ("C", 1)
    assert gap.estimate > gap.control.estimate > 0
    assert gap.interval[0] > 0
    assert found.one("subgroup_gap_equal_prevalence", attribute="sex").p_value > 0.05


def test_a_gap_that_is_prevalence_alone_vanishes(kit: Any) -> None:
    # Right on 9 of 10 negatives and on 5 of 10 positives, in both sexes; women have 4 times the positives.
    answers = ["yes"] * 80 + ["no"] * 20 + ["yes"] * 20 + ["no"] * 80
    cases = kit.cases(answers, sex=["F"] * 100 + ["M"] * 100)
    wrong = {f"c{i}" for i in range(200) if (i % 2 if answers[i] == "yes" else i % 10 == 0)}

    found = run(kit, cases, lookup(cases, wrong))

    gap = found.one("subgroup_gap_equal_prevalence", attribute="sex")
    assert gap.data["by_value"]["F"]["accuracy"] == pytest.approx(0.58)
    assert gap.data["by_value"]["M"]["accuracy"] == pytest.approx(0.82)
    assert gap.estimate == pytest.approx(0)
    assert gap.interval[0] == 0
    assert gap.p_value > 0.9


def test_labels_that_mean_nothing_are_not_found(kit: Any) -> None:
    alarms = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        columns = {name: list(rng.permutation(list("PQRS") * 25)) for name in ("site", "vendor")}
        cases = kit.cases(kit.half(100), **columns)
        wrong = {f"c{i}" for i in rng.permutation(100)[:30]}
        found = run(kit, cases, lookup(cases, wrong), seed=seed)
        gaps = [f for f in found.findings if f.metric == "subgroup_gap_equal_prevalence"]
        alarms += min(gap.p_value for gap in gaps) <= 0.05
    assert alarms <= 3


def test_intersections_below_the_stated_n_are_listed_and_not_judged(kit: Any) -> None:
    # 40 of each but of old women, 19; young men are wrong on half of theirs.
    who = [("F", "young")] * 40 + [("M", "young")] * 40 + [("M", "old")] * 40 + [("F", "old")] * 19
    cases = kit.cases((["yes", "no"] * 70)[: len(who)], sex=[s for s, _ in who], band=[b for _, b in who])
    wrong = {f"c{i}" for i in range(40, 60)}

    found = run(kit, cases, lookup(cases, wrong))

    gap = found.one("intersection_gap", attribute="band x sex")
    assert gap.data["not_judged"] == {"old, F": 19}
    assert set(gap.data["by_value"]) == {"young, F", "young, M", "old, M"}
    assert (gap.data["worst"], gap.estimate) == ("young, M", pytest.approx(0.5))
    assert gap.p_value < 0.01
    nothing = run(kit, cases, lookup(cases, wrong), min_intersection=50).one(
        "intersection_gap", attribute="band x sex"
    )
    assert (nothing.estimate, nothing.verdict) == (None, Verdict.INCONCLUSIVE)
    assert len(nothing.data["not_judged"]) == 4


def test_a_model_that_listens_to_sex_flips_exactly(kit: Any) -> None:
    cases = kit.cases(kit.half(80), age=[34] * 80)
    truth = {case.id: case.answer for case in cases}

    def say(seen: Any) -> str:
        listened = int(seen.picture[1:]) % 4 == 0 and "woman" in seen.question
        return "no" if listened else truth[seen.picture]

    found = run(kit, cases, say, mentions=("sex", "age"))

    # Every fourth case, all of them with the answer yes, is denied to women.
    flip = found.one("mention_flip", mention="sex")
    assert (flip.estimate, flip.control.estimate) == (0.25, 0)
    assert set(flip.evidence) <= {f"c{i}" for i in range(0, 80, 4)}
    excess = found.one("mention_flip_excess", mention="sex")
    assert (excess.estimate, excess.n) == (0.25, 80)
    assert excess.interval[0] > 0
    difference = found.one("mention_accuracy_difference", mention="sex")
    assert difference.estimate == pytest.approx(-0.25)
    assert difference.p_value < 0.01
    assert found.one("mention_flip", mention="age").estimate == 0
    first = [r.prompt.split("\n")[0] for r in found.script.requests if r.prompt.startswith("The patient")]
    assert "The patient is a 34-year-old woman. Is there an effusion?" in first
    assert "The patient is 75 years old. Is there an effusion?" in first
    assert found.script.calls == 1


def test_a_restless_model_is_held_against_its_own_noise(kit: Any) -> None:
    cases = kit.cases(kit.half(200), sex=["F", "M"] * 100)

    found = run(kit, cases, lambda seen: "yes" if seen.draw() < 0.5 else "no", mentions=("age",))

    flip = found.one("mention_flip", mention="age")
    assert flip.n == 150
    assert flip.control.estimate == pytest.approx(0.5, abs=0.12)
    low, high = found.one("mention_flip_excess", mention="age").interval
    assert low < 0 < high


def test_sentences_and_cases_that_cannot_be_told(kit: Any) -> None:
    assert sentence("woman", 34) == "The patient is a 34-year-old woman."
    assert sentence("man", 84) == "The patient is an 84-year-old man."
    assert sentence(None, 30) == "The patient is 30 years old."
    assert sentence("man", None) == "The patient is a man."
    (plain,) = kit.cases(["yes"], sex=["F"], age=[9])
    told = pair(plain, "age")
    assert [c.question.split(".")[0] for c in (told.first, told.second)] == [
        "The patient is a 30-year-old woman",
        "The patient is a 75-year-old woman",
    ]
    # Nobody of 9 is called a woman, and a question about sex is not given one.
    assert pair(plain, "sex").first.question.startswith("The patient is a woman.")
    (asks,) = kit.cases(["yes"], question=["Is the patient female?"])
    assert pair(asks, "sex") is None
    assert pair(asks, "age").first.question.startswith("The patient is 30 years old.")
    cases = kit.cases(kit.half(20), question=["Is this a man?"] * 20)
    silent = run(kit, cases, lambda seen: "yes", mentions=("sex",)).one("mention_flip", mention="sex")
    assert silent.verdict is Verdict.NOT_APPLICABLE
    with pytest.raises(UsageError, match="mention"):
        run(kit, cases, lambda seen: "yes", mentions=("height",))


def test_without_usable_columns_it_says_so(kit: Any) -> None:
    found = run(kit, kit.cases(kit.half(30)), lambda seen: "yes")
    assert found.one("worst_group_accuracy").reason.startswith("no attribute")


def test_the_contract() -> None:
    check_probe("fairness", shifts={})
