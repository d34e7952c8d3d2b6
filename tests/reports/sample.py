"""A made-up audit of realistic size and shape. ``python tests/reports/sample.py OUT`` writes and draws it."""

from __future__ import annotations

import base64
import io
import json
import math
import random
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from medaudit.alarms import judge
from medaudit.finding import Control, Finding, Threshold, Verdict
from medaudit.registry import available

SHIFTS = ("contrast", "gaussian_noise", "jpeg", "motion_blur", "pixelate", "rotation")
ATTRIBUTES = {
    "sex": {"F": 0.79, "M": 0.83},
    "age": {"<40": 0.84, "40-59": 0.81, ">=60": 0.78},
    "view": {"AP": 0.71, "PA": 0.88},
}
N, GROUPS = 1240, 911


def spread(p: float, n: int = N) -> tuple[float, float]:
    """A Wald interval: good enough for invented numbers."""
    half = 1.96 * math.sqrt(max(p * (1 - p), 1e-4) / n)
    return (round(max(0.0, p - half), 4), round(min(1.0, p + half), 4))


def around(value: float, half: float) -> tuple[float, float]:
    return (round(value - half, 4), round(value + half, 4))


def baselines(gain: float = 0.18) -> list[Finding]:
    best = 0.81 - gain
    shares = {"full": 0.81, "none": best, "blank": best - 0.02, "noise": best - 0.05, "swapped": best - 0.08}
    majority = Control("majority", 0.55, spread(0.55))
    found = [
        Finding(
            "baselines",
            "accuracy",
            share,
            spread(share),
            N,
            GROUPS,
            {"image": name},
            control=majority,
            evidence=tuple(f"case-{i:04d}" for i in range(7)) if name == "full" else (),
        )
        for name, share in shares.items()
    ]
    for name, share in (("majority", 0.55), ("question_only", 0.6)):
        found.append(Finding("baselines", "accuracy", share, spread(share), N, GROUPS, {"predictor": name}))
    found.append(
        Finding(
            "baselines",
            "visual_gain",
            gain,
            around(gain, 0.031),
            N,
            GROUPS,
            p_value=0.0004,
            p_adjusted=0.004,
            control=Control("accuracy_none", best, spread(best)),
            data={
                "best_baseline": "none",
                "explained_by_baseline": gain <= 0,
                "shown_to_beat": gain > 0.031,
            },
            reason="" if gain > 0.031 else "does not beat its baselines here",
        )
    )
    control = Control("majority_over_full", 0.68, (0.64, 0.72))
    found.append(
        Finding(
            "baselines", "prior_index", best / 0.81, around(best / 0.81, 0.04), N, GROUPS, control=control
        )
    )
    return found


def robustness() -> list[Finding]:
    floor = Control("self_flip", 0.006, (0.002, 0.015))
    self_drop = Control("self_drop", 0.001, (-0.004, 0.006))
    found = [
        Finding(
            "robustness", "accuracy", 0.81, spread(0.81), N, GROUPS, control=Control("question_only", 0.6)
        ),
        Finding("robustness", "self_flip", 0.006, (0.002, 0.015), 150, 131),
        Finding("robustness", "self_flip", 0.004, (0.0, 0.013), 150, 131, {"replicate": "alone"}),
        Finding("robustness", "self_flip", 0.008, (0.002, 0.02), 150, 131, {"replicate": "batch"}),
    ]
    for index, shift in enumerate(SHIFTS):
        worst = (0.05, 0.24, 0.015, 0.31, 0.12, 0.19)[index]
        for severity in range(1, 6):
            lost = worst * (severity / 5) ** 1.6
            where: dict[str, str | int | float | bool] = {"shift": shift, "severity": severity}
            ids = tuple(f"case-{(index * 40 + severity * 7 + k) % N:04d}" for k in range(6))
            share = 0.81 - lost
            base = Control("question_only", 0.6, spread(0.6))
            ratio = Control("self_ratio", 0.999, (0.99, 1.01))
            rows: tuple[tuple[str, float, float, Control], ...] = (
                ("accuracy", share, 0.022, base),
                ("relative_robustness", share / 0.81, 0.025, ratio),
                (
                    "relative_robustness_corrected",
                    max(0.0, share - 0.6) / 0.21,
                    0.07,
                    Control("question_only", 0.6),
                ),
                ("accuracy_drop", lost, 0.018, self_drop),
                ("flip_rate", lost * 1.3 + 0.01, 0.012, floor),
                ("flip_excess", lost * 1.3 + 0.004, 0.014, floor),
            )
            for metric, value, half, control in rows:
                found.append(
                    Finding(
                        "robustness",
                        metric,
                        round(value, 4),
                        around(value, half),
                        N,
                        GROUPS,
                        where,
                        p_value=0.03,
                        p_adjusted=0.041,
                        control=control,
                        evidence=ids,
                    )
                )
        for metric, value in (("accuracy_drop", worst * 0.45), ("relative_robustness", 1 - worst * 0.55)):
            control = self_drop if metric == "accuracy_drop" else ratio
            found.append(
                Finding(
                    "robustness",
                    metric,
                    value,
                    around(value, 0.015),
                    N,
                    GROUPS,
                    {"shift": shift},
                    control=control,
                )
            )
    return found + splits()


