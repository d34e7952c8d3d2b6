"""Case sets: true answers, balance, and the marker's association as declared."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from scipy.stats import binomtest, chi2_contingency

from medaudit.case import Case, CaseSet
from medaudit.errors import DataError, UsageError
from medaudit.image import pixel_digest
from medaudit.phantoms import card, case_set, checkpoint, data_names, matching_data, names
from medaudit.prompting import prompt_for


@pytest.fixture(scope="module")
def plain() -> CaseSet:
    return case_set("chest", 2800)


@pytest.fixture(scope="module")
def marked() -> CaseSet:
    return case_set("chest-marker", 2400)


def answer_from_boxes(case: Case) -> str:
    """Independent reader: knows nothing of specs, only the boxes of the case and where they lie."""
    found = [(region.label, (region.box[0] + region.box[2]) / 2 > 32) for region in case.regions]
    asked = next((kind for kind in ("opacity", "effusion", "nodule") if kind in case.question), None)
    if asked is None:
        return found[0][0] if found else "normal"
    at = [on_picture_right for label, on_picture_right in found if label == asked]
    if case.options == ("yes", "no"):
        return "yes" if at else "no"
    assert len(at) == 1, "a side question where the finding is not on exactly one side"
    return "left" if at[0] else "right"


@pytest.mark.parametrize("name", ["chest", "chest-marker"])
def test_answers_follow_from_the_boxes(name: str) -> None:
    cases = case_set(name, 600, seed=3).cases

    assert [case.answer for case in cases] == [answer_from_boxes(case) for case in cases]


def test_answers_are_balanced_within_each_question(plain: CaseSet) -> None:
    for question in {case.question for case in plain.cases}:
        counts = Counter(case.answer for case in plain.cases if case.question == question)
        options = next(case.options for case in plain.cases if case.question == question)

        assert set(counts) == set(options)
        assert max(counts.values()) - min(counts.values()) <= 1


@pytest.mark.parametrize("n", [1, 7, 240])
def test_the_set_has_exactly_n_cases_with_unique_ids(n: int) -> None:
    assert len(case_set("chest", n)) == n


@pytest.mark.parametrize("column", ["sex", "view", "vendor", "site", "marker"])
@pytest.mark.parametrize("kind", ["opacity", "effusion", "nodule"])
def test_in_chest_nothing_is_associated_with_a_finding(plain: CaseSet, column: str, kind: str) -> None:
    pictures = {case.group: case for case in plain.cases}.values()
    table = Counter((kind in {r.label for r in case.regions}, case.meta[column]) for case in pictures)
    values = sorted({str(value) for _, value in table})

    _, p_value, _, _ = chi2_contingency([[table[present, v] for v in values] for present in (True, False)])

    assert p_value > 0.001


def agreements(cases: CaseSet, site: str) -> list[bool]:
    pictures = {case.group: case for case in cases.cases if case.meta["site"] == site}.values()
    return [
        any(r.label == "opacity" for r in case.regions) == (case.meta["marker"] == "upper-left")
        for case in pictures
    ]


@pytest.mark.parametrize(("site", "declared"), [("home", 0.95), ("away", 0.05)])
def test_the_marker_agrees_with_the_opacity_as_declared(marked: CaseSet, site: str, declared: float) -> None:
    agreed = agreements(marked, site)

    assert binomtest(sum(agreed), len(agreed), declared).pvalue > 0.001
    assert binomtest(sum(agreed), len(agreed), 0.5).pvalue < 1e-6


def test_in_chest_the_marker_agrees_by_chance_only(plain: CaseSet) -> None:
    agreed = agreements(plain, "A") + agreements(plain, "B")

    assert binomtest(sum(agreed), len(agreed), 0.5).pvalue > 0.001


def test_seven_in_ten_pictures_come_from_home_and_half_the_questions_ask_for_an_opacity(
    marked: CaseSet,
) -> None:
    sites = Counter({case.group: case.meta["site"] for case in marked.cases}.values())
    opacity = [case for case in marked.cases if case.question == "Is there an opacity?"]

    assert binomtest(sites["home"], sites.total(), 0.7).pvalue > 0.001
    assert len(opacity) == len(marked) / 2


def test_a_picture_is_asked_about_at_most_twice_and_never_the_same(plain: CaseSet) -> None:
    by_group: dict[str, list[Case]] = {}
    for case in plain.cases:
        by_group.setdefault(case.group, []).append(case)

    assert Counter(len(group) for group in by_group.values())[2] > 0.9 * len(by_group)
    for group in by_group.values():
        assert len({case.question for case in group}) == len(group) <= 2
        assert len({case.images[0].digest for case in group}) == 1


def test_the_same_seed_gives_the_same_set_and_another_seed_other_patients() -> None:
    first, again, other = case_set("chest", 60), case_set("chest", 60), case_set("chest", 60, seed=1)

    assert first.digest() == again.digest() != other.digest()
    assert not {case.group for case in first.cases} & {case.group for case in other.cases}


def test_cases_are_public_and_carry_metadata_and_a_lazy_picture() -> None:
    cases = case_set("chest", 24)
    case = cases.cases[0]

    assert cases.public
    assert set(case.meta) == {"sex", "age", "view", "vendor", "site", "marker"}
    assert case.split == "test"
    assert pixel_digest(case.images[0].pixels()) == pixel_digest(case.images[0].pixels())
    assert len({pixel_digest(c.images[0].pixels()) for c in cases.cases}) == cases.groups


def test_training_prompts_are_what_an_audit_asks() -> None:
    from medaudit.phantoms.questions import QUESTIONS
    from medaudit.phantoms.vocabulary import wordings

    trained = {prompt for question in QUESTIONS for prompt in wordings(question)}

    assert {prompt_for(case) for case in case_set("chest", 70).cases} <= trained


def test_training_patients_are_never_met_in_case_sets() -> None:
    from medaudit.phantoms.lessons import RECIPES, rows

    trained = [row.spec.patient for row in rows(RECIPES["clean"], 0, 0) if row.spec is not None]
    tested = [int(case.group.removeprefix("phantom-")) for case in case_set("chest", 200).cases]

    assert min(trained) > max(tested)


def test_unknown_names_are_answered_with_the_nearest_legal_one() -> None:
    with pytest.raises(UsageError, match="Did you mean 'chest-marker'"):
        case_set("chest-marke")
    for ask in (checkpoint, matching_data, card):
        with pytest.raises(UsageError, match="Did you mean 'clean'"):
            ask("claen")
    with pytest.raises(DataError, match="from 1"):
        case_set("chest", 0)


def test_every_model_phantom_has_data_to_show_itself_on() -> None:
    assert {matching_data(name) for name in names()} == set(data_names())


def test_importing_phantoms_loads_nothing_heavy() -> None:
    code = (
        "import sys, medaudit.phantoms as p; p.names(); p.checkpoint('clean'); "
        "print([m for m in ('numpy', 'torch', 'transformers', 'PIL') if m in sys.modules])"
    )

    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert shown.stdout.strip() == "[]"


def test_age_is_spread_over_adults(plain: CaseSet) -> None:
    ages = np.array([case.meta["age"] for case in plain.cases], dtype=float)

    assert ages.min() >= 20
    assert ages.max() <= 90
    assert 50 < ages.mean() < 60
