"""A scan of one tiny checkpoint of each family: every probe ends in findings, or in a reason why not."""

from __future__ import annotations

from pathlib import Path

import pytest

import medaudit
from medaudit.architectures import build

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

FAMILIES = (
    "llava", "llava_next", "qwen2_5_vl", "gemma3", "internvl", "smolvlm", "paligemma", "mllama", "blip-2",
    "florence2", "deepseek_ocr2", "clip", "siglip",
)  # fmt: skip
#: All probes, each at its smallest: what is tested is that they end.
PLAN = {
    "probe": {
        "robustness": {"shifts": ["jpeg"], "severities": [3]},
        "wording": {"shifts": ["option_order"], "severities": [3]},
    }
}


@pytest.mark.parametrize("name", FAMILIES)
def test_every_probe_ends_in_findings_or_a_reason(name: str, tmp_path: Path) -> None:
    folder = build(name, tmp_path / "model", contrastive=name in {"clip", "siglip"})

    every = sorted(medaudit.available("probe"))
    audit = medaudit.scan(
        str(folder), "phantom:chest", plan=PLAN, probes=every, limit=6, out=tmp_path / "audit"
    )

    coverage = audit.document["coverage"]
    assert {row["probe"] for row in coverage} == set(every)
    for row in coverage:
        found = [finding for finding in audit.findings if finding.probe == row["probe"]]
        assert row["status"] in {"run", "not_applicable"}, row
        assert found if row["status"] == "run" else row["reason"]
        assert all(finding.estimate is not None or finding.reason for finding in found)
    assert audit.status == "complete"
    assert (tmp_path / "audit" / "report.html").is_file()