def splits() -> list[Finding]:
    found = []
    for name, values in ATTRIBUTES.items():
        n = N // len(values)
        for value, share in values.items():
            where = {"attribute": name, "value": value}
            base = Control("question_only", 0.6, spread(0.6, n))
            found.append(
                Finding("robustness", "accuracy", share, spread(share, n), n, n - 90, where, control=base)
            )
            for metric, number in (("relative_robustness", share / 0.81), ("accuracy_drop", 0.81 - share)):
                found.append(Finding("robustness", metric, number, around(number, 0.04), n, n - 90, where))
        gap = max(values.values()) - min(values.values())
        found.append(
            Finding(
                "robustness",
                "subgroup_gap",
                gap,
                (max(0.0, gap - 0.045), gap + 0.04),
                N,
                GROUPS,
                {"attribute": name},
                p_value=0.0005 if gap > 0.1 else 0.2,
                p_adjusted=0.003 if gap > 0.1 else 0.3,
                control=Control("permuted_labels", 0.028),
                data={
                    "worst": min(values, key=lambda value: values[value]),
                    "excess": gap - 0.028,
                    "excess_interval": list(around(gap - 0.028, 0.045)),
                },
            )
        )
    return found


def others() -> list[Finding]:
    rng = random.Random(3)
    found = [
        Finding(
            "spurious",
            "shortcut",
            0.21,
            (0.15, 0.27),
            388,
            301,
            {"cluster": 1, "finding": "pneumothorax"},
            p_value=0.001,
            p_adjusted=0.006,
            control=Control("control_region", 0.01, (-0.02, 0.04)),
            evidence=("case-0007", "case-0011"),
        )
    ]
    for cluster in range(1, 13):
        value = rng.uniform(0, 0.24) / cluster
        where = {"cluster": cluster}
        control = Control("equal_area", 0.02, (0.01, 0.04))
        found.append(
            Finding(
                "spurious",
                "removal_flip",
                value,
                (max(0, value - 0.03), value + 0.04),
                388,
                301,
                where,
                control=control,
            )
        )
    for kind in ("name", "date", "account_number"):
        for point in ("pixels", "patch", "projector"):
            value = rng.uniform(0.3, 1)
            masked: dict[str, str | int | float | bool] = {"type": kind, "point": point, "radius": 1}
            found.append(Finding("phi", "reduction", value, spread(value, 60), 60, 60, masked))
    found.append(
        Finding("phi", "utility", 0.93, None, 60, 60, reason="one page layout only: no interval over layouts")
    )
    found.append(
        Finding(
            "attribution",
            "roi_ratio",
            None,
            verdict=Verdict.NOT_APPLICABLE,
            reason="needs gradients; this model offers generate",
        )
    )
    return found


def gate(findings: list[Finding]) -> list[Finding]:
    """Lay a handful of gates: some failed, some undecided, some met."""
    gates: dict[tuple[str, str, tuple[tuple[str, Any], ...]], Threshold] = {
        ("robustness", "relative_robustness", (("shift", "jpeg"), ("severity", 3))): Threshold(">=", 0.9),
        ("robustness", "relative_robustness", (("shift", "motion_blur"), ("severity", 3))): Threshold(
            ">=", 0.9
        ),
        ("robustness", "relative_robustness", (("shift", "pixelate"), ("severity", 4))): Threshold(">=", 0.9),
        ("robustness", "subgroup_gap", (("attribute", "view"),)): Threshold("<=", 0.1),
        ("baselines", "visual_gain", ()): Threshold(">=", 0.1),
        ("spurious", "shortcut", (("cluster", 1), ("finding", "pneumothorax"))): Threshold("<=", 0.1),
    }
    judged = []
    for finding in findings:
        threshold = gates.get((finding.probe, finding.metric, tuple(finding.slice.items())))
        judged.append(finding.gated(threshold) if threshold else finding)
    return judged


def alarms(findings: list[Finding]) -> list[dict[str, Any]]:
    """What the probes' own rules make of these findings, under margins of 10 points."""
    rules = {
        name: [replace(r, above=0.10) if r.name == "shift_sensitive" else r for r in probe.alarms]
        for name, probe in available("probe").items()
    }
    return [alarm.to_dict() for alarm in judge(findings, rules)]


