"""Scan a model and read its numbers.

    python examples/scan_a_model.py [MODEL] [OUT]

MODEL is a Hugging Face id, a local folder or, as here, a phantom with its own generated images.
"""

import sys

import medaudit

model = sys.argv[1] if len(sys.argv) > 1 else "phantom:shortcut-marker"
out = sys.argv[2] if len(sys.argv) > 2 else "scan-audit"

audit = medaudit.scan(
    model,
    limit=120,
    out=out,
    plan={"probe": {"robustness": {"shifts": ["jpeg", "gaussian_noise"], "severities": [1, 3, 5]}}},
)

for finding in audit.findings:
    if finding.metric in {"visual_gain", "subgroup_gap"}:
        print(f"{finding.metric:<14} {dict(finding.slice)}: {finding.estimate} {finding.interval}")
print(f"report: {out}/report.html")
