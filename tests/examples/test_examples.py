"""Every example runs as a user would run it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

SAYS = {
    "scan_a_model.py": "visual_gain",
    "audit_your_folder.py": "visual_gain",
    "python_callable.py": "visual_gain",
    "dicom_study.py": "questions, for example",
    "write_a_probe.py": "polite_gain",
    "look_inside.py": "region hidden",
    "judge_open_answers.py": "rogan_gladen",
}


#: Trains a model; tests/calibration/test_planting.py runs it with few steps.
TRAINS = {"plant_a_flaw.py"}


def test_every_example_is_run_here() -> None:
    assert set(SAYS) | TRAINS == {path.name for path in EXAMPLES.glob("*.py")}


@pytest.mark.parametrize("name", SAYS)
def test_the_example_runs(name: str, tmp_path: Path) -> None:
    arguments = ["phantom:clean"] if name == "scan_a_model.py" else []

    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name), *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert done.returncode == 0, done.stderr
    assert SAYS[name] in done.stdout
    assert "Doe" not in done.stdout