def document(findings: list[Finding] | None = None, **changes: Any) -> dict[str, Any]:
    """A whole audit document; top-level keys can be replaced."""
    if findings is None:
        findings = gate(baselines() + robustness() + others())
    whole: dict[str, Any] = {
        "schema": "medaudit.audit/1",
        "status": "complete",
        "run": {
            "id": "4be1c0ffee90ac11",
            "medaudit": "0.1.0",
            "started": "2026-11-23T14:05:00+00:00",
            "duration_s": 172.4,
            "seed": 7,
            "command": "medaudit scan acme/chest-vlm-7b --data chest --plan gate.toml",
            "plan_sha256": "ab" * 32,
            "problems": [],
        },
        "model": {
            "id": "acme/chest-vlm-7b",
            "kind": "generative",
            "revision": "9f1c2d",
            "fingerprint": "cd" * 32,
            "capabilities": ["choose", "generate"],
            "parameters": 7_241_732_096,
            "dtype": "bfloat16",
            "device": "cuda",
            "files": [{"path": "model-00001.safetensors", "sha256": "ef" * 32, "size": 4_943_162_336}],
            "notes": ["chat template taken from the processor"],
        },
        "data": {
            "name": "chest radiographs",
            "reader": "folder",
            "cases": N,
            "groups": GROUPS,
            "sha256": "12" * 32,
            "public": False,
            "skipped": [{"where": "cases.jsonl:12", "why": "image cannot be decoded"}],
        },
        "environment": {
            "python": "3.11.9",
            "system": "Linux",
            "cpus": 2,
            "packages": {"torch": "2.13.0", "peft": None},
        },
        "plan": {"audit": {"name": "release gate", "strict": False}},
        "answers": {"distinct": 41_020, "errors": 0},
        "findings": [finding.to_dict() for finding in findings],
        "alarms": alarms(findings),
        "coverage": [
            {"probe": "baselines", "status": "run", "reason": ""},
            {"probe": "robustness", "status": "run", "reason": ""},
            {"probe": "spurious", "status": "run", "reason": ""},
            {"probe": "phi", "status": "run", "reason": ""},
            {
                "probe": "attribution",
                "status": "not_applicable",
                "reason": "needs gradients; this model offers generate",
            },
            {"probe": "stitching", "status": "not_run", "reason": "not selected"},
            {"probe": "confusion", "status": "not_run", "reason": "not selected"},
        ],
        "calibration": [
            {
                "probe": "spurious",
                "phantoms": ["clean", "shortcut-marker"],
                "false_alarm_rate": 0.017,
                "interval": [0.0, 0.089],
                "power": 0.83,
                "power_interval": [0.72, 0.91],
                "n": 60,
            },
            {
                "probe": "robustness",
                "phantoms": ["clean", "subgroup-gap"],
                "false_alarm_rate": 0.0,
                "interval": [0.0, 0.06],
                "power": 0.95,
                "power_interval": [0.83, 0.99],
                "n": 240,
                "flaw": "subgroup-gap",
                "alarm": "subgroup_gap",
                "effect": 0.15,
                "runs": 60,
                "alarms": 0,
                "sentence": "at n = 240 this probe finds a gap of 15 points with power 0.95",
            },
        ],
    }
    whole.update(changes)
    return whole


def evidence(folder: Path) -> None:
    """Write evidence.json with grey discs as pictures."""
    from PIL import Image, ImageDraw

    cases = {}
    for number in range(0, 60, 3):
        picture = Image.new("L", (160, 160), 15)
        draw = ImageDraw.Draw(picture)
        draw.ellipse((25, 20, 72, 140), fill=70 + number)
        draw.ellipse((88, 20, 135, 140), fill=60 + number)
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        cases[f"case-{number:04d}"] = {
            "thumbnail": "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode(),
            "question": "Is there a pneumothorax?",
            "reference": "yes",
            "answers": {"as given": "no"},
        }
    (folder / "evidence.json").write_text(json.dumps({"cases": cases}), encoding="utf-8")


def main(out: str) -> None:
    from medaudit.audit import Audit

    folder = Path(out)
    for name, whole, pictures in (
        ("private", document(), False),
        ("public", document(data=document()["data"] | {"public": True}), True),
        ("blind", document(gate(baselines(0.02) + robustness()), status="incomplete", calibration=[]), False),
        ("quiet", document(baselines() + splits()[:8], calibration=[]), False),
    ):
        (folder / name).mkdir(parents=True, exist_ok=True)
        if pictures:
            evidence(folder / name)
        Audit(whole).save(folder / name)


if __name__ == "__main__":
    main(sys.argv[1])
