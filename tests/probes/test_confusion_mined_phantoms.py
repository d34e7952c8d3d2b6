"""``confusion`` mined question by question on trained phantoms: what was planted is what is mined."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from medaudit.alarms import judge
from medaudit.engine import Engine
from medaudit.models import load_model
from medaudit.phantoms.cases import case_set
from medaudit.registry import available
from medaudit.store import Store
from medaudit.testing import context_for

#: Not a seed of training, of the cards, of calibration or of the benchmark.
SEED = 779
RULES = {"confusion": available("probe")["confusion"].alarms}
SIDE, SIZE = "On which side of the patient is the opacity?", "Is the nodule small or large?"


@cache
def rows(name: str) -> dict[tuple[str, str], Any]:
    """Findings in mode text over two questions, by metric and attribute ("" for all pairs)."""
    cases = [case for case in case_set("chest", 2400, SEED).cases if case.question in (SIDE, SIZE)]
    model = load_model(f"phantom:{name}")
    with Store(":memory:") as store:
        ask = Engine(model, store).ask
        run = available("probe")["confusion"].run
        # 150 pictures a question and view, 11,000 pairs, of which 560 reach this quantile.
        found = run(context_for(cases, model, ask=ask), modes=("text",), mine="question", quantile=0.95)
        return {
            (finding.metric, str(finding.slice.get("attribute", ""))): finding
            for finding in found
            if not {"order", "image"} & set(finding.slice)
        }


@pytest.mark.parametrize(
    ("name", "planted", "other"), [("confused-side", SIDE, SIZE), ("confused-size", SIZE, SIDE)]
)
def test_the_planted_attribute_is_what_is_mined(name: str, planted: str, other: str) -> None:
    found = rows(name)

    mined = found["mined_pairs", ""]
    by = {row["attribute"]: row["mined"] for row in mined.data["attributes"]}
    assert by[planted.casefold()] >= 0.95 * mined.estimate >= 10
    assert found["unseen_ratio", planted.casefold()].interval[0] > 0.2
    assert found["unseen_ratio", other.casefold()].interval[1] < 0.2
    raised = [alarm for alarm in judge(found.values(), RULES) if alarm.raised]
    assert [alarm.slice["attribute"] for alarm in raised] == [planted.casefold()]
    assert "it takes pictures with different right answers for the same" in raised[0].says
    excess = found["confusion_excess", planted.casefold()]
    assert excess.interval[0] > 0.5
    assert excess.p_value < 0.01
    assert found["confusion", planted.casefold()].reason.startswith("cannot tell ")


def test_a_clean_phantom_sees_both_and_no_pair_is_mined() -> None:
    found = rows("clean")

    assert found["mined_pairs", ""].estimate == 0
    alarms = judge(found.values(), RULES)
    assert [alarm.raised for alarm in alarms] == [False, False]
    assert all(alarm.p_value is not None for alarm in alarms)
    assert "tells the answers to every question apart" in found["mined_pairs", ""].reason
    for question in (SIDE, SIZE):
        assert found["unseen_ratio", question.casefold()].interval[1] < 0.2
    assert found["confusion_excess", ""].estimate is None
