"""The tables in the terminal and in the docs."""

from __future__ import annotations

import copy
from typing import Any

from medaudit.calibration.record import Record
from medaudit.calibration.table import flaw_rows, markdown, percent, power_rows, terminal
from medaudit.calibration.tally import rate


def test_the_table_of_flaws_has_a_row_for_each_and_a_column_for_each_probe(document: dict[str, Any]) -> None:
    assert flaw_rows(document) == [
        ("phantom", "should be named by", "baselines", "robustness", "false alarms"),
        ("clean ones", "nothing", "false alarm 0/60", "false alarm 1/60", "2/60"),
        ("wrong-at-b", "robustness/subgroup_gap attribute=vendor", "quiet", "found 10/10", "0/10"),
        ("to-come", "none of these probes", "quiet", "quiet", "0/10"),
    ]


def test_the_table_of_power_has_a_column_for_each_size_and_gaps_where_nothing_was_run(
    document: dict[str, Any],
) -> None:
    assert power_rows(document) == [
        ("phantom", "effect", "n = 60", "n = 240"),
        ("wrong-at-b", "10 points", "0.05", "0.30"),
        ("wrong-at-b", "20 points", "", "0.82"),
        ("wrong-at-b", "40 points", "0.75", "1.00"),
    ]
    for flaw in document["flaws"]:
        flaw["power"] = []
    assert power_rows(document) == []


def test_the_terminal_shows_the_family_wise_rate_and_both_tables_aligned(document: dict[str, Any]) -> None:
    lines = terminal(Record(document)).split("\n")

    assert lines[0] == ("false alarms of a whole clean audit: 2 of 60 (3.3 %, 95 % interval 0.4 to 11.5 %)")
    starts = [line.index("found 10/10") for line in lines if "found 10/10" in line]
    assert starts == [next(line for line in lines if line.startswith("phantom")).index("robustness")]
    assert "power, at 95 % family-wise confidence" in lines
    for flaw in document["flaws"]:
        flaw["power"] = []
    assert "power" not in terminal(Record(document))


def test_no_run_is_told_as_such() -> None:
    assert percent(rate(0, 0)) == "no run"


def test_hostile_names_stay_in_their_cell(document: dict[str, Any]) -> None:
    """A folder may be called anything: no further column, no markup, no escape sequence."""
    hostile = copy.deepcopy(document)
    hostile["flaws"][0]["flaw"] = "a|b\n| `c` <b>[x](y)\x1b[31m\u202e"

    text = markdown(flaw_rows(hostile))

    lines = text.split("\n")
    assert len(lines) == 1 + 1 + 3
    assert {line.replace("\\|", "").count("|") for line in lines} == {6}
    assert "a\\|b \\| \\`c\\` &lt;b&gt;\\[x\\](y)" in text
    assert all(ch.isprintable() for ch in text.replace("\n", ""))
    shown = terminal(Record(hostile))
    assert all(ch.isprintable() for ch in shown.replace("\n", ""))
    # Control: a plain name is left as it is.
    assert "| wrong-at-b |" in markdown(flaw_rows(document))


def test_no_rows_make_no_table() -> None:
    assert markdown([]) == ""
