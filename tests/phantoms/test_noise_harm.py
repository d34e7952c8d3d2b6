"""A phantom that sees nothing under noise is harmed the more, the more noise there is, whatever made it."""

from __future__ import annotations

import pytest

import medaudit

pytestmark = pytest.mark.slow
NOISES = ("gaussian_noise", "low_dose", "chest_speckle_noise")


def accuracies(name: str) -> dict[str, list[float]]:
    plan = {"probe": {"robustness": {"severities": [1, 3, 5], "noise_cases": 1}}}
    audit = medaudit.scan(
        f"phantom:{name}", "phantom:chest", plan=plan, limit=80, probes=["robustness"], shifts=NOISES
    )
    return {
        noise: [
            f.estimate for f in audit.findings if f.metric == "accuracy" and f.slice.get("shift") == noise
        ]
        for noise in NOISES
    }


def test_harm_rises_with_severity_on_the_noise_fragile_phantom_and_hardly_on_the_clean_one() -> None:
    fragile, clean = accuracies("noise-fragile"), accuracies("clean")

    for noise in NOISES:
        first, middle, last = fragile[noise]
        assert first + 0.03 >= middle >= last - 0.03, noise
        assert last < 0.6, noise
        assert clean[noise][2] > last + 0.2, noise
    assert clean["low_dose"][2] > clean["low_dose"][0] - 0.1
    assert clean["gaussian_noise"][2] > clean["gaussian_noise"][0] - 0.1
