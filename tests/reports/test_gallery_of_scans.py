"""What the probes leave is what the galleries read: small scans, from pictures to the page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import medaudit
from medaudit.case import Case, CaseSet
from medaudit.image import ArrayImage, keyed_rng
from medaudit.model import Request
from medaudit.models.scripted import ScriptedModel, embedder

SIDE, HALF = 32, 16


def picture(number: int, *, marked: bool) -> ArrayImage:
    """Grey noise, with or without a white square in the upper left quarter."""
    grey = keyed_rng("scans", number).integers(30, 50, (SIDE, SIDE, 1), dtype=np.uint8)
    pixels = np.repeat(grey, 3, axis=2)
    if marked:
        pixels[4:12, 4:12] = 255
    return ArrayImage(pixels, f"picture-{number}")


def marked(request: Request) -> bool:
    return bool(request.images[0].pixels()[6:10, 6:10].mean() > 150)


def where(request: Request, box: Any) -> Any:
    """The quarter in which a region lies, and whether it shows something white."""
    x0, y0, x1, y1 = box or (0, 0, SIDE, SIDE)
    part = request.images[0].pixels()[y0:y1, x0:x1]
    vector = np.full(6, 0.3)
    if (x1 - x0, y1 - y0) != (SIDE, SIDE):
        vector[2 * (y0 >= HALF) + (x0 >= HALF)] += 1.0
        vector[4] = 1.5 * float(part.max() > 150)
    vector[5] += keyed_rng(request.images[0].digest, box).normal(0, 0.05)
    return vector


def cases(*, public: bool) -> CaseSet:
    """120 patients, yes and no in turns, a mark in every other patient of either."""
    found = []
    for n in range(120):
        shown, right = (picture(n, marked=bool(n // 2 % 2)),), ("y", "n")[n % 2]
        found.append(Case(f"c{n:03d}", shown, "Any effusion?", right, ("y", "n"), f"p{n}"))
    return CaseSet("marks", "test", tuple(found), public=public)


def scanned(folder: Path, subject: Any, data: CaseSet, probe: str, **plan: Any) -> str:
    medaudit.scan(subject, data, probes=[probe], out=folder, plan={"probe": {probe: plan}} if plan else None)
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def reader() -> Any:
    says = ScriptedModel(lambda r: "y" if marked(r) else "n", capabilities=("choose",), id="reader")
    return embedder(where, says)


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory, reader: Any) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("public")
    return scanned(folder, reader, cases(public=True), "spurious", regions="quadrants"), folder


def test_the_mark_is_shown_in_its_box_and_told(public: tuple[str, Path]) -> None:
    text, folder = public
    told = re.sub(r"<[^>]+>", "", text)
    assert "Answers “y” hang on a part with a bright mark in the upper left: painting it over" in told
    first = text.split('<ul class="strip"')[1].split("</li>")[0]
    assert 'viewBox="0 0 32 32"' in first
    assert '<rect class="mark" x="0" y="0" width="16" height="16"/>' in first
    kept = json.loads((folder / "evidence.json").read_text())["cases"]
    assert all(case["size"] == [32, 32] and case["options"] == ["y", "n"] for case in kept.values())


def test_junit_of_the_scan_is_red(public: tuple[str, Path]) -> None:
    found = (public[1] / "junit.xml").read_text(encoding="utf-8")
    assert 'failures="1"' in found
    assert "found and confirmed" in found


def test_private_data_has_the_sentence_and_no_picture(tmp_path: Path, reader: Any) -> None:
    text = scanned(tmp_path, reader, cases(public=False), "spurious", regions="quadrants")
    assert "data:image/" not in text
    assert not (tmp_path / "evidence.json").exists()
    assert "Pictures are kept out of this report" in text
    assert "hang on <b>a part with a bright mark in the upper left</b>" in text


def test_who_errs_at_random_is_told_nothing_of_the_kind(tmp_path: Path) -> None:
    """Wrong on every fifth patient, whatever is shown."""
    known = {case.images[0].digest: case for case in cases(public=True).cases}

    def says(request: Request) -> str:
        image: Any = request.images[0]
        while hasattr(image, "parent"):
            image = image.parent
        case = known[image.digest]
        return ("n" if case.answer == "y" else "y") if int(case.id[1:]) % 5 == 0 else str(case.answer)

    subject = embedder(where, ScriptedModel(says, capabilities=("choose",), id="luck"))
    text = scanned(tmp_path, subject, cases(public=True), "spurious", regions="quadrants")
    part = text.split('class="probe"')[1].split("</section>")[0]
    assert "Any effusion?" in part
    assert not any(claim in part for claim in ("hang on", "go with", "found and confirmed", "edge-fail"))
    assert 'failures="0"' in (tmp_path / "junit.xml").read_text(encoding="utf-8")


def paired() -> CaseSet:
    """20 pairs of sides, which are all called left, and 20 of sizes, which are told."""
    found = []
    for n in range(80):
        kind, right = ("side", ("left", "right")) if n < 40 else ("size", ("small", "large"))
        more = {"group": f"g{n // 2}", "meta": {"attribute": kind}, "pair": f"pair{n // 2}"}
        shown = (picture(n, marked=bool(n % 2)),)
        found.append(Case(f"s{n:02d}", shown, f"Which {kind}?", right[n % 2], right, **more))
    return CaseSet("pairs", "test", tuple(found), public=True)


def test_the_pair_that_is_confused_is_shown_with_what_was_said(tmp_path: Path) -> None:
    def says(request: Request) -> str:
        return "left" if "left" in request.options else ("large" if marked(request) else "small")

    subject = ScriptedModel(says, capabilities=("choose",), id="sided")
    text = scanned(tmp_path, subject, paired(), "confusion", modes=["choose"])
    assert "It cannot tell <b>left from right</b>: 20 of 20 pairs." in text
    assert "small from large" not in text
    couple = text.split('<ul class="couples">')[1].split("</li>")[0]
    assert "Which side?" in couple
    assert re.findall(r"case (s\d\d)", couple) == ["s00", "s01"]
    assert re.findall(r"<dd>(\w+)", couple) == ["left", "left", "right", "left"]
