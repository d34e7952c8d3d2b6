"""Which cases are kept as pictures beside an audit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medaudit.case import Case, CaseSet
from medaudit.evidence import MOST, save_evidence
from medaudit.finding import Finding, Verdict
from medaudit.image import ArrayImage
from medaudit.models.scripted import ScriptedModel
from medaudit.store import Store
from medaudit.testing import context_for


def image(number: int) -> ArrayImage:
    return ArrayImage(np.full((20, 40, 3), number % 250, dtype=np.uint8), f"p{number}")


CASES = CaseSet(
    "many",
    "test",
    tuple(Case(f"c{n:03d}", (image(n),), "Is it?", "yes", ("yes", "no")) for n in range(400)),
    public=True,
)


def kept(folder: Path, findings: list[Finding], cases: CaseSet = CASES) -> dict[str, Any]:
    with Store(":memory:") as store:
        context = context_for(cases.cases, ScriptedModel(lambda request: "yes", id="yes"))
        save_evidence(folder, cases, findings, context, store)
    found: dict[str, Any] = json.loads((folder / "evidence.json").read_text())["cases"]
    return found


def finding(probe: str, start: int, n: int = 12, verdict: Verdict = Verdict.MEASURED) -> Finding:
    ids = tuple(f"c{at:03d}" for at in range(start, start + n))
    return Finding(probe, "accuracy", 0.5, n=9, slice={"at": start}, verdict=verdict, evidence=ids)


def test_a_card_says_how_large_the_original_is_and_what_could_be_answered(tmp_path: Path) -> None:
    card = kept(tmp_path, [finding("one", 0, 1)])["c000"]
    assert card["size"] == [40, 20]
    assert card["options"] == ["yes", "no"]
    assert card["thumbnail"].startswith("data:image/jpeg;base64,")


def test_findings_of_one_probe_take_turns(tmp_path: Path) -> None:
    found = kept(tmp_path, [finding("one", start) for start in range(0, 96, 12)])
    assert len(found) == MOST == 48
    assert {f"c{start:03d}" for start in range(0, 96, 12)} <= set(found)


def test_no_probe_uses_up_the_room_of_another(tmp_path: Path) -> None:
    found = kept(tmp_path, [*(finding("one", start) for start in range(0, 96, 12)), finding("two", 200)])
    assert len(found) == 60
    assert {f"c{at:03d}" for at in range(200, 212)} <= set(found)


@pytest.mark.parametrize(("verdict", "whole"), [(Verdict.FAIL, True), (Verdict.MEASURED, False)])
def test_a_failed_finding_is_shown_whole(tmp_path: Path, verdict: Verdict, whole: bool) -> None:
    others = [finding("one", start) for start in range(0, 192, 12)]
    found = kept(tmp_path, [*others, finding("one", 300, verdict=verdict)])
    assert ({f"c{at:03d}" for at in range(300, 312)} <= set(found)) is whole
    assert len(found) == 48


def test_private_data_leaves_nothing_behind(tmp_path: Path) -> None:
    kept(tmp_path, [finding("one", 0)])
    with pytest.raises(FileNotFoundError):
        kept(tmp_path, [finding("one", 0)], replace(CASES, public=False))
