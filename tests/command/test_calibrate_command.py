"""``medaudit calibrate`` as a user types it, on the shipped phantoms."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

SHORT = ("--probe", "baselines", "--phantom", "prior-heavy", "--runs", "1")


def test_a_calibration_is_made_kept_and_attached_to_scans(medaudit, tmp_path: Path) -> None:
    out = tmp_path / "cal"
    done = medaudit("calibrate", *SHORT, "--out", out)

    assert done.returncode == 0, done.stderr
    assert "false alarms of a whole clean audit: 0 of 1 (0.0 %, 95 % interval 0.0 to 97.5 %)" in done.stdout
    assert "found 1/1" in done.stdout
    assert "clean: 1 audits" in done.stderr
    record = json.loads((out / "calibration.json").read_text())
    assert (record["schema"], record["tier"]) == ("medaudit.calibration/1", "fast")
    assert [flaw["flaw"] for flaw in record["flaws"]] == ["prior-heavy"]
    assert [(cell["n"], cell["draws"]) for cell in record["flaws"][0]["power"]] == [(60, 4)]
    trials = {path: path.stat().st_mtime_ns for path in out.glob("*-chest-*.json")}
    assert len(trials) == 2

    again = medaudit("calibrate", *SHORT, "--out", out, "--json")

    assert json.loads(again.stdout) == record
    assert {path: path.stat().st_mtime_ns for path in trials} == trials

    small = ("phantom:clean", "--data", "phantom:chest", "--probe", "baselines", "--limit", "64")
    known = {"MEDAUDIT_CALIBRATION": str(out / "calibration.json")}
    scanned = medaudit("scan", *small, "--out", tmp_path / "a", **known)
    assert scanned.returncode == 0, scanned.stderr
    (row,) = json.loads((tmp_path / "a" / "audit.json").read_text())["calibration"]
    expected = ("baselines", "prior-heavy", "answers_from_prior", 60)
    assert (row["probe"], row["flaw"], row["alarm"], row["n"]) == expected
    assert row["sentence"].endswith("It raised 0 alarms on 1 clean audits.")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--tier", "quick"), "Unknown tier 'quick'. Legal: fast, full."),
        (("--probe", "baseline"), "Unknown probe 'baseline'. Did you mean 'baselines'?"),
        (("--phantom", "blnd"), "Unknown model phantom 'blnd'. Did you mean 'blind'?"),
        (("--out", "file"), "file: cannot be a folder for the calibration"),
    ],
)
def test_a_slip_of_the_hand_is_one_clear_message(words, says: str, medaudit, tmp_path: Path) -> None:
    (tmp_path / "cwd" / "file").write_text("")

    done = medaudit("calibrate", *words)

    assert done.returncode == 2
    assert says in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert [path.name for path in (tmp_path / "cwd").iterdir()] == ["file"]


def test_a_record_that_is_none_stops_a_scan_before_it_starts(medaudit, tmp_path: Path) -> None:
    words = ("scan", "phantom:blind", "--data", "phantom:chest", "--out", tmp_path / "a")

    done = medaudit(*words, MEDAUDIT_CALIBRATION="nowhere.json")

    assert done.returncode == 2
    assert "nowhere.json: no such calibration record. Make one: medaudit calibrate." in done.stderr
    assert not (tmp_path / "a").exists()
