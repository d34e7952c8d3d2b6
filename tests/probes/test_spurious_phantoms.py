"""``spurious`` on trained phantoms: one that reads a laterality marker, one that reads the lungs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import medaudit
from medaudit.case import Case
from medaudit.engine import Engine
from medaudit.finding import Finding, Verdict
from medaudit.image import keyed_rng
from medaudit.model import Answer, Request
from medaudit.phantoms import case_set
from medaudit.phantoms.canvas import tight_box
from medaudit.phantoms.overlays import marker_mask
from medaudit.probes.spurious import spurious
from medaudit.store import Store
from medaudit.testing import context_for

pytestmark = pytest.mark.slow

Search = Callable[..., list[Finding]]


def opacities(seed: int = 0, n: int = 400) -> tuple[Case, ...]:
    """About half of ``n``: the planted finding's question is asked most."""
    cases = case_set("chest-marker", n, seed).cases
    return tuple(case for case in cases if case.question == "Is there an opacity?")


@pytest.fixture
def search(tmp_path: Path) -> Search:
    """The probe on a phantom, its answers batched and stored as in an audit."""

    def run(name: str, cases: tuple[Case, ...], **parameters: object) -> list[Finding]:
        model = medaudit.load_model(f"phantom:{name}")
        with Store(tmp_path / "answers.sqlite") as store:
            ctx = context_for(cases, model, ask=Engine(model, store, batch_size=64).ask)
            return list(spurious(ctx, **parameters))

    return run


def one(findings: list[Finding], metric: str, cluster: str = "") -> Finding:
    (found,) = (
        each
        for each in findings
        if each.metric == metric and (not cluster or each.slice["cluster"] == cluster)
    )
    return found


@pytest.mark.parametrize("name", ["clip-shortcut-marker", "shortcut-marker"])
def test_the_corner_of_the_marker_is_the_top_cluster_and_edits_confirm_it(name: str, search: Search) -> None:
    findings = search(name, opacities())

    shortcut = one(findings, "shortcut")
    assert shortcut.verdict is Verdict.FAIL
    assert shortcut.p_value == pytest.approx(0.001)
    top = shortcut.data["cluster"]
    x0, y0, x1, y1 = shortcut.data["medoid"]["box"]
    corners = [tight_box(marker_mask(left, 64)) for left in (True, False)]
    assert any(x0 <= a0 and y0 <= b0 and x1 >= a1 and y1 >= b1 for a0, b0, a1, b1 in corners)
    assert shortcut.data["place"]["share"] > 0.9
    # The model says yes to one corner and no to the other, 98 and 99 times.
    said = {row["answer"]: row["with"]["accuracy"] for row in shortcut.data["classes"]}
    assert abs(said["yes"] - said["no"]) > 0.9
    flips = one(findings, "removal_flip", top), one(findings, "insertion_flip", top)
    assert shortcut.data["confirmed"][top]
    assert max(flip.estimate or 0 for flip in flips) > 0.3
    assert min(flip.p_adjusted or 0 for flip in flips) < 0.01
    # No opacity lies where the marker is.
    assert shortcut.data["on_annotated_evidence"] < 0.2


@pytest.mark.parametrize("name", ["clip-clean", "clean"])
def test_a_model_that_reads_the_lungs_has_no_shortcut_there(name: str, search: Search) -> None:
    findings = search(name, opacities())

    shortcut = one(findings, "shortcut")
    assert shortcut.verdict is not Verdict.FAIL
    assert shortcut.data["verdict"] != "found"
    # Either there is nothing, said with what could have been seen, or too few errors to say so. Errors may
    # gather in faint findings, which makes p small; what is hard misleads towards no class.
    assert shortcut.verdict is Verdict.MEASURED or "insufficient data" in shortcut.reason
    assert shortcut.p_value is not None
    assert not any(each.metric == "removal_flip" and each.data.get("confirmed") for each in findings)


def test_with_answers_dealt_within_classes_nothing_hangs_on_the_marker(tmp_path: Path) -> None:
    cases = opacities()
    model = medaudit.load_model("phantom:clip-shortcut-marker")
    with Store(tmp_path / "answers.sqlite") as store:
        engine = Engine(model, store, batch_size=64)
        ctx = context_for(cases, model, ask=engine.ask)
        own = ctx.ask([ctx.request(case) for case in cases])
        dealt = {}
        for option in ("yes", "no"):
            at = [number for number, case in enumerate(cases) if case.answer == option]
            for number, other in zip(at, keyed_rng("dealt", option).permutation(at), strict=True):
                dealt[ctx.request(cases[number]).key("")] = own[int(other)]

        def ask(requests: Sequence[Request]) -> list[Answer]:
            return [
                dealt.get(request.key("")) or answer
                for request, answer in zip(requests, engine.ask(requests), strict=True)
            ]

        findings = list(spurious(replace(ctx, ask=ask)))

    # The same regions, as many errors; what each image was answered is another's.
    shortcut = one(findings, "shortcut")
    assert shortcut.data["wrong"] > 40
    assert shortcut.data["verdict"] != "found"
    assert shortcut.verdict is not Verdict.FAIL
    assert shortcut.p_value is not None
    assert shortcut.p_value > 0.05


def test_every_question_is_a_task_and_shares_the_level(search: Search) -> None:
    cases = case_set("chest-marker", 400, 0).cases

    findings = search("clip-shortcut-marker", cases)

    shortcuts = [each for each in findings if each.metric == "shortcut"]
    failed = {str(each.slice["question"]) for each in shortcuts if each.verdict is Verdict.FAIL}
    assert failed == {"Is there an opacity?"}
    assert any("fewer than 40" in each.reason or "insufficient" in each.reason for each in shortcuts)
