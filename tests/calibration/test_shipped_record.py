"""The record that ships: what it promises, and that it speaks of the code and the phantoms beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import medaudit
from medaudit.calibration.page import page
from medaudit.calibration.record import Record, load_record, load_records
from medaudit.calibration.tally import bearable
from medaudit.phantoms import card, names
from medaudit.registry import available

ROOT = Path(__file__).resolve().parents[2]
AGAIN = "the record is of other code or phantoms: make calibration"


@pytest.fixture(scope="module")
def record() -> Record:
    found = load_record()
    assert found is not None, "no record is shipped: make calibration"
    return found


@pytest.fixture(scope="module")
def judged() -> dict[str, Any]:
    return {name: probe for name, probe in available("probe").items() if probe.alarms and probe.default}


def by_name() -> list[str]:
    return [name for name, probe in available("probe").items() if probe.alarms and not probe.default]


def test_whole_audits_of_clean_phantoms_are_quiet_in_19_of_20_runs(record: Record) -> None:
    clean = record.document["clean"]

    assert clean["audit"]["runs"] >= 40
    assert clean["audit"]["rate"] <= record.document["level"] == 0.05
    assert {"clean", "clean-twin", "clip-clean"} <= set(clean["phantoms"])


def test_every_flaw_is_found_and_rightly_named_by_its_probe_and_by_no_other(record: Record) -> None:
    flaws = record.document["flaws"]
    aimed = [flaw for flaw in flaws if flaw["target"]]

    assert len(aimed) >= 8
    for flaw in aimed:
        assert flaw["found"]["runs"] >= 10, flaw["flaw"]
        assert flaw["found"]["rate"] >= 0.9, flaw["flaw"]
        assert flaw["named"]["rate"] >= 0.9, flaw["flaw"]
    assert sum(flaw["other"]["hits"] for flaw in flaws) <= 0.05 * sum(f["other"]["runs"] for f in flaws)


def test_no_margin_is_stricter_than_clean_audits_bear(record: Record, judged: dict[str, Any]) -> None:
    limits = {(m["probe"], m["rule"]): m["limit"] for m in record.document["margins"]}

    for name, probe in judged.items():
        for rule in probe.alarms:
            assert bearable(rule, limits[name, rule.name]), f"{name}/{rule.name}: {AGAIN}"


def test_it_is_of_these_probes_and_these_phantoms(record: Record, judged: dict[str, Any]) -> None:
    assert {row["probe"] for row in record.rows(judged, 240)} == set(judged), AGAIN
    assert record.document["weights"] == {name: card(name)["weights_sha256"] for name in names()}, AGAIN


def test_power_rises_with_the_dose_and_with_the_number_of_cases(record: Record) -> None:
    for flaw in record.document["flaws"]:
        cells = {(cell["effect"], cell["n"]): cell["power"] for cell in flaw["power"]}
        if not cells:
            continue
        most, largest = max(effect for effect, _ in cells), max(n for _, n in cells)
        assert cells[most, largest] == 1.0, flaw["flaw"]
        for (effect, n), power in cells.items():
            # Neighbouring cells are draws of 40: a standard error of 0.08.
            assert power <= cells[most, n] + 0.1, (flaw["flaw"], effect, n)
            assert power <= cells[effect, largest] + 0.1, (flaw["flaw"], effect, n)


def test_the_page_in_the_docs_is_drawn_from_it(record: Record) -> None:
    text = (ROOT / "docs" / "calibration.md").read_text(encoding="utf-8")
    assert text == page(load_records()), "docs/calibration.md is of another record: make calibration"


def test_a_scan_attaches_it(record: Record) -> None:
    audit = medaudit.scan("phantom:blind", limit=60, probes=["baselines"])

    rows = audit.document["calibration"]
    assert {"probe", "phantoms", "false_alarm_rate", "interval", "power", "power_interval", "n"} <= set(
        rows[0]
    )
    assert {row["flaw"] for row in rows} == {"blind", "prior-heavy"}
    assert all("0 alarms on 60 clean audits" in row["sentence"] for row in rows)


@pytest.mark.parametrize("name", by_name())
def test_a_probe_that_runs_by_name_has_a_record_of_its_own(name: str) -> None:
    (record,) = (each for each in load_records() if name in each.document["probes"])
    document, probe = record.document, available("probe")[name]

    assert list(document["probes"]) == [name]
    assert document["clean"]["audit"]["runs"] >= 40
    assert document["clean"]["audit"]["rate"] <= document["level"] == 0.05
    # An audit in which nothing can be tested is quiet whatever the probe does.
    assert document["clean"]["able"] >= 0.9 * document["clean"]["audit"]["runs"]
    aimed = [flaw for flaw in document["flaws"] if flaw["target"] and flaw["target"]["probe"] == name]
    assert aimed
    for flaw in aimed:
        assert flaw["found"]["runs"] >= 10, flaw["flaw"]
        assert flaw["found"]["rate"] >= 0.9, flaw["flaw"]
    limits = {(m["probe"], m["rule"]): m["limit"] for m in document["margins"]}
    assert all(bearable(rule, limits[name, rule.name]) for rule in probe.alarms), AGAIN
    rows = record.rows({name: probe}, 400)
    assert {row["flaw"] for row in rows} == {flaw["flaw"] for flaw in aimed}
    assert all("finds the whole flaw in" in row["sentence"] for row in rows)
    for phantom, weights in document["weights"].items():
        assert card(phantom)["weights_sha256"] == weights, AGAIN
