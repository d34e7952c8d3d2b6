"""What a report says of a probe's own mistakes, and when it had better say nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import medaudit
from medaudit.calibration.record import Record, load_record, load_records
from medaudit.case import CaseSet
from medaudit.errors import DataError
from medaudit.phantoms import case_set
from medaudit.registry import Probe
from medaudit.reports.calibration import calibration
from medaudit.schema import audit_schema

Probes = dict[str, Probe]
Document = dict[str, Any]


def row(document: Document, probes: Probes, n: int, probe: str = "robustness") -> dict[str, Any]:
    (found,) = [each for each in Record(document).rows(probes, n) if each["probe"] == probe]
    return found


def test_at_a_measured_size_the_row_tells_effects_power_and_false_alarms(
    document: Document, probes: Probes
) -> None:
    told = row(document, probes, 240)

    assert told["sentence"] == (
        "At n = 240 it finds an effect of 10 points with power 0.30, an effect of 20 points with power 0.82, "
        "an effect of 40 points with power 1.00. It raised 1 alarm on 60 clean audits."
    )
    # The smallest effect that is found with power 0.8 stands in the columns.
    assert (told["effect"], told["power"], told["n"]) == (0.2, 33 / 40, 240)
    assert (told["runs"], told["alarms"], told["false_alarm_rate"]) == (60, 1, 1 / 60)
    assert told["interval"] == pytest.approx([0.0004, 0.0894], abs=5e-5)
    assert (told["flaw"], told["alarm"]) == ("wrong-at-b", "subgroup_gap")


@pytest.mark.parametrize(("n", "used"), [(60, 60), (239, 60), (240, 240), (241, 240), (100_000, 240)])
def test_between_sizes_the_smaller_one_speaks(n: int, used: int, document: Document, probes: Probes) -> None:
    told = row(document, probes, n)

    assert told["n"] == used
    assert told["sentence"].startswith(f"At n = {used} it finds")


def test_where_no_power_is_enough_the_largest_effect_is_told(document: Document, probes: Probes) -> None:
    told = row(document, probes, 60)

    assert (told["effect"], told["power"]) == (0.4, 0.75)


def test_below_the_smallest_size_no_power_is_claimed(document: Document, probes: Probes) -> None:
    told = row(document, probes, 59)

    assert (told["power"], told["power_interval"], told["effect"]) == (None, None, None)
    assert told["sentence"] == "No power was measured at 59 cases or fewer."
    assert told["false_alarm_rate"] == 1 / 60


def test_a_probe_without_a_flaw_has_a_bare_row(document: Document, probes: Probes) -> None:
    told = row(document, probes, 240, "baselines")

    assert (told["power"], told["alarms"], told["runs"], told["n"]) == (None, 0, 60, 240)
    assert "flaw" not in told


def test_what_was_not_calibrated_has_no_row(document: Document, probes: Probes) -> None:
    record = Record(document)
    probe = probes["robustness"]
    moved = [replace(rule, above=rule.margin + 0.01) for rule in probe.alarms]

    assert len(record.rows({"robustness": probe}, 240)) == 1
    assert record.rows({"robustness": replace(probe, alarms=tuple(moved))}, 240) == []
    assert record.rows({"robustness": replace(probe, alarms=probe.alarms[:1])}, 240) == []
    assert record.rows({"robustness": replace(probe, version="1000")}, 240) == []
    assert record.rows(probes, 240, level=0.01) == []
    assert record.rows({"later": replace(probe, name="later")}, 240) == []


@pytest.mark.parametrize("n", [1, 59, 60, 240, 5000])
def test_rows_are_valid_in_an_audit_and_printed_by_reports(
    n: int, document: Document, probes: Probes
) -> None:
    rows = Record(document).rows(probes, n)

    assert len(rows) == 2
    Draft202012Validator(audit_schema()["properties"]["calibration"]).validate(rows)
    printed = {each.probe: each for each in calibration(rows)}
    assert printed["robustness"].counted == "1 in 60 runs"
    assert printed["robustness"].sentence == rows[1]["sentence"]
    # Control: the schema refuses what is no row.
    assert not Draft202012Validator(audit_schema()["properties"]["calibration"]).is_valid([{"probe": "x"}])


def test_a_saved_record_is_read_back(document: Document, tmp_path: Path) -> None:
    Record(document).save(tmp_path / "r.json")

    assert load_record(tmp_path / "r.json") == Record(document)


def test_the_environment_names_a_record_and_the_argument_goes_first(
    document: Document, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Record(document).save(tmp_path / "env.json")
    Record(document | {"tier": "other"}).save(tmp_path / "named.json")
    monkeypatch.setenv("MEDAUDIT_CALIBRATION", str(tmp_path / "env.json"))

    assert load_record() == Record(document)
    assert load_record(tmp_path / "named.json") == Record(document | {"tier": "other"})


def test_without_any_record_there_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MEDAUDIT_CALIBRATION", raising=False)
    monkeypatch.setattr("medaudit.calibration.record._PACKAGED", tmp_path / "none.json")

    assert load_record() is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "no such calibration record. Make one: medaudit calibrate."),
        ("{", "not a readable calibration record"),
        ("\xff", "not a readable calibration record"),
        ("[]", "not a calibration record (medaudit.calibration/1)"),
        ('{"schema": "medaudit.audit/1"}', "not a calibration record (medaudit.calibration/1)"),
        ('{"schema": "medaudit.calibration/1"}', "not a calibration record (medaudit.calibration/1)"),
    ],
)
def test_a_wrong_file_is_one_clear_message(text: str | None, says: str, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))

    with pytest.raises(DataError) as caught:
        load_record(path)

    assert says in str(caught.value)
    assert str(path) in str(caught.value)


def scanned(cases: CaseSet, model: Any, **audit: Any) -> medaudit.Audit:
    plan = {
        "audit": {"probes": ["robustness"], **audit},
        "probe": {"robustness": {"shifts": ["jpeg"], "severities": [3], "noise_cases": 10}},
    }
    return medaudit.scan(model, cases, plan=plan)


def test_a_scan_attaches_what_is_known_of_the_probes_that_ran(
    bed: SimpleNamespace, document: Document, probes: Probes, tmp_path: Path
) -> None:
    cases, model = case_set("chest", 60, 4), bed.subject(bed.clean, ("chest", 60, 4)).load()
    Record(document).save(tmp_path / "r.json")

    audit = scanned(cases, model, calibration=str(tmp_path / "r.json"))

    assert audit.document["calibration"] == [row(document, probes, 60)]
    audit.save(tmp_path / "a")
    assert "It raised 1 alarm on 60 clean audits." in (tmp_path / "a" / "report.html").read_text()
    # Another level is another audit: nothing is known of that.
    other = scanned(cases, model, calibration=str(tmp_path / "r.json"), alarm_level=0.01)
    assert other.document["calibration"] == []


def test_a_scan_refuses_a_bad_record_before_it_asks_anything(bed: SimpleNamespace, tmp_path: Path) -> None:
    cases, model = case_set("chest", 20, 4), bed.subject(bed.clean, ("chest", 20, 4)).load()
    (tmp_path / "r.json").write_text(json.dumps({"schema": "other"}))

    with pytest.raises(DataError, match="not a calibration record"):
        scanned(cases, model, calibration=str(tmp_path / "r.json"))

    assert model.asked == []


def test_where_only_whole_flaws_were_tried_a_row_says_how_often_they_were_found(
    document: Document, probes: Probes
) -> None:
    flaws = [
        flaw | {"power": [], "found": {"runs": 10, "hits": 9, "rate": 0.9, "interval": [0.55, 0.9975]}}
        for flaw in document["flaws"]
    ]
    told = row(document | {"flaws": flaws}, probes, 60)

    assert (told["power"], told["power_interval"], told["effect"]) == (0.9, [0.55, 0.9975], None)
    assert told["n"] == document["clean"]["n"]
    assert "finds the whole flaw in 9 of 10 audits" in told["sentence"]


def test_records_of_probes_by_name_lie_beside_the_first(
    document: Document, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("MEDAUDIT_CALIBRATION", raising=False)
    monkeypatch.setattr("medaudit.calibration.record._PACKAGED", tmp_path / "record.json")
    assert load_records() == []

    Record(document).save(tmp_path / "record.json")
    Record(document | {"tier": "by-name"}).save(tmp_path / "record-spurious.json")

    assert [each.document["tier"] for each in load_records()] == [document["tier"], "by-name"]
    # Control: who names one gets that one.
    assert load_records(tmp_path / "record-spurious.json") == [Record(document | {"tier": "by-name"})]
