"""A gain that is not there and a gain that too few cases show are two different statements."""

from __future__ import annotations

from typing import Any

import pytest

from medaudit.probes.baselines import baselines


def test_a_gain_in_three_groups_is_not_shown_and_not_explained_away(kit: Any) -> None:
    # Right with the image in the two first groups and on half of the third; three patients prove nothing.
    answers = kit.half(24)
    cases = kit.cases(answers, group=[f"p{index // 8}" for index in range(24)])
    truth = {case.id: case.answer for case in cases[:20]}

    gain = kit.run(baselines, cases, lambda seen: truth.get(seen.picture, "no")).one("visual_gain")

    assert gain.estimate > 0
    assert gain.interval[0] <= 0
    assert gain.reason.startswith("not shown to beat its baselines at n = 24 in 3 groups")
    assert gain.data["explained_by_baseline"] is False
    assert gain.data["shown_to_beat"] is False


def test_one_group_has_no_interval_and_says_both(kit: Any) -> None:
    cases = kit.cases(kit.half(24), group=["p"] * 24)
    truth = {case.id: case.answer for case in cases}

    gain = kit.run(baselines, cases, lambda seen: truth.get(seen.picture, "no")).one("visual_gain")

    assert gain.interval is None
    assert "not shown to beat its baselines at n = 24 in 1 group;" in gain.reason
    assert gain.data["shown_to_beat"] is False


@pytest.mark.parametrize(("reads", "shown"), [(True, True), (False, False)])
def test_many_cases_decide_either_way(kit: Any, reads: bool, shown: bool) -> None:
    cases = kit.cases(kit.half(120))
    truth = {case.id: case.answer for case in cases} if reads else {}

    gain = kit.run(baselines, cases, lambda seen: truth.get(seen.picture, "no")).one("visual_gain")

    assert gain.data["shown_to_beat"] is shown
    assert gain.data["explained_by_baseline"] is not shown
    assert ("does not beat its baselines here" in gain.reason) is not shown
