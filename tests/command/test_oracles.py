"""Models whose numbers are known on paper, audited through the command line's `python:` route."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import medaudit as package
from medaudit.audit import Audit
from medaudit.finding import Finding

ORACLES = '''
import hashlib
import numpy as np


def pixels(images):
    return np.asarray(images[0], dtype=np.int64) if images else None


def perfect():
    """Looks up the picture among all that the data set holds."""
    from medaudit.phantoms import case_set
    from medaudit.prompting import prompt_for

    known = {(case.images[0].pixels().tobytes(), prompt_for(case)): case.answer
             for case in case_set("chest", n=200, seed=0).cases}
    return lambda images, prompt: known.get((images[0].tobytes() if images else b"", prompt), "unclear")


def always_yes():
    return lambda images, prompt: "yes"


def coin():
    """One of the options offered, by a hash of picture and prompt: fair, and the same when asked again."""
    def toss(images, prompt):
        options = prompt.rsplit("one of: ", 1)[-1].rstrip(".").split(", ")
        content = prompt.encode() + (images[0].tobytes() if images else b"")
        return options[int.from_bytes(hashlib.blake2b(content, digest_size=4).digest(), "big") % len(options)]
    return toss


def marker():
    """Answers the opacity question from the upper corners alone: yes where the left one is brighter."""
    def read(images, prompt):
        if not images or "opacity" not in prompt or "yes" not in prompt:
            return "no"
        corner = pixels(images)[:14, :, 0]
        return "yes" if corner[:, :16].max() > corner[:, -16:].max() else "no"
    return read
'''


@pytest.fixture
def oracles(tmp_path: Path) -> Path:
    path = tmp_path / "oracles.py"
    path.write_text(ORACLES)
    return path


def one(audit: Audit, metric: str, **slice: object) -> Finding:
    found = [f for f in audit.findings if (f.metric, dict(f.slice)) == (metric, slice)]
    assert len(found) == 1, (metric, slice)
    return found[0]


def share(cases, answer: str) -> float:
    return sum(case.answer == answer for case in cases.cases) / len(cases)


@pytest.fixture
def chest():
    from medaudit.phantoms import case_set

    return case_set("chest", n=200, seed=0)


def test_the_perfect_answerer(oracles: Path, chest) -> None:
    audit = package.scan(f"python:{oracles}:perfect", chest, probes=["baselines"])

    assert one(audit, "accuracy", image="full").estimate == 1.0
    for image in ("none", "blank", "noise"):
        assert one(audit, "accuracy", image=image).estimate == 0.0
    assert one(audit, "prior_index").estimate == 0.0
    gain = one(audit, "visual_gain")
    assert gain.interval[0] > 0.3
    assert not gain.data["explained_by_baseline"]


def test_always_yes(oracles: Path, chest) -> None:
    audit = package.scan(f"python:{oracles}:always_yes", chest, probes=["baselines"])

    for image in ("full", "none", "blank", "noise", "swapped"):
        assert one(audit, "accuracy", image=image).estimate == pytest.approx(share(chest, "yes"))
    assert one(audit, "prior_index").estimate == 1.0
    assert one(audit, "visual_gain").data["explained_by_baseline"]


def test_a_coin_flip(oracles: Path, chest) -> None:
    audit = package.scan(f"python:{oracles}:coin", chest, probes=["baselines"])

    expected = sum(1 / len(case.options) for case in chest.cases) / len(chest)
    spread = 4 * math.sqrt(0.25 / len(chest))
    for image in ("full", "none", "noise", "swapped"):
        assert one(audit, "accuracy", image=image).estimate == pytest.approx(expected, abs=spread)
    assert one(audit, "visual_gain").interval[0] <= 0


def test_a_coin_flip_is_its_own_noise_floor(oracles: Path, chest) -> None:
    plan = {"probe": {"robustness": {"shifts": ["gaussian_noise"], "severities": [3]}}}
    audit = package.scan(f"python:{oracles}:coin", chest, probes=["robustness"], plan=plan)

    assert one(audit, "self_flip").estimate == 0.0  # a hash: the same when asked again
    tossed = sum(1 - 1 / len(case.options) for case in chest.cases) / len(chest)
    flips = one(audit, "flip_rate", shift="gaussian_noise", severity=3)
    assert flips.estimate == pytest.approx(tossed, abs=4 * math.sqrt(0.25 / len(chest)))
    drop = one(audit, "accuracy_drop", shift="gaussian_noise", severity=3)
    assert drop.interval[0] <= 0 <= drop.interval[1]


def test_the_marker_reader_is_found_by_site_and_nowhere_else(oracles: Path) -> None:
    from medaudit.phantoms import case_set

    cases = case_set("chest-marker", n=300, seed=0)
    plan = {"probe": {"robustness": {"shifts": ["jpeg"], "severities": [1]}}}
    audit = package.scan(f"python:{oracles}:marker", cases, probes=["robustness"], plan=plan)

    def right(case) -> bool:
        if case.question != "Is there an opacity?":
            return case.answer == "no"
        return case.answer == ("yes" if case.meta["marker"] == "upper-left" else "no")

    for site in ("home", "away"):
        here = [case for case in cases.cases if case.meta["site"] == site]
        on_paper = sum(map(right, here)) / len(here)
        assert one(audit, "accuracy", attribute="site", value=site).estimate == pytest.approx(on_paper)
    assert one(audit, "subgroup_gap", attribute="site").p_adjusted < 0.01
    for innocent in ("sex", "vendor", "view"):
        assert one(audit, "subgroup_gap", attribute=innocent).p_adjusted > 0.05
