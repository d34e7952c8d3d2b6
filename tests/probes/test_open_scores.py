"""Open answers keep their text scores, means over what was answered."""

from __future__ import annotations

from typing import Any

import pytest

from medaudit.case import Case
from medaudit.model import Answer
from medaudit.probes.baselines import baselines


def test_means_over_answered_open_questions(kit: Any) -> None:
    closed = kit.cases(kit.half(4))
    said: dict[str, str | Answer] = {
        "c0": "left lung",
        "c1": "lung",
        "c2": "heart",
        "c3": Answer(error="late"),
    }
    opened = tuple(Case(f"o{i}", c.images, "Where?", "left lung", (), c.group) for i, c in enumerate(closed))

    scores = kit.run(baselines, opened, lambda seen: said.get(seen.picture, "")).one("accuracy", image="full")

    found = scores.data["open_scores"]
    assert set(found) == {"n", "exact", "f1", "bleu", "rougeL"}
    assert found["n"] == 3
    # By hand: 1, one of two words (F1 2/3), nothing.
    assert found["exact"] == pytest.approx(1 / 3)
    assert found["f1"] == pytest.approx((1 + 2 / 3) / 3)
    assert found["rougeL"] == pytest.approx((1 + 2 / 3) / 3)


def test_closed_questions_have_none(kit: Any) -> None:
    run = kit.run(baselines, kit.cases(kit.half(20)), lambda seen: "yes")

    assert all("open_scores" not in finding.data for finding in run.findings)
