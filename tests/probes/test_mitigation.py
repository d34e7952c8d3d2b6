"""``mitigation``: halves without leakage, groups, gains known on paper, and what is said where nothing is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from medaudit.case import Case
from medaudit.errors import UsageError
from medaudit.finding import Finding, Verdict
from medaudit.image import ArrayImage
from medaudit.model import Capability
from medaudit.probes.mitigation import mitigation
from medaudit.probes.mitigation_arms import Trial
from medaudit.probes.mitigation_findings import findings, untuned
from medaudit.probes.mitigation_groups import by_column, cells_of
from medaudit.probes.mitigation_search import Halves, halved
from medaudit.probes.sheet import Sheet
from medaudit.probes.spurious_tasks import Task
from medaudit.testing import context_for, oracle, synthetic_cases

OPTIONS = ("yes", "no")


def cases_of(labels: Sequence[int], markers: Sequence[str | None], images_each: int = 1) -> tuple[Case, ...]:
    made = []
    for number, (label, marker) in enumerate(zip(labels, markers, strict=True)):
        pixels = np.full((4, 4, 3), number, dtype=np.uint8)
        meta = {} if marker is None else {"marker": marker}
        group = f"patient {number // images_each}"
        image = ArrayImage(pixels, f"c{number}")
        made.append(Case(f"c{number}", (image,), "Opacity?", OPTIONS[label], OPTIONS, group, meta))
    return tuple(made)


def task_of(cases: tuple[Case, ...], right: Sequence[bool] | None = None) -> Task:
    labels = np.array([OPTIONS.index(case.answer) for case in cases])
    said = labels if right is None else np.where(right, labels, 1 - labels)
    return Task("Opacity?", OPTIONS, cases, labels, np.eye(2)[said])


@pytest.fixture
def halves() -> Halves:
    """12 cases of each answer and marker in either half; in the learning half "no, marker" is worst."""
    labels, markers = [0] * 24 + [1] * 24, (["marker"] * 12 + ["none"] * 12) * 2
    cases = cases_of(labels, markers)
    wrong = [24 <= place < 33 for place in range(48)]
    return Halves(task_of(cases, [not each for each in wrong]), task_of(cases))


def trial_of(halves: Halves, **right: Sequence[int]) -> Trial:
    """Right answers of each group of twelve, by tuning: yes-marker, yes-none, no-marker, no-none."""
    learning, cells, names = cells_of(halves, *by_column(halves, "marker"), 10)
    correct = {
        name: np.concatenate([(np.arange(12) < count).astype(float) for count in counts])
        for name, counts in right.items()
    }
    return Trial(correct, halves.learning.correct.astype(float), cells, learning, names, {})


def searched_of(halves: Halves, *, found: bool = True) -> Any:
    """What was searched, as far as findings read it."""
    discovery = SimpleNamespace(
        verdict="found" if found else "not found", reason="none stands out", n=48, groups=48, errors=9,
        detectable=None,
    )  # fmt: skip
    return SimpleNamespace(
        halves=halves,
        found=discovery,
        spurious=(),
        others=(),
        top=None,
        learning=SimpleNamespace(vectors="grid"),
    )


def drawn(halves: Halves, trial: Trial | None, *, found: bool = True) -> list[Finding]:
    ctx = context_for(halves.held_out.cases, oracle(halves.held_out.cases))
    sheet = Sheet(ctx, "mitigation", halves.held_out.cases)
    say = findings if found else untuned
    return list(say(sheet, searched_of(halves, found=found), trial, "marker"))  # type: ignore[arg-type]


def one(found: list[Finding], metric: str, **where: str) -> Finding:
    (hit,) = (
        each
        for each in found
        if each.metric == metric and all(each.slice.get(key) == value for key, value in where.items())
    )
    return hit


BEFORE, PLAIN, REGION, OTHER = [12, 12, 3, 12], [12, 11, 6, 12], [11, 12, 9, 12], [12, 12, 6, 11]


def test_gains_are_differences_of_the_worst_groups(halves: Halves) -> None:
    found = drawn(halves, trial_of(halves, none=BEFORE, plain=PLAIN, region=REGION, other_region=OTHER))

    worst = {
        name: one(found, "worst_group_accuracy", tuning=name).estimate for name in ("none", "plain", "region")
    }
    assert worst == {"none": 0.25, "plain": 0.5, "region": 0.75}
    assert one(found, "mitigation_gain", against="none", given="found").estimate == pytest.approx(0.5)
    plain = one(found, "mitigation_gain", against="plain", given="found")
    assert plain.estimate == pytest.approx(0.25)
    assert plain.control is not None
    assert plain.control.estimate == pytest.approx(0)  # the other region gains nothing over plain tuning
    assert one(found, "mitigation_gain", against="plain", given="any").estimate == plain.estimate
    assert one(found, "accuracy", tuning="region").estimate == pytest.approx(44 / 48)
    assert one(found, "accuracy", tuning="region").data["change"] == pytest.approx(5 / 48)


def test_the_named_group_is_that_of_the_learning_half_and_its_test_is_paired(halves: Halves) -> None:
    """Nine of twelve learning cases are wrong in "no, marker"; held-out, six are mended: McNemar 2/64."""
    found = drawn(halves, trial_of(halves, none=BEFORE, plain=PLAIN, region=REGION))

    named = one(found, "named_group_gain", against="none")
    assert named.data["group"] == "no, marker"
    assert (named.data["mended"], named.data["broken"], named.n) == (6, 0, 12)
    assert named.estimate == pytest.approx(0.5)
    assert named.p_value == pytest.approx(2 / 2**6)
    assert named.control is not None
    assert named.control.estimate == pytest.approx(0.25)


def test_copies_that_answer_like_the_model_gain_nothing(halves: Halves) -> None:
    """The control: intervals hold 0, and no p is small."""
    same = [12, 12, 9, 12]

    found = drawn(halves, trial_of(halves, none=same, plain=same, region=same, other_region=same))

    gains = [each for each in found if each.metric.endswith("gain")]
    assert len(gains) == 8
    assert {each.estimate for each in gains} == {0.0}
    for each in gains:
        assert each.interval is not None
        assert each.interval[0] <= 0 <= each.interval[1]
        assert each.p_value in (None, 1.0)


def test_an_answer_that_did_not_come_is_no_wrong_one(halves: Halves) -> None:
    trial = trial_of(halves, none=BEFORE, plain=PLAIN, region=REGION)
    trial.correct["region"][24:33] = np.nan  # of "no, marker" nine right answers are missing

    found = drawn(halves, trial)

    assert one(found, "worst_group_accuracy", tuning="region").n == 39
    assert one(found, "accuracy", tuning="region").n == 39
    assert one(found, "named_group_gain", against="none").n == 3


def test_where_nothing_was_found_the_gain_is_nought_by_design_and_says_so(halves: Halves) -> None:
    found = drawn(halves, trial_of(halves, none=BEFORE), found=False)

    for against in ("none", "plain"):
        always = one(found, "mitigation_gain", against=against, given="any")
        assert (always.estimate, always.interval, always.n) == (0.0, (0.0, 0.0), 48)
        assert "nothing was tuned" in always.reason
        assert "none stands out" in always.reason
        given = one(found, "mitigation_gain", against=against, given="found")
        assert (given.estimate, given.verdict) == (None, Verdict.INCONCLUSIVE)
    assert one(found, "worst_group_accuracy", tuning="none").estimate == 0.25
    nameless = drawn(halves, None, found=False)
    assert "attribute" in one(nameless, "worst_group_accuracy").reason


def test_no_patient_is_in_both_halves_and_answers_are_alike() -> None:
    cases = cases_of([0, 0, 1, 1] * 30, ["marker"] * 120, images_each=3)

    halves = halved(task_of(cases), seed=3)

    first, second = set(halves.learning.groups), set(halves.held_out.groups)
    assert not first & second
    assert len(halves.learning.cases) + len(halves.held_out.cases) == 120
    assert abs(halves.learning.labels.mean() - halves.held_out.labels.mean()) < 0.1


def test_small_groups_and_unknown_values_are_left_out() -> None:
    labels, markers = [0] * 24 + [1] * 24, ["a"] * 12 + ["b"] * 12 + ["a"] * 14 + [None] * 5 + ["b"] * 5
    halves = Halves(*[task_of(cases_of(labels, markers))] * 2)

    learning, held_out, names = cells_of(halves, *by_column(halves, "marker"), 10)

    assert names == ("no, a", "yes, a", "yes, b")
    assert np.bincount(held_out + 1).tolist() == [10, 14, 12, 12]
    assert (learning == held_out).all()
    # Twelve cases of four patients are too few for groups of ten patients.
    few = Halves(*[task_of(cases_of(labels, markers, images_each=3))] * 2)
    assert cells_of(few, *by_column(few, "marker"), 10)[2] == ()


def test_a_column_that_nobody_has_is_refused(halves: Halves) -> None:
    with pytest.raises(UsageError, match="marker"):
        by_column(halves, "markre")


def test_too_few_groups_are_said_to_be_so(halves: Halves) -> None:
    trial = replace(trial_of(halves, none=BEFORE), names=("no, marker",))

    (only,) = drawn(halves, trial)

    assert only.verdict is Verdict.INCONCLUSIVE
    assert "fewer than two groups" in only.reason


def test_a_model_that_generates_is_not_applicable() -> None:
    cases = synthetic_cases(48, closed=True)
    ctx = context_for(cases, oracle(cases))
    able = replace(ctx.model, capabilities=frozenset({Capability.CHOOSE, Capability.EMBED, Capability.TUNE}))

    (only,) = mitigation(replace(ctx, model=able))

    assert only.verdict is Verdict.NOT_APPLICABLE
    assert "one space" in only.reason


def test_few_patients_are_inconclusive() -> None:
    cases = synthetic_cases(48, closed=True)
    ctx = context_for(cases, oracle(cases))
    able = replace(ctx.model, kind="contrastive")

    found = list(mitigation(replace(ctx, model=able)))

    assert {each.verdict for each in found} == {Verdict.INCONCLUSIVE}
    assert "too few for two halves" in found[0].reason


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"regions": "gird"}, "regions"),
        ({"vectors": "pixels"}, "vectors"),
        ({"cases": 0}, "cases"),
        ({"lam": 2.0}, "lambda"),
        ({"steps": 10**6}, "steps"),
        ({"batch": 0}, "batch"),
    ],
)
def test_settings_out_of_bounds_are_refused_before_anything_is_asked(
    settings: dict[str, Any], expected: str
) -> None:
    cases = synthetic_cases(8)

    with pytest.raises(UsageError, match=expected):
        list(mitigation(context_for(cases, oracle(cases)), **settings))
