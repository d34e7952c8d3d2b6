"""Findings of ``spurious`` and ``confusion`` as these probes leave them, with numbers that are known."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from medaudit.finding import Control, Finding, Verdict

ASKED = {"question": "Is there an opacity?", "options": "yes | no"}
#: Cases c00 to c11 are 64 pixels wide and 32 high.
FRAME = (64, 32)


def data(name: str, *, kept: bool = True, **changes: Any) -> dict[str, Any]:
    """A cluster whose medoid is case c03 and whose region is the upper left corner."""
    order = [3, 0, 1, 2, *range(4, 12)]
    whole: dict[str, Any] = {
        "sentence": f"With a mark ({name}), 'yes' is answered 60 of 60 times; without it 3 of 60.",
        "classes": [
            {"answer": "yes", "with": {"n": 30, "accuracy": 1.0}, "without": {"n": 31, "accuracy": 0.1}},
            {"answer": "no", "with": {"n": 30, "accuracy": 0.0}, "without": {"n": 29, "accuracy": None}},
        ],
        "helped": "yes",
        "look": "a part with a bright mark",
        "place": {"where": "upper left", "share": 1.0},
        "medoid": {"case": "c03", "box": [0, 0, 16, 8]},
        "members": [
            {"case": f"c{at:02d}", "box": [0, 0, 16, 8], "truth": ("yes", "no")[at % 2], "answer": "yes"}
            for at in order
        ],
        "kept": kept,
    }
    return whole | changes


def gap(name: str, value: float = 0.9, **changes: Any) -> Finding:
    control = Control("gap_by_chance", 0.08)
    where = {**ASKED, "cluster": name}
    made = data(name, **changes)
    ids = tuple(f"c{at:02d}" for at in (3, 0, 1, 2))
    return Finding(
        "spurious", "gap", value, (0.5, 1.2), 120, 120, where, control=control, evidence=ids, data=made
    )


def flip(name: str, metric: str, rate: float, control: float, *, confirmed: bool) -> Finding:
    made = {
        "rate": rate,
        "control_rate": control,
        "edit": "blur",
        "answer": "yes",
        "confirmed": confirmed,
    }
    where, beside = {**ASKED, "cluster": name}, Control("flip_rate_control", control)
    value, adjusted = rate - control, 0.0004 if confirmed else 0.7
    ends = (value - 0.1, value + 0.1)
    return Finding(
        "spurious", metric, value, ends, 25, 25, where, p_adjusted=adjusted, control=beside, data=made
    )


def shortcut(judged: Verdict, why: str = "the reason in full", /, **made: Any) -> Finding:
    whole: dict[str, Any] = {"mode": "ours", "verdict": "found"}
    whole |= {"cluster": "cluster 3", "kept": ["cluster 3"]}
    whole |= {"confirmed": {"cluster 3": ["removal"]}, "smallest_detectable": 0.31}
    value = made.pop("value", 0.9)
    ends = None if value is None else (0.5, 1.2)
    return Finding(
        "spurious",
        "shortcut",
        value,
        ends,
        120,
        120,
        ASKED,
        verdict=judged,
        reason=why,
        evidence=("c03", "c00"),
        data=data("cluster 3") | whole | made,
    )


def found() -> list[Finding]:
    """A shortcut that removal confirms and insertion does not, and a cluster that stands for nothing."""
    return [
        shortcut(Verdict.FAIL),
        gap("cluster 3"),
        Finding(
            "spurious",
            "influence",
            0.5,
            (0.3, 1.0),
            25,
            25,
            {**ASKED, "cluster": "cluster 3"},
            control=Control("share_by_lot", 0.0625),
            data={"share": 0.52, "by_lot": 0.0625},
        ),
        flip("cluster 3", "removal_flip", 0.8, 0.04, confirmed=True),
        flip("cluster 3", "insertion_flip", 0.4, 0.36, confirmed=False),
        gap("cluster 7", 0.1, kept=False),
    ]


def clean(verdict: str = "not found", value: float | None = 0.2) -> list[Finding]:
    """A question in which nothing was found."""
    judged = Verdict.MEASURED if verdict == "not found" else Verdict.INCONCLUSIVE
    reason = f"{verdict}: no gap beyond chance"
    return [
        shortcut(judged, reason, verdict=verdict, kept=[], confirmed={}, value=value),
        gap("cluster 3", 0.2, kept=False),
    ]


def confusion(where: dict[str, Any], same: int, n: int, ends: tuple[float, float], **more: Any) -> Finding:
    """``same`` of n pairs were given one answer; the pairs shown are c00 with c01 and c02 with c03."""
    shown = [
        {"cases": ["c00", "c01"], "right": [0, 1], "given": [0, 0]},
        {"cases": ["c02", "c03"], "right": [1, 0], "given": [-1, 0]},
    ]
    made = {"same_answer": same, "valid_pairs": n, "examples": shown} | more
    control = Control("other_pairs", 0.04, (0.01, 0.11))
    ids = ("c00", "c01", "c02", "c03")
    named: dict[str, Any] = {"control": control, "evidence": ids, "data": made}
    return Finding("confusion", "confusion", same / n, ends, n, n, where, **named)


def pairs() -> list[Finding]:
    """Left is not told from right, small from large is; over all pairs beside matched controls."""
    text = {"mode": "text"}
    side = "cannot tell left from right: 41 of 48 pairs"
    size = "the same answer to both images: 3 of 48 pairs"
    return [
        confusion(text, 44, 96, (0.36, 0.56)),
        Finding("confusion", "confusion_excess", 0.4, (0.3, 0.5), 192, 192, text),
        Finding("confusion", "control_confusion", 0.06, (0.02, 0.14), 96, 96, text),
        confusion({**text, "attribute": "size"}, 3, 48, (0.02, 0.17), sentence=size),
        confusion({**text, "attribute": "side"}, 41, 48, (0.73, 0.93), sentence=side),
    ]


def picture() -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("L", (160, 80), 90).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def evidence(folder: Path, names: Iterable[int] = range(12), **changes: Any) -> None:
    """Write pictures of the cases beside the audit."""
    shown = picture()
    cases = {
        f"c{at:02d}": {
            "thumbnail": shown,
            "size": list(FRAME),
            "options": ["left", "right"],
            "question": "Which side?",
            **changes,
        }
        for at in names
    }
    (folder / "evidence.json").write_text(json.dumps({"cases": cases}), encoding="utf-8")
