"""``confusion`` with ``mine``: pairs come from the pool, the claim is the excess over matched controls."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medaudit.case import Case
from medaudit.errors import UsageError
from medaudit.finding import Finding
from medaudit.image import ArrayImage
from medaudit.mining import Rules, write_review
from medaudit.model import Request
from medaudit.probes.confusion import confusion
from medaudit.probes.pair_mining import Search, _mined
from medaudit.testing import ScriptedModel, constant, context_for, embedder, oracle

SIDE, SHADE = "On which side is the square?", "Is the square bright or grey?"


def picture(seed: int) -> tuple[ArrayImage, str, str]:
    """A square on one side, bright or grey, at its own height and on its own grain."""
    rng = np.random.default_rng(seed)
    left, bright = bool(rng.integers(2)), bool(rng.integers(2))
    pixels = rng.integers(0, 30, (48, 48, 1)).repeat(3, axis=2)
    top, start = int(rng.integers(2, 30)), 4 if left else 28
    pixels[top : top + 16, start : start + 16] = 230 if bright else 120
    image = ArrayImage(pixels.astype(np.uint8), f"p{seed}")
    return image, "left" if left else "right", "bright" if bright else "grey"


def pool(n: int = 160) -> list[Case]:
    cases = []
    for seed in range(n):
        image, side, shade = picture(seed)
        cases.append(Case(f"s{seed:03d}", (image,), SIDE, side, ("left", "right"), group=f"g{seed}"))
        cases.append(Case(f"b{seed:03d}", (image,), SHADE, shade, ("bright", "grey"), group=f"g{seed}"))
    return cases


def seen(request: Request) -> tuple[float, float, float]:
    """Brightness of the square, its height, and its side: all there is to know."""
    grey = request.images[0].pixels()[..., 0].astype(float)
    rows, columns = np.nonzero(grey > 60)
    return float(grey[grey > 60].mean()), float(rows.mean()), float(columns.mean())


def model(cases: Sequence[Case], *, blind: bool) -> ScriptedModel:
    """Knows shade and height; where ``blind``, side neither enters its vectors nor its answers."""
    truth = oracle(cases)

    def answers(request: Request) -> Any:
        if not blind or SIDE not in request.prompt or not request.images:
            return truth.answers(request)
        # The same for like pictures, as good as drawn for others.
        shade, height, _ = seen(request)
        return ("left", "right")[int(height // 2 + shade // 60) % 2]

    def vector(request: Request, box: object) -> list[float]:
        shade, height, column = seen(request)
        wave = [np.cos(height / 4), np.sin(height / 4)]
        return [np.cos(shade / 60), np.sin(shade / 60), *wave, 0.0 if blind else (column - 24) / 6]

    return embedder(vector, ScriptedModel(answers, capabilities=truth.info.capabilities))


def findings(cases: Sequence[Case], subject: ScriptedModel, **given: Any) -> list[Finding]:
    return list(confusion(context_for(cases, subject), modes=("text",), **given))


def one(found: Sequence[Finding], metric: str, **slice: str) -> Finding:
    return next(f for f in found if f.metric == metric and f.slice == {"mode": "text", **slice})


def test_a_model_blind_to_side_is_found_by_its_own_vectors() -> None:
    cases = pool(300)

    found = findings(cases, model(cases, blind=True), mine="own", quantile=0.98)

    mined = next(f for f in found if f.metric == "mined_pairs")
    by = {row["attribute"]: row["mined"] for row in mined.data["attributes"]}
    assert by[SIDE.casefold()] >= 0.95 * mined.estimate >= 20
    assert one(found, "confusion").estimate == 1.0
    excess = one(found, "confusion_excess")
    assert excess.interval[0] > 0.2
    assert "left" in one(found, "confusion", attribute=SIDE.casefold()).reason


def test_a_model_that_sees_side_has_no_excess() -> None:
    cases = pool()

    found = findings(cases, model(cases, blind=False), mine="own", quantile=0.98)

    confused = [f for f in found if f.metric == "confusion" and f.estimate]
    assert not confused
    assert not [f for f in found if f.metric == "confusion_excess" and f.interval and f.interval[0] > 0]


def test_doses_are_lower_ranges_of_likeness_and_confusion_rises_with_them() -> None:
    cases = pool(300)

    found = findings(cases, model(cases, blind=True), mine="own", quantile=0.98, doses=(0.5, 0.8))

    low, high = one(found, "confusion", likeness="0.5-0.8"), one(found, "confusion", likeness="0.8-0.98")
    assert low.estimate < one(found, "confusion").estimate
    assert min(low.n, high.n) >= 20


def test_a_black_box_is_mined_by_what_it_answers() -> None:
    cases = pool()

    found = findings(cases, oracle(cases), mine="behaviour", quantile=0.6)

    mined = next(f for f in found if f.metric == "mined_pairs")
    assert mined.data["by"] == "behaviour"
    assert len({row["attribute"] for row in mined.data["attributes"] if row["mined"]}) <= 1


def test_one_question_cannot_be_mined_by_behaviour_and_no_vectors_is_said() -> None:
    cases = [case for case in pool(20) if case.question == SIDE]

    behaviour = findings(cases, oracle(cases), mine="behaviour")
    vectors = findings(cases, constant("left"), mine="own")

    assert {f.verdict.value for f in (*behaviour, *vectors)} == {"not_applicable"}
    assert "one question" in behaviour[0].reason
    assert "no embeddings" in vectors[0].reason


def test_an_unknown_likeness_names_the_legal_ones() -> None:
    cases = pool(4)

    with pytest.raises(UsageError, match="behaviour"):
        findings(cases, oracle(cases), mine="looks")


def test_of_a_reviewed_table_only_what_people_approved_counts(tmp_path: Path) -> None:
    cases = pool()
    subject = model(cases, blind=True)
    ctx = context_for(cases, subject)
    _, mined = _mined(ctx, Search("own", Rules(quantile=0.98, capacity=1, seed=ctx.seed)))
    path = tmp_path / "pairs.csv"
    write_review(path, mined.pairs)
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    place = lines[0].split(",").index("decision")
    for row in (1, 2, 3):
        cells = lines[row].split(",")
        cells[place] = "approve"
        lines[row] = ",".join(cells)
    path.write_text("".join(lines), encoding="utf-8")

    found = findings(cases, subject, mine="own", quantile=0.98, review=str(path))

    counted = next(f for f in found if f.metric == "mined_pairs")
    assert counted.estimate == 3.0
    assert counted.data["review"]["approve"] == 3
    assert one(found, "confusion").n == 3
