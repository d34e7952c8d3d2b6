"""Real differences beside synthetic shifts, on one scale."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from medaudit.finding import Finding
from medaudit.reports.contrast import contrast
from medaudit.reports.items import Item
from medaudit.reports.sections import sections


def item(value: float | None, metric: str = "relative_robustness", /, **where: Any) -> Item:
    ends = None if value is None else (value - 0.05, value + 0.05)
    reason = "" if value is not None else "too few"
    found = Finding("robustness", metric, value, interval=ends, n=100, groups=100, slice=where, reason=reason)
    return Item(found.to_dict())


SHIFTS = [item(0.98, shift="jpeg"), item(0.71, shift="noise"), item(0.5, shift="noise", severity=5)]
SEX = {"attribute": "sex", "value": "F"}
REAL = [
    item(0.80, attribute="sex", value="F"),
    item(1.25, attribute="sex", value="M"),
    item(0.95, attribute="view", value="AP"),
    item(None, attribute="view", value="PA"),
    item(0.60, split="age < 40 vs age >= 60"),
]


def test_the_worst_value_of_each_column_and_each_split_stand_above_the_shifts() -> None:
    found = contrast([*SHIFTS, *REAL, item(0.2, "accuracy_drop", shift="noise")])

    assert found is not None
    assert [(label.split(":")[0], row.estimate) for label, row in found.rows] == [
        ("real", 0.60),
        ("real", 0.80),
        ("real", 0.95),
        ("synthetic", 0.71),
        ("synthetic", 0.98),
    ]
    assert found.rows[1][0] == "real: sex = F"


def test_without_one_of_the_two_there_is_nothing_to_contrast() -> None:
    assert contrast(SHIFTS) is None
    assert contrast(REAL) is None
    assert contrast([*SHIFTS, item(None, attribute="sex", value="F")]) is None


def test_the_report_shows_it_once(draw: Callable[..., str], document: dict[str, Any]) -> None:
    text = draw("html", document)

    assert text.count("Real differences and synthetic shifts</h3>") == 1
    assert "synthetic: " in text


def test_what_no_forest_shows_stands_in_a_ladder_of_its_own() -> None:
    pair = {"attribute": "age x sex"}
    rows = [*REAL[:3], item(0.2, "intersection_gap", **pair), item(0.9, "shift_size", by="image", **SEX)]

    (section,) = sections(rows)

    assert [block.rows[0][0] for block in section.forests] == ["F", "AP"]
    titles = {block.title: [label for label, _ in block.rows] for block in section.ladders}
    assert titles == {
        "Gap between intersections": ["attribute age x sex"],
        "Size of the shift (AUC)": ["sex = F, by image"],
    }
