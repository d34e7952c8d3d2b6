"""``spurious`` on scripted models: a mark in the upper left quadrant, read or not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from medaudit.alarms import judge
from medaudit.case import Case, Region
from medaudit.errors import UsageError
from medaudit.finding import Finding, Verdict
from medaudit.image import ArrayImage, DerivedImage, Image, keyed_rng
from medaudit.model import Request
from medaudit.models.scripted import ScriptedModel, embedder, oracle
from medaudit.probes.spurious import spurious
from medaudit.probes.spurious_tasks import answered, asked_together
from medaudit.proposals import grid
from medaudit.regions.halves import first_half
from medaudit.registry import available
from medaudit.stats.clusters import group_codes
from medaudit.testing import check_probe, context_for
from medaudit.whitebox.reach import NotReached

SIDE, HALF = 32, 16
MARK = (4, 4, 12, 12)
QUESTION = "Is there an effusion?"
Box = tuple[int, int, int, int]


def picture(number: int, *, marked: bool) -> ArrayImage:
    """Grey noise of mean 40, never twice the same, with or without a white square in the upper left."""
    pixels = np.repeat(
        keyed_rng("spurious", number).integers(30, 50, (SIDE, SIDE, 1), dtype=np.uint8), 3, axis=2
    )
    if marked:
        pixels[MARK[1] : MARK[3], MARK[0] : MARK[2]] = 255
    return ArrayImage(pixels, f"picture-{number}")


def make(n: int = 160, *, per_patient: int = 1, boxes: tuple[Region, ...] = ()) -> tuple[Case, ...]:
    """Yes and no in turns by patient, a mark in every other patient of either."""
    cases = []
    for number in range(n):
        patient = number // per_patient
        cases.append(
            Case(
                f"c{number:03d}",
                (picture(number, marked=bool(patient // 2 % 2)),),
                QUESTION,
                ("yes", "no")[patient % 2],
                ("yes", "no"),
                f"p{patient}",
                regions=boxes,
            )
        )
    return tuple(cases)


def has_mark(pixels: Any) -> bool:
    return bool(pixels[MARK[1] + 2 : MARK[3] - 2, MARK[0] + 2 : MARK[2] - 2].mean() > 150)


def by_content(request: Request, box: Box | None) -> Any:
    """Where a region lies, whether it shows something white, and a little of its own."""
    x0, y0, x1, y1 = box or (0, 0, SIDE, SIDE)
    if (x1 - x0, y1 - y0) == (SIDE, SIDE):
        return np.mean([by_content(request, quadrant) for quadrant in grid((SIDE, SIDE), 2)], axis=0)
    part = request.images[0].pixels()[y0:y1, x0:x1]
    vector = np.full(12, 0.3)
    vector[2 * (y0 >= HALF) + (x0 >= HALF)] += 1.0
    vector[4] = 1.5 * float(part.max() > 150)
    vector[5:] += keyed_rng(request.images[0].digest, box).normal(0, 0.05, 7)
    return vector


def origin(image: Image) -> str:
    while isinstance(image, DerivedImage):
        image = image.parent
    return image.digest


def model(
    answers: Callable[[Request], str], *, capabilities: Any = ("choose",), vector: Any = by_content
) -> Any:
    return embedder(vector, ScriptedModel(answers, capabilities=capabilities, id="scripted"))


def reads_the_mark(request: Request) -> str:
    return "yes" if has_mark(request.images[0].pixels()) else "no"


def by_heart(cases: tuple[Case, ...], wrong: Callable[[int], bool]) -> Callable[[Request], str]:
    """Answers by whose picture it was, however edited; wrong where told."""
    other = {"yes": "no", "no": "yes"}
    known = {
        case.images[0].digest: other[case.answer] if wrong(number) else case.answer
        for number, case in enumerate(cases)
    }
    return lambda request: known[origin(request.images[0])]


def run(cases: tuple[Case, ...], subject: Any, **parameters: Any) -> list[Finding]:
    given: dict[str, Any] = {"regions": "quadrants"}
    findings = list(spurious(context_for(cases, subject), **given | parameters))
    for finding in findings:
        json.dumps(finding.to_dict(), allow_nan=False)
    assert len({finding.id for finding in findings}) == len(findings)
    return findings


def one(findings: list[Finding], metric: str, cluster: str = "") -> Finding:
    (found,) = (
        each
        for each in findings
        if each.metric == metric and (not cluster or each.slice.get("cluster") == cluster)
    )
    return found


def confirmed(findings: list[Finding]) -> Iterator[tuple[Finding, Finding]]:
    """Removal and insertion of each cluster whose edits confirm it."""
    for name, directions in one(findings, "shortcut").data["confirmed"].items():
        if directions:
            yield one(findings, "removal_flip", name), one(findings, "insertion_flip", name)


def test_a_mark_that_is_read_is_found_and_its_edits_flip_every_answer() -> None:
    cases = make()

    findings = run(cases, model(reads_the_mark))

    shortcut = one(findings, "shortcut")
    # Accuracy of yes is 1 with the mark and 0 without, of no the other way round; halves weigh 1.
    assert (shortcut.verdict, shortcut.estimate) == (Verdict.FAIL, pytest.approx(2.0))
    assert shortcut.p_value == pytest.approx(0.001)
    assert shortcut.interval is not None
    assert 1 < shortcut.interval[0] <= 2.0 <= shortcut.interval[1]
    assert (shortcut.n, shortcut.groups) == (160, 160)
    marked = next(each for each in findings if each.metric == "removal_flip" and each.data.get("rate") == 1.0)
    inserted = one(findings, "insertion_flip", str(marked.slice["cluster"]))
    # 40 patients without effusion have the mark and are answered yes, 40 have none and are answered no.
    assert (marked.estimate, marked.n, marked.control.estimate) == (1.0, 40, 0.0)
    assert (inserted.estimate, inserted.n, inserted.control.estimate) == (1.0, 40, 0.0)
    assert marked.p_value == inserted.p_value == pytest.approx(2 * 0.5**40)
    assert {edit["only_edit"] for edit in marked.data["edits"].values()} == {40}
    assert inserted.data["edits"]["beside its own class"]["test"] == "exact McNemar"
    gap = one(findings, "gap", str(marked.slice["cluster"]))
    assert "a part with a bright mark in the upper left" in gap.data["sentence"]
    assert "'yes' is answered 80 of 80 times; without it 0 of 80" in gap.data["sentence"]
    assert {tuple(member["box"]) for member in gap.data["members"]} == {(0, 0, HALF, HALF)}
    rows = {row["answer"]: row for row in gap.data["classes"]}
    assert rows["yes"]["with"] == {"n": 40, "accuracy": 1.0}
    assert rows["no"]["with"] == {"n": 40, "accuracy": 0.0}


def test_answers_that_go_with_the_mark_but_do_not_read_it_are_not_confirmed() -> None:
    cases = make()
    # The very same answers, by heart: edits change none of them.
    knows = by_heart(cases, lambda number: (number // 2 % 2 == 1) == (number % 2 == 1))

    findings = run(cases, model(knows))

    shortcut = one(findings, "shortcut")
    assert shortcut.data["verdict"] == "found"
    assert shortcut.verdict is Verdict.INCONCLUSIVE
    assert "Found but not confirmed" in shortcut.reason
    assert not any(shortcut.data["confirmed"].values())
    flips = [each for each in findings if each.metric in ("removal_flip", "insertion_flip")]
    assert {each.estimate for each in flips} <= {0.0, None}
    assert 0.0 in {each.estimate for each in flips}


@pytest.mark.parametrize("seed", range(3))
def test_errors_without_a_cause_in_the_picture_are_not_found(seed: int) -> None:
    cases = make()
    wrong = keyed_rng("errors", seed).random(len(cases)) < 0.25

    findings = run(cases, model(by_heart(cases, lambda number: bool(wrong[number]))))

    shortcut = one(findings, "shortcut")
    assert shortcut.verdict in (Verdict.MEASURED, Verdict.INCONCLUSIVE)
    assert shortcut.data["verdict"] != "found"
    assert shortcut.p_value is not None
    # One in twenty nulls falls below 0.05 (tests/regions counts them); none of them may be found.
    assert shortcut.p_value > 0.005
    assert shortcut.data["edit_effect"] is None
    assert not [each for each in findings if each.metric == "removal_flip"]


def test_a_model_without_errors_leaves_nothing_to_explain() -> None:
    cases = make()

    finding = one(run(cases, model(oracle(cases).answers)), "shortcut")

    assert (finding.estimate, finding.verdict) == (None, Verdict.INCONCLUSIVE)
    assert "insufficient data: 160 right and 0 wrong answers" in finding.reason


def test_few_patients_of_a_question_are_too_few_to_compare() -> None:
    short, rare = make(36), make(60)
    rare = tuple(replace(case, answer="yes" if int(case.id[1:]) % 6 else "no") for case in rare)

    assert "fewer than 40" in one(run(short, model(reads_the_mark)), "shortcut").reason
    assert "patients by right answer: 50, 10" in one(run(rare, model(reads_the_mark)), "shortcut").reason


def test_a_model_that_only_generates_is_probed_by_what_it_says() -> None:
    findings = run(make(), model(reads_the_mark, capabilities=("generate",)))

    assert one(findings, "shortcut").verdict is Verdict.FAIL
    assert [removal.estimate for removal, _ in confirmed(findings)]


def test_without_a_grid_crops_stand_in_and_say_so() -> None:
    def no_grid(request: Request, box: Box | None) -> Any:
        if box is not None:
            raise NotReached("its tokens have no place")
        # A crop does not tell where it was.
        vector = np.full(12, 0.3)
        vector[4] = 1.5 * float(request.images[0].pixels().max() > 150)
        return vector + keyed_rng(request.images[0].digest).normal(0, 0.05, 12)

    fallen = run(make(), model(reads_the_mark, vector=no_grid))
    asked = run(make(), model(reads_the_mark, vector=no_grid), vectors="crops")

    assert one(fallen, "shortcut").data["vectors"] == "crops, because its tokens have no place"
    assert one(asked, "shortcut").data["vectors"] == "crops"
    assert one(fallen, "shortcut").verdict is Verdict.FAIL


def test_what_lies_on_the_annotated_finding_is_evidence_and_no_shortcut() -> None:
    finding, other = Region("Effusion", MARK), Region("device", MARK)

    evidence = one(run(make(boxes=(finding,)), model(reads_the_mark)), "shortcut")
    beside = one(run(make(boxes=(other,)), model(reads_the_mark)), "shortcut")

    assert evidence.verdict is Verdict.INCONCLUSIVE
    assert "100% of its regions lie on annotated boxes of what is asked" in evidence.reason
    assert evidence.data["on_annotated_evidence"] == 1.0
    assert beside.verdict is Verdict.FAIL


def test_given_boxes_are_searched_and_their_absence_is_told() -> None:
    boxes = tuple(Region("part", box) for box in ((0, 0, 16, 16), (16, 16, 32, 32), (16, 0, 30, 14)))

    found = one(run(make(boxes=boxes), model(reads_the_mark), regions="given"), "shortcut")
    absent = one(run(make(), model(reads_the_mark), regions="given"), "shortcut")

    assert (found.verdict, found.data["regions_searched"]) == (Verdict.FAIL, 480)
    assert absent.verdict is Verdict.NOT_APPLICABLE
    assert "no case of this question carries a box" in absent.reason


def test_an_attribute_of_whole_images_is_found_and_cannot_be_edited() -> None:
    cases = make()
    cases = tuple(replace(case, meta={"ward": "AB"[i // 4 % 2]}) for i, case in enumerate(cases))
    # Yes in ward A, no in ward B, whatever the picture shows.
    knows = by_heart(cases, lambda number: (cases[number].answer == "yes") != (number // 4 % 2 == 0))

    findings = run(cases, model(knows))
    without = run(cases, model(knows), covariates=False)

    shortcut = one(findings, "shortcut")
    assert (shortcut.data["cluster"], shortcut.verdict) == ("ward: A", Verdict.INCONCLUSIVE)
    assert "can be neither taken out nor put in" in shortcut.reason
    assert one(findings, "removal_flip").verdict is Verdict.NOT_APPLICABLE
    assert one(without, "shortcut").data["verdict"] != "found"


def test_patients_with_several_images_are_kept_together() -> None:
    cases = make(320, per_patient=2)

    findings = run(cases, model(reads_the_mark))

    shortcut = one(findings, "shortcut")
    assert (shortcut.verdict, shortcut.n, shortcut.groups) == (Verdict.FAIL, 320, 160)
    removal, insertion = next(iter(confirmed(findings)))
    assert {each["test"] for each in removal.data["edits"].values()} == {"permutation of signs by group"}
    patients = {case.id: case.group for case in cases}
    donors = [patients[donor["case"]] for donor in insertion.data["donors"]]
    assert len(set(donors)) == len(donors) == 5


def test_with_split_the_half_that_clusters_come_from_is_not_edited() -> None:
    cases = make(320)

    findings = run(cases, model(reads_the_mark), split=True)

    shortcut = one(findings, "shortcut")
    assert (shortcut.verdict, shortcut.n) == (Verdict.FAIL, 160)
    # Tasks draw their cases in an order of their own; the half is that of the task.
    (task,) = answered(context_for(cases, model(reads_the_mark)), asked_together(cases, 40)[0], 500)
    first = first_half(task.labels, group_codes(task.groups)[0], 0)
    chosen_on = {case.id for case, half in zip(task.cases, first, strict=True) if half}
    edited = {case for pair in confirmed(findings) for each in pair for case in each.evidence}
    assert edited
    assert not edited & chosen_on


def test_the_published_method_names_a_cluster_of_a_clean_model_and_says_what_that_is_worth() -> None:
    cases = make()
    wrong = keyed_rng("errors", 1).random(len(cases)) < 0.25

    findings = run(cases, model(by_heart(cases, lambda number: bool(wrong[number]))), mode="faithful")

    shortcut = one(findings, "shortcut")
    assert shortcut.verdict is Verdict.MEASURED
    assert shortcut.p_value is None
    assert "found without error control" in shortcut.reason or "not found" in shortcut.reason
    assert all(each.verdict is not Verdict.FAIL for each in findings)
    assert all("error control" in each.reason for each in findings if each.metric == "gap")


@pytest.mark.parametrize(
    ("parameters", "legal"),
    [
        ({"regions": "grid"}, "quadrants"),
        ({"vectors": "tokens"}, "crops"),
        ({"mode": "ravl"}, "faithful"),
        ({"cases": 0}, "from 1"),
        ({"clusters": True}, "from 1"),
    ],
)
def test_mistakes_are_told_with_what_is_legal(parameters: dict[str, Any], legal: str) -> None:
    with pytest.raises(UsageError, match=legal):
        list(spurious(context_for(make(8), model(reads_the_mark)), **parameters))


def test_open_questions_alone_are_not_applicable() -> None:
    cases = tuple(replace(case, options=()) for case in make(8))

    finding = one(run(cases, model(reads_the_mark, capabilities=("generate",))), "shortcut")

    assert finding.verdict is Verdict.NOT_APPLICABLE


def test_the_contract_of_probes_is_kept() -> None:
    check_probe("spurious", cases=make(80), model=model(reads_the_mark, capabilities=("choose", "generate")))


def test_the_alarm_follows_the_verdict() -> None:
    cases = make()
    wrong = keyed_rng("errors", 0).random(len(cases)) < 0.25
    rules = {"spurious": available("probe")["spurious"].alarms}

    (read,) = judge(run(cases, model(reads_the_mark)), rules)
    (null,) = judge(run(cases, model(by_heart(cases, lambda number: bool(wrong[number])))), rules)

    # p is that of the search, 1 in 1000; the edits change every answer and their control none.
    assert (read.raised, read.estimate, read.p_value) == (True, 1.0, pytest.approx(0.001))
    assert "Asked 'Is there an effusion?', it goes by a part of the image" in read.says
    assert "changes 100.0 points more answers" in read.says
    assert (null.raised, null.p_value) == (False, None)
    assert "edit_effect" in null.reason
