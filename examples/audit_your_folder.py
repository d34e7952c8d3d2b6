"""Audit a model on your own folder of images: write cases.jsonl beside them, then scan.

    python examples/audit_your_folder.py [OUT]

Here the images are drawn, so that the example runs anywhere; yours are already there.
"""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

import medaudit

out = Path(sys.argv[1] if len(sys.argv) > 1 else "folder-audit")
folder = out.with_name(out.name + "-data")
(folder / "images").mkdir(parents=True, exist_ok=True)

rng = np.random.default_rng(0)
with (folder / "cases.jsonl").open("w") as lines:
    for number in range(40):
        has_opacity = number % 2 == 0
        pixels = rng.normal(70, 10, (96, 96))
        if has_opacity:
            pixels[30:60, 20:45] += 90
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / "images" / f"{number}.png")
        case = {
            "id": f"case-{number}",
            "images": [f"images/{number}.png"],
            "question": "Is there an opacity?",
            "options": ["yes", "no"],
            "answer": "yes" if has_opacity else "no",
            "group": f"patient-{number // 2}",  # intervals cluster by patient
            "meta": {"view": "AP" if number % 3 else "PA"},  # every column becomes a real-world split
        }
        lines.write(json.dumps(case) + "\n")

audit = medaudit.scan("phantom:clean", folder, probes=["baselines"], out=out)
for finding in audit.findings:
    print(
        f"{finding.metric:<12} {dict(finding.slice)}: {finding.estimate} {finding.interval} {finding.reason}"
    )
