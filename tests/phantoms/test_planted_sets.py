"""Planted associations: exactly as strong as declared at home, turned round away, absent elsewhere."""

from __future__ import annotations

from typing import Any

import pytest
from scipy.stats import binomtest

from medaudit.errors import UsageError
from medaudit.image import keyed_rng
from medaudit.phantoms import Planted, case_set
from medaudit.phantoms.cases import SETS, Drawn, SetRecipe, drawn, plant
from medaudit.phantoms.modalities import modality
from medaudit.phantoms.picture import Lesion, Picture

LEVELS: dict[str, tuple[Any, Any]] = {
    "vendor": ("A", "B"),
    "sex": ("M", "F"),
    "view": ("PA", "AP"),
    "tube": (0.0, 1.0),
    "leads": (0.0, 1.0),
    "text": (0.0, 1.0),
    "marker": ("upper-right", "upper-left"),
}


def signed_v(rows: list[Drawn], planted: Planted, site: str) -> float:
    """Phi of the 2 x 2 table over pictures: Cramer's V with the sign of the association."""
    pictures = {picture.patient: picture for case, picture, _ in rows if case.meta["site"] == site}.values()
    cells = [[0, 0], [0, 0]]
    for picture in pictures:
        there = bool(picture.places(planted.finding))
        cells[there][planted.levels.index(getattr(picture, planted.factor))] += 1
    (a, b), (c, d) = cells
    squared = (a + b) * (c + d) * (a + c) * (b + d)
    return float((a * d - b * c) / squared**0.5)


@pytest.mark.parametrize("name", ["chest-marker", "chest-tube"])
def test_a_named_set_has_its_association_at_home_and_the_reverse_away(name: str) -> None:
    recipe = SETS[name]
    assert isinstance(recipe, SetRecipe)
    assert recipe.planted is not None
    rows = drawn(name, 2000, seed=0)

    assert signed_v(rows, recipe.planted, "home") == pytest.approx(0.9, abs=0.02)
    assert signed_v(rows, recipe.planted, "away") == pytest.approx(-0.9, abs=0.02)


@pytest.mark.parametrize("factor", LEVELS)
@pytest.mark.parametrize(("finding", "v"), [("opacity", 0.7), ("effusion", 0.8), ("nodule", 0.95)])
def test_any_factor_goes_with_any_finding_as_strongly_as_told(factor: str, finding: str, v: float) -> None:
    planted = Planted(factor, finding, LEVELS[factor], v=v)
    rows = drawn("chest", 800, seed=5, planted=planted)

    assert signed_v(rows, planted, "home") == pytest.approx(v, abs=0.02)
    assert signed_v(rows, planted, "away") == pytest.approx(-v, abs=0.03)


def test_in_a_plain_set_and_at_v_0_nothing_is_associated() -> None:
    nothing = Planted("vendor", "nodule", ("A", "B"), v=0.0)

    assert abs(signed_v(drawn("chest", 800, 5, planted=nothing), nothing, "home")) < 0.02
    plain = drawn("chest", 2000, 5)
    for factor, levels in LEVELS.items():
        for site in "AB":
            # Three standard deviations of phi over about 500 pictures.
            assert abs(signed_v(plain, Planted(factor, "nodule", levels), site)) < 0.14


def test_planting_changes_that_factor_alone() -> None:
    planted = Planted("vendor", "nodule", ("A", "B"))
    before = [picture for _, picture, _ in drawn("chest", 200, 5)]
    after = [picture for _, picture, _ in drawn("chest", 200, 5, planted=planted)]

    assert [picture.but(vendor="A") for picture in before] == [picture.but(vendor="A") for picture in after]
    assert before != after


def test_what_is_planted_replaces_what_the_set_had() -> None:
    planted = Planted("vendor", "nodule", ("A", "B"), v=0.8)
    rows = drawn("chest-marker", 1400, 5, planted=planted)
    marker = Planted("marker", "opacity", LEVELS["marker"])

    assert signed_v(rows, planted, "home") == pytest.approx(0.8, abs=0.02)
    assert abs(signed_v(rows, marker, "home")) < 0.12
    assert sum(question.name == "nodule" for _, _, question in rows) == 700


@pytest.mark.parametrize("name", ["fundus", "ct"])
def test_associations_are_planted_in_other_modalities_too(name: str) -> None:
    planted = Planted("vendor", modality(name).kinds[0], ("B", "A"), v=0.8)

    rows = drawn(name, 600, 2, planted=planted)

    assert signed_v(rows, planted, "home") == pytest.approx(0.8, abs=0.02)


def test_seven_in_ten_pictures_come_from_home_and_half_the_questions_ask_for_the_finding() -> None:
    cases = case_set("chest-marker", 1400).cases
    sites = {case.group: case.meta["site"] for case in cases}.values()
    home = sum(site == "home" for site in sites)

    assert binomtest(home, len(sites), 0.7).pvalue > 0.001
    assert sum(case.question == "Is there an opacity?" for case in cases) == 700


def test_where_every_picture_has_the_finding_the_level_agrees_with_chance_half_1_plus_v() -> None:
    pictures = [Picture("chest", i, (Lesion("nodule", "left"),)) for i in range(2000)]
    planted = Planted("vendor", "nodule", ("A", "B"), v=0.8)

    with_b = sum(picture.vendor == "B" for picture in plant(pictures, planted, keyed_rng(1)))
    turned = sum(picture.vendor == "B" for picture in plant(pictures, planted, keyed_rng(1), turned=True))

    assert binomtest(with_b, 2000, 0.9).pvalue > 0.001
    assert binomtest(turned, 2000, 0.1).pvalue > 0.001


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_sets_too_small_for_any_association_are_dealt_all_the_same(n: int) -> None:
    for seed in range(20):
        assert len(case_set("chest-tube", n, seed)) == n


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (Planted("vendr", "nodule", ("A", "B")), "Did you mean 'vendor'"),
        (Planted("patient", "nodule", (1, 2)), "Unknown factor 'patient'"),
        (Planted("vendor", "nodul", ("A", "B")), "Did you mean 'nodule'"),
        (Planted("vendor", "nodule", ("A", "Z")), "Unknown vendor 'Z'"),
        (Planted("vendor", "nodule", ("A", "A")), "two different"),
        (Planted("vendor", "nodule", ("A", "B"), v=1.2), "from 0 to 1"),
    ],
)
def test_what_cannot_be_planted_is_refused_in_one_sentence(wrong: Planted, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        case_set("chest", 50, planted=wrong)


def test_sets_of_more_than_single_pictures_take_no_planted_association() -> None:
    with pytest.raises(UsageError, match="chest-visits takes no planted association"):
        case_set("chest-visits", 50, planted=Planted("vendor", "nodule", ("A", "B")))
