"""Real images, audited with a model that was never trained on any: the report must say so plainly."""

from __future__ import annotations

from pathlib import Path

import pytest

import medaudit as package

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"

SETS = {
    "vqa_rad": ("vqa_rad", {"limit": 300}),
    "dicom": ("dicom", {}),
    "cxr_hannover": ("labels:cxr_hannover", {"label": ("icu",)}),
}


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.parametrize("name", SETS)
def test_a_model_that_cannot_read_real_images_does_not_beat_its_baselines(name: str, tmp_path: Path) -> None:
    if not SHARED.is_dir():
        pytest.skip("the folder of real medical images is not beside the checkout (../shared/data)")
    place, settings = SETS[name]
    reader, _, folder = place.rpartition(":")
    data = f"{reader}:{SHARED / folder}" if reader else str(SHARED / folder)

    audit = package.scan("phantom:clean", data, probes=["baselines"], out=tmp_path / "a", **settings)

    assert audit.status == "complete"
    gain = next(finding for finding in audit.findings if finding.metric == "visual_gain")
    assert gain.estimate <= 0
    assert gain.data["explained_by_baseline"]
    report = (tmp_path / "a" / "report.html").read_text()
    assert "does not beat its baselines" in report


@pytest.mark.slow
@pytest.mark.shared_data
def test_the_projection_split_is_measured_on_real_radiographs() -> None:
    if not SHARED.is_dir():
        pytest.skip("the folder of real medical images is not beside the checkout (../shared/data)")
    plan = {"probe": {"robustness": {"shifts": ["jpeg"], "severities": [1], "attributes": ["projection"]}}}

    audit = package.scan(
        "phantom:clean", f"labels:{SHARED / 'cxr_hannover'}", label=("icu",), probes=["robustness"], plan=plan
    )

    values = {f.slice["value"]: f.n for f in audit.findings if f.metric == "accuracy" and "value" in f.slice}
    assert values == {"ap": 124, "pa": 30}


def test_on_its_own_images_the_same_model_does_beat_them(tmp_path: Path) -> None:
    audit = package.scan("phantom:clean", limit=60, probes=["baselines"], out=tmp_path / "a")

    gain = next(finding for finding in audit.findings if finding.metric == "visual_gain")
    assert gain.data["shown_to_beat"]
    assert "does not beat its baselines" not in (tmp_path / "a" / "report.html").read_text()
