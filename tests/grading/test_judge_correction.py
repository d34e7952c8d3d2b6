"""Corrected accuracy: exact identities, refusals, and coverage over simulated judges of known error."""

from __future__ import annotations

import numpy as np
import pytest

from medaudit.grading.judge_correction import corrected_accuracy, lang_reiczigel

Judged = dict[str, float | None]


def drawn(
    rng: np.random.Generator,
    n: int,
    labelled: int,
    truth: float,
    se: float,
    sp: float,
    per_group: int = 1,
) -> tuple[Judged, dict[str, float], dict[str, str]]:
    """Answers right with probability ``truth``, a judge with these rates, labels on the first groups."""
    groups = [f"g{i // per_group}" for i in range(n)]
    if per_group == 1:
        right = rng.random(n) < truth
    else:
        rates = rng.beta(4 * truth, 4 * (1 - truth), size=n // per_group + 1)
        right = rng.random(n) < rates[np.arange(n) // per_group]
    says = np.where(right, rng.random(n) < se, rng.random(n) >= sp)
    ids = [f"c{i}" for i in range(n)]
    judged: Judged = {c: float(s) for c, s in zip(ids, says, strict=True)}
    human = {c: float(r) for c, r in zip(ids[:labelled], right[:labelled], strict=True)}
    return judged, human, dict(zip(ids, groups, strict=True))


def test_error_rates_undone_by_hand() -> None:
    # 50 labelled: 25 right of which 20 found (Se 0.8), 25 wrong of which 22 refused (Sp 0.88).
    judged: Judged = {f"r{i}": float(i < 20) for i in range(25)} | {f"w{i}": float(i < 3) for i in range(25)}
    human = {case: float(case[0] == "r") for case in judged}
    judged |= {f"u{i}": float(i < 17) for i in range(50)}

    found = corrected_accuracy(judged, human)

    assert found.judged.estimate == pytest.approx(0.40)
    assert found.human.estimate == pytest.approx(0.5)
    assert (found.sensitivity.estimate, found.specificity.estimate) == pytest.approx((0.8, 0.88))
    assert found.youden == pytest.approx(0.68)
    assert found.rogan_gladen.estimate == pytest.approx((0.40 + 0.88 - 1) / 0.68)
    # J on the labelled: mean 0.46, variance 0.2484; cov(H, J) = 0.4 - 0.5 * 0.46 = 0.17; n / (N - n) = 1.
    assert found.tuning == pytest.approx(0.17 / (0.2484 * 2))
    assert found.ppi.estimate == pytest.approx(found.tuning * 0.34 + 0.5 - found.tuning * 0.46)


def test_a_perfect_judge_is_left_as_it_is() -> None:
    judged: Judged = {f"c{i}": float(i % 4 == 0) for i in range(200)}
    found = corrected_accuracy(judged, {f"c{i}": float(i % 4 == 0) for i in range(40)})

    assert found.judged.estimate == pytest.approx(0.25)
    assert found.rogan_gladen.estimate == pytest.approx(0.25)
    assert found.ppi.estimate == pytest.approx(0.25)
    assert found.rogan_gladen.interval is not None
    assert found.rogan_gladen.interval[1] - found.rogan_gladen.interval[0] > 0.1


@pytest.mark.parametrize("se_sp", [(0.5, 0.5), (0.9, 0.1), (0.2, 0.2)])
def test_a_useless_judge_gives_no_number_and_says_why(se_sp: tuple[float, float]) -> None:
    judged, human, _ = drawn(np.random.default_rng(1), 400, 100, 0.6, *se_sp)

    found = corrected_accuracy(judged, human)

    assert found.rogan_gladen.estimate is None
    assert "not shown to tell right from wrong" in found.rogan_gladen.reason
    assert found.ppi.estimate == pytest.approx(0.6, abs=0.15)


def test_too_few_labels_or_one_class_only_correct_nothing() -> None:
    judged: Judged = {f"c{i}": float(i % 2) for i in range(50)}

    few = corrected_accuracy(judged, {f"c{i}": float(i % 2) for i in range(9)})
    same = corrected_accuracy(judged, {f"c{i}": 1.0 for i in range(20)})
    none = corrected_accuracy(judged, {})

    assert few.rogan_gladen.estimate is None
    assert "9 labelled answers are too few" in few.rogan_gladen.reason
    assert few.ppi.estimate is None
    assert "humans call 0 labelled answers wrong" in same.rogan_gladen.reason
    assert same.specificity.estimate is None
    assert none.human.estimate is None
    assert none.judged.estimate == 0.5


def test_answers_without_a_verdict_are_left_out() -> None:
    judged: Judged = {f"c{i}": float(i % 2) for i in range(60)}
    human = {f"c{i}": float(i % 2) for i in range(20)}
    with_lost = corrected_accuracy({**judged, "lost": None}, {**human, "lost": 1.0})

    assert with_lost == corrected_accuracy(judged, human)


def test_labels_that_are_no_random_sample_show_as_drift() -> None:
    judged: Judged = {f"c{i}": float(i < 40) for i in range(200)}
    easy = corrected_accuracy(judged, {f"c{i}": float(i < 40) for i in range(50)})
    fair = corrected_accuracy(judged, {f"c{i}": float(i < 40) for i in range(0, 200, 4)})

    assert easy.drift.interval is not None
    assert easy.drift.interval[0] > 0.5
    assert fair.drift.interval is not None
    assert fair.drift.interval[0] < 0 < fair.drift.interval[1]


def test_the_published_interval_has_its_limits() -> None:
    # With a test that never errs, known from endless trials, it is the interval of a plain share.
    low, high = lang_reiczigel(0.3, 1.0, 1.0, (100, 1e9, 1e9), 1.96)
    n, p = 100 + 1.96**2, (30 + 1.96**2 / 2) / (100 + 1.96**2)
    half = 1.96 * (p * (1 - p) / n) ** 0.5

    assert (low, high) == pytest.approx((p - half, p + half), abs=1e-6)
    assert lang_reiczigel(0.3, 0.4, 0.5, (100, 50, 50), 1.96) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("truth", "se", "sp", "per_group"),
    [(0.6, 0.9, 0.8, 1), (0.3, 0.8, 0.95, 1), (0.5, 1.0, 1.0, 1), (0.5, 0.85, 0.85, 4)],
)
def test_both_methods_cover_the_truth_where_the_raw_judge_does_not(
    truth: float, se: float, sp: float, per_group: int
) -> None:
    runs = 200
    held = {"rogan_gladen": 0, "ppi": 0, "judged": 0}
    known = dict.fromkeys(held, 0)
    errors: dict[str, list[float]] = {name: [] for name in held}
    rng = np.random.default_rng(7)
    for _ in range(runs):
        found = corrected_accuracy(*drawn(rng, 600, 120, truth, se, sp, per_group))
        for name in held:
            part = getattr(found, name)
            if part.interval is None:
                continue
            known[name] += 1
            held[name] += part.interval[0] <= truth <= part.interval[1]
            errors[name].append(part.estimate - truth)

    assert known["ppi"] == runs
    assert known["rogan_gladen"] >= 0.97 * runs
    for name in ("rogan_gladen", "ppi"):
        # 0.915 is over two standard errors under 0.95 at 200 runs.
        assert held[name] / known[name] >= 0.915, (name, held)
        assert abs(np.mean(errors[name])) < 0.02
    raw_bias = truth * se + (1 - truth) * (1 - sp) - truth
    assert np.mean(errors["judged"]) == pytest.approx(raw_bias, abs=0.015)
