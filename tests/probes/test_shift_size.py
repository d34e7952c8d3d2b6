"""How large is a shift: nothing where sides are drawn alike, everything where a pixel tells them apart."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from medaudit.image import ArrayImage
from medaudit.probes.descriptors import picture_features, question_features
from medaudit.probes.robustness import robustness


def noisy(kit: Any, n: int, seed: int = 0, brighter: str = "", **columns: Any) -> Any:
    """Cases with pictures of noise, brighter at site ``brighter``."""
    rng = np.random.default_rng(seed)
    cases = []
    for case in kit.cases(kit.half(n), **columns):
        level = 60 if brighter and case.meta.get("site") == brighter else 0
        pixels = rng.integers(0, 150, (24, 24, 3)).astype(np.uint8) + np.uint8(level)
        cases.append(replace(case, images=(ArrayImage(pixels, case.id),)))
    return tuple(cases)


def run(kit: Any, cases: Any, *splits: str, **parameters: Any) -> Any:
    return kit.run(
        robustness, cases, lambda seen: "yes", shifts={}, splits=splits, noise_cases=1, **parameters
    )


def test_sides_that_a_picture_tells_apart_have_an_area_of_one(kit: Any) -> None:
    cases = noisy(kit, 80, brighter="B", site=["A", "B"] * 40)

    size = run(kit, cases, "site == B").one("shift_size", split="site == B", by="image")

    assert size.estimate == 1
    assert 0.85 < size.interval[0] < 1
    assert size.p_value < 0.01
    assert size.control.metric == "permuted_labels"
    assert size.control.estimate == pytest.approx(0.5, abs=0.05)


def test_sides_drawn_alike_have_an_interval_that_holds_a_half(kit: Any) -> None:
    covered = 0
    for seed in range(12):
        sides = list(np.random.default_rng(100 + seed).permutation(["A", "B"] * 30))
        cases = noisy(kit, 60, seed, site=sides)
        low, high = (
            run(kit, cases, seed=seed).one("shift_size", attribute="site", value="A", by="image").interval
        )
        covered += low <= 0.5 <= high

    assert covered >= 10  # nominal 11.4


def test_questions_of_another_kind_are_told_apart_and_the_same_ones_are_not(kit: Any) -> None:
    asked = ["Where is the lesion?", "How large is the organ?"] * 30
    cases = noisy(kit, 60, question=asked, site=["A", "B"] * 30, sex=(["F"] * 2 + ["M"] * 2) * 15)

    found = run(kit, cases)

    assert found.one("shift_size", attribute="site", value="B", by="question").estimate == 1
    same = found.one("shift_size", attribute="sex", value="F", by="question")
    assert same.interval[0] <= 0.5 <= same.interval[1]
    alone = run(kit, noisy(kit, 60, site=["A", "B"] * 30))
    silent = alone.one("shift_size", attribute="site", value="B", by="question")
    assert (silent.estimate, silent.reason) == (None, "every case is asked the same question")


def test_pictures_of_one_patient_do_not_tell_where_the_patient_is_from(kit: Any) -> None:
    # Ten looks at each of 12 patients; every patient is bright in a way of its own, sites mean nothing.
    rng = np.random.default_rng(1)
    patients = [n // 10 for n in range(120)]
    level = rng.integers(0, 100, 12)
    cases = []
    for case, patient in zip(
        kit.cases(kit.half(120), group=[f"p{p}" for p in patients], site=["AB"[p % 2] for p in patients]),
        patients, strict=True,
    ):  # fmt: skip
        pixels = np.clip(rng.normal(level[patient] + 50, 3, (16, 16, 3)), 0, 255).astype(np.uint8)
        cases.append(replace(case, images=(ArrayImage(pixels, case.id),)))

    size = run(kit, tuple(cases)).one("shift_size", attribute="site", value="A", by="image")

    assert size.groups == 12
    assert size.p_value > 0.05
    assert size.interval[0] <= 0.5 <= size.interval[1]


def test_only_columns_worth_it_are_measured_unless_named(kit: Any) -> None:
    cases = noisy(kit, 80, vendor=[f"v{n % 5}" for n in range(80)], sex=["F", "M"] * 40)

    quiet = {row["attribute"] for row in run(kit, cases).slices("shift_size")}
    asked = {row["attribute"] for row in run(kit, cases, attributes=("vendor",)).slices("shift_size")}

    assert (quiet, asked) == ({"sex"}, {"vendor"})


def test_both_values_of_a_column_get_the_same_number(kit: Any) -> None:
    found = run(kit, noisy(kit, 60, sex=["F", "M"] * 30))

    first, second = (found.one("shift_size", attribute="sex", value=v, by="image") for v in "FM")

    assert first.estimate == second.estimate
    assert first.interval == second.interval


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (64, 64), (300, 200)])
def test_any_picture_has_a_description(kit: Any, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    cases = [
        replace(case, images=(ArrayImage(rng.integers(0, 256, (*shape, 3)).astype(np.uint8), case.id),))
        for case in kit.cases(["yes", "no"])
    ]

    features = picture_features(cases)

    assert features.shape == (2, 256 + 128 + 16 + 9)
    assert np.isfinite(features).all()


def test_words_that_one_question_alone_has_tell_nothing(kit: Any) -> None:
    cases = kit.cases(["yes", "no", "yes"], question=["Is it large?", "Is it small?", "Is large left?"])

    features = question_features(cases)

    # Known: is (in all, weight log 1 = 0), it, large.
    assert features.shape == (3, 3)
    assert features[0] == pytest.approx([0, 2**-0.5, 2**-0.5])
    assert features[1] == pytest.approx([0, 1, 0])
