"""``confusion`` with ``mine``: pairs come from the pool, the claim is the excess over matched controls."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medaudit.case import Case
from medaudit.errors import DataError, UsageError
from medaudit.finding import Finding
from medaudit.image import ArrayImage
from medaudit.mining import Rules, write_review
from medaudit.mining.seeking import Search, seek
from medaudit.model import Request
from medaudit.probes.confusion import confusion
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


def test_each_attribute_has_an_excess_of_its_own_with_interval_n_and_p() -> None:
    cases = pool(300)

    found = findings(cases, model(cases, blind=True), mine="own", quantile=0.98)

    whole, side = one(found, "confusion_excess"), one(found, "confusion_excess", attribute=SIDE.casefold())
    assert side.interval[0] > 0.2
    assert side.p_value < 0.01
    assert side.data["p_value_is"].startswith("one-sided")
    valid = [side.data[kind]["valid_pairs"] for kind in ("pairs", "controls")]
    assert min(valid) >= 10
    assert side.n == sum(valid)
    assert side.groups >= 20
    rates = [side.data[kind]["same_answer"] / n for kind, n in zip(("pairs", "controls"), valid, strict=True)]
    assert side.estimate == pytest.approx(rates[0] - rates[1])
    rest = [f for f in found if f.metric == "confusion_excess" and f not in (whole, side)]
    assert all("under the minimum of 10" in f.reason for f in rest)
    assert whole.data["pairs"]["pairs"] == sum(f.data["pairs"]["pairs"] for f in (side, *rest))


def test_a_model_that_sees_side_has_no_excess() -> None:
    cases = pool()

    found = findings(cases, model(cases, blind=False), mine="own", quantile=0.98)

    confused = [f for f in found if f.metric == "confusion" and f.estimate]
    assert not confused
    tested = [f.p_value for f in found if f.metric == "confusion_excess" and f.p_value is not None]
    assert tested == [1.0] * len(tested)
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


def test_behaviour_is_asked_as_likelihoods_where_there_are_any() -> None:
    cases = pool(120)
    asked: list[Request] = []

    def answers(request: Request) -> Any:
        asked.append(request)
        return truth.answers(request)

    truth = oracle(cases)
    subject = ScriptedModel(answers, capabilities=("generate", "choose"))
    findings(cases, subject, mine="behaviour", quantile=0.6)
    findings(cases, ScriptedModel(answers, capabilities=("generate",)), mine="behaviour", quantile=0.6)

    tasks = [request.task.value for request in asked]
    # Both questions are of two options; one of them is the bank, put to each picture.
    assert tasks[:120] == ["choose"] * 120
    assert "choose" not in tasks[-120:]


def test_by_question_a_model_blind_to_side_is_found_and_one_that_sees_is_not() -> None:
    cases = pool(240)

    def subject(*, blind: bool) -> ScriptedModel:
        def state(request: Request, box: object) -> list[float]:
            shade, height, column = seen(request)
            asked = (column - 24) / 6 if SIDE in request.prompt else (shade - 175) / 15
            noise = [np.cos(height), np.sin(height), np.cos(7 * height), np.sin(7 * height)]
            return [0.0 if blind and SIDE in request.prompt else asked, *noise]

        return embedder(state, model(cases, blind=blind))

    blind = findings(cases, subject(blind=True), mine="question", quantile=0.95)
    sees = findings(cases, subject(blind=False), mine="question", quantile=0.95)

    mined = next(f for f in blind if f.metric == "mined_pairs")
    assert mined.data["by"] == "question"
    assert {row["attribute"] for row in mined.data["attributes"] if row["mined"]} == {SIDE.casefold()}
    ratios = {f.slice["attribute"]: f for f in blind if f.metric == "unseen_ratio"}
    assert ratios[SIDE.casefold()].interval[0] > 0.5 > ratios[SHADE.casefold()].interval[1]
    assert one(blind, "confusion_excess", attribute=SIDE.casefold()).interval[0] > 0.2
    assert next(f for f in sees if f.metric == "mined_pairs").estimate == 0
    assert max(f.interval[1] for f in sees if f.metric == "unseen_ratio") < 0.5
    assert not [f for f in sees if f.metric == "confusion_excess" and f.estimate is not None]


def test_the_reference_is_recorded_and_may_be_a_vision_model(monkeypatch: pytest.MonkeyPatch) -> None:
    cases = pool(60)
    record = {"encoder": "mine", "model_type": "vit"}

    class Encoder:
        def __init__(self) -> None:
            self.record = record

        def vectors(self, images: Sequence[Any]) -> Any:
            return np.stack([np.eye(3, dtype=np.float32)[i % 3] for i in range(len(images))])

    monkeypatch.setattr("medaudit.mining.encoder.load_encoder", lambda name: Encoder())

    plain = findings(cases, model(cases, blind=True), mine="own", quantile=0.9)
    own = findings(cases, model(cases, blind=True), mine="own", quantile=0.9, reference="mine")

    told = [next(f for f in found if f.metric == "mined_pairs").data for found in (plain, own)]
    assert [data["reference"] for data in told] == [{"encoder": "descriptor"}, record]
    assert told[0]["strata"] != told[1]["strata"]


def test_one_question_cannot_be_mined_by_behaviour_and_no_vectors_is_said() -> None:
    cases = [case for case in pool(20) if case.question == SIDE]

    behaviour = findings(cases, oracle(cases), mine="behaviour")
    vectors = findings(cases, constant("left"), mine="own")

    assert {f.verdict.value for f in (*behaviour, *vectors)} == {"not_applicable"}
    assert "one question" in behaviour[0].reason
    assert "no embeddings" in vectors[0].reason


def test_tables_and_references_that_are_none_are_refused_before_the_model_is_asked(tmp_path: Path) -> None:
    cases = pool(4)
    asked = ScriptedModel(lambda request: pytest.fail("was asked"), capabilities=("generate", "choose"))

    with pytest.raises(UsageError, match="no such folder, and no such model"):
        findings(cases, asked, mine="behaviour", reference=str(tmp_path / "none"))
    with pytest.raises(DataError, match="no such review file"):
        findings(cases, asked, mine="behaviour", review=str(tmp_path / "none.csv"))


def test_an_unknown_likeness_names_the_legal_ones() -> None:
    cases = pool(4)

    with pytest.raises(UsageError, match="behaviour"):
        findings(cases, oracle(cases), mine="looks")


def test_of_a_reviewed_table_only_what_people_approved_counts(tmp_path: Path) -> None:
    cases = pool()
    subject = model(cases, blind=True)
    ctx = context_for(cases, subject)
    mined = seek(ctx, Search("own", Rules(quantile=0.98, capacity=1, seed=ctx.seed))).mined
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

    second = tmp_path / "second.csv"
    second.write_text("".join([*lines[:3], lines[3].replace("approve", "reject"), *lines[4:]]), "utf-8")
    both = findings(cases, subject, mine="own", quantile=0.98, review=str(path), second_review=str(second))
    counted = next(f for f in both if f.metric == "mined_pairs")
    assert counted.estimate == 2.0
    assert counted.data["review"]["agreement"]["counts"]["first_keeps"] == 1
