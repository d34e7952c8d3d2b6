"""Rates from trials made by hand: every count is known."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from medaudit.alarms import AlarmRule
from medaudit.calibration.subjects import Subject
from medaudit.calibration.tally import bearable, by_probe, detection, false_alarms, limits, rate
from medaudit.calibration.trials import Trial
from medaudit.finding import Finding

GAP = AlarmRule("gap", "difference", ("attribute",), above=0.10)
BLIND = AlarmRule("blind", "gain", below=0.05)
RULES = {"splits": (GAP,), "looks": (BLIND,)}
Row = tuple[str, str, Mapping[str, Any], float]
SEX = ("splits", "difference", {"attribute": "sex"}, 0.40)
SITE = ("splits", "difference", {"attribute": "site"}, 0.35)
NO_GAIN: Row = ("looks", "gain", {}, -0.30)
QUIET = ("splits", "difference", {"attribute": "sex"}, 0.02)


def trial(*rows: Row, seed: int = 0) -> Trial:
    """Findings with a standard error of 0.05."""
    half = 0.05 * 1.959963984540054
    found = [
        Finding(probe, metric, value, interval=(value - half, value + half), n=100, groups=100, slice=where)
        for probe, metric, where, value in rows
    ]
    return Trial("x", "chest", seed, 100, tuple(finding.to_dict() for finding in found))


def flawed(finds: Mapping[str, Any] | None, *also: Mapping[str, Any]) -> Subject:
    return Subject("x", Path("x"), {"flaw": "x", "data": "chest", "finds": finds, "also": also})


SEXED = {"probe": "splits", "rule": "gap", "slice": {"attribute": "sex"}}
BLINDED = {"probe": "looks", "rule": "blind", "slice": {}}


@pytest.mark.parametrize(
    ("hits", "runs", "low", "high"),
    [
        (0, 60, 0.0, 0.0596),  # 1 - 0.025 ** (1 / 60)
        (1, 60, 0.0004, 0.0894),
        (3, 60, 0.0104, 0.1392),
        (9, 10, 0.5550, 0.9975),
        (10, 10, 0.6915, 1.0),  # 0.025 ** (1 / 10)
        (30, 60, 0.3681, 0.6319),
    ],
)
def test_rates_have_exact_intervals(hits: int, runs: int, low: float, high: float) -> None:
    told = rate(hits, runs)

    assert told == {"runs": runs, "hits": hits, "rate": hits / runs, "interval": told["interval"]}
    assert told["interval"] == pytest.approx([low, high], abs=5e-5)


def test_no_runs_have_no_rate() -> None:
    assert rate(0, 0) == {"runs": 0, "hits": 0, "rate": None, "interval": None}


def test_false_alarms_are_counted_by_run_and_by_probe() -> None:
    trials = [
        trial(QUIET),
        trial(SEX, SITE, NO_GAIN, seed=1),  # three alarms, one run
        trial(SEX, seed=2),
        trial(seed=3),
    ]

    told = false_alarms(trials, RULES)

    assert (told["audit"]["hits"], told["audit"]["runs"]) == (2, 4)
    # The last run held nothing that could have been an alarm.
    assert told["able"] == 3
    assert {name: each["hits"] for name, each in told["by_probe"].items()} == {"splits": 2, "looks": 1}
    heard = [(each["seed"], each["rule"], each["slice"]) for each in told["raised"]]
    assert sorted(heard, key=str) == [
        (1, "blind", {}),
        (1, "gap", {"attribute": "sex"}),
        (1, "gap", {"attribute": "site"}),
        (2, "gap", {"attribute": "sex"}),
    ]
    # At a level that nothing reaches there are none.
    assert false_alarms(trials, RULES, level=0.0)["audit"]["hits"] == 0


def test_found_named_and_other_are_told_apart() -> None:
    trials = [
        trial(SEX),  # found and named
        trial(SEX, SITE),  # found and named, and another beside it
        trial(SITE, ("splits", "difference", {"attribute": "sex"}, 0.30)),  # found; site is stronger
        trial(SITE),  # noticed in the wrong place: not found
        trial(SEX, NO_GAIN),  # found and named; what follows from the flaw is no false alarm
        trial(QUIET),  # missed
    ]

    told = detection(flawed(SEXED, BLINDED), trials, RULES)

    assert [told[name]["hits"] for name in ("found", "named", "other")] == [4, 3, 3]
    assert {told[name]["runs"] for name in ("found", "named", "other")} == {6}
    assert [each["slice"] for each in told["others"]] == [{"attribute": "site"}] * 3
    assert told["target"] == SEXED
    # The same without a consequence on the card: one false alarm more.
    assert detection(flawed(SEXED), trials, RULES)["other"]["hits"] == 4


def test_a_flaw_for_a_probe_to_come_is_neither_found_nor_missed() -> None:
    trials = [trial(SEX), trial(QUIET)]

    for subject, rules in (
        (flawed(None), RULES),
        (flawed({"probe": "later", "rule": "new"}), RULES),
        (flawed(BLINDED), {"splits": (GAP,)}),
    ):
        told = detection(subject, trials, rules)
        assert (told["found"]["rate"], told["named"]["rate"]) == (None, None)
        assert told["other"]["rate"] == 0.5


def test_what_each_probe_did_is_told_in_words() -> None:
    trials = [trial(SEX, NO_GAIN), trial(SEX), trial(SITE), trial(QUIET)]

    assert by_probe(flawed(SEXED, BLINDED), trials, RULES) == {
        "splits": "found 2/4, false alarm 1/4",
        "looks": "follows 1/4",
    }
    assert by_probe(flawed(None), trials, RULES) == {"splits": "false alarm 3/4", "looks": "false alarm 1/4"}
    assert by_probe(flawed(BLINDED), [trial(QUIET)], RULES) == {"splits": "quiet", "looks": "found 0/1"}


def test_limits_are_the_strictest_margins_that_clean_runs_bear() -> None:
    """Of 40 runs, level 0.05 and two rules leave one alarm to each: the second most extreme run decides.

    With a standard error of 0.05 and one test a run, a difference of 0.10 is shown above margins under
    0.10 - 1.645 x 0.05 = 0.018, and a gain of 0.20 below margins over 0.20 + 1.645 x 0.05 = 0.282.
    """
    gaps = [0.0] * 38 + [0.10, 0.90]
    gains = [0.9] * 38 + [0.20, 0.05]
    trials = [trial(("splits", "difference", {"attribute": "sex"}, value)) for value in gaps]
    looks = [trial(("looks", "gain", {}, value)) for value in gains]

    assert limits(trials, RULES) == {"splits/gap": 0.02, "looks/blind": 0.20}
    # 0.05 is shown below margins over 0.05 + 1.645 x 0.05 = 0.132; once it is allowed, twice it is not.
    assert limits(looks, RULES)["looks/blind"] == 0.20
    assert limits([*looks, looks[39]], RULES)["looks/blind"] == 0.10
    # 0.9 twice: no margin that is tried holds.
    assert "splits/gap" not in limits([*trials, trial(SEX), trial(SEX)], RULES)
    assert limits([trial(QUIET)], RULES)["splits/gap"] == 0.0
    assert limits([], RULES) == {}


def test_a_margin_is_borne_when_it_is_no_stricter_than_its_limit() -> None:
    assert bearable(GAP, 0.10)
    assert not bearable(GAP, 0.15)
    assert bearable(BLIND, 0.05)
    assert not bearable(BLIND, 0.04)
    assert not bearable(GAP, None)


def test_a_probe_run_by_name_has_a_target_of_its_own() -> None:
    subject = Subject(
        "x", Path("x"), {"flaw": "x", "data": "chest", "finds": SEXED, "also": (), "by_name": [BLINDED]}
    )
    alone, together = {"looks": (BLIND,)}, {"splits": (GAP,)}
    trials = [trial(SEX, NO_GAIN), trial(QUIET, NO_GAIN, seed=1)]

    assert (detection(subject, trials, alone)["target"], detection(subject, trials, together)["target"]) == (
        BLINDED,
        SEXED,
    )
    assert detection(subject, trials, alone)["found"]["hits"] == 2
    assert detection(subject, trials, together)["found"]["hits"] == 1
    # Neither is a false alarm where the other is looked for.
    assert detection(subject, trials, together)["other"]["hits"] == 0
    assert by_probe(subject, trials, alone) == {"looks": "found 2/2"}
    # Control: without it the same alarm is a false one.
    plain = Subject("x", Path("x"), {"flaw": "x", "data": "chest", "finds": SEXED, "also": ()})
    assert detection(plain, trials, alone)["other"]["hits"] == 2
