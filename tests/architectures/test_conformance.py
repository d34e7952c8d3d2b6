"""A representative dozen conforms, and every check catches the fault that it is there for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medaudit.architectures import checks_answers, checks_geometry, checks_inside
from medaudit.architectures.conformance import CHECKS, conform, verdict
from medaudit.architectures.kinds import select
from medaudit.architectures.subject import Subject
from medaudit.architectures.table import measured, status_of
from medaudit.model import Answer, Request
from medaudit.models import load_model

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

DOZEN = (
    "llava", "llava_next", "qwen2_5_vl", "qwen3_vl", "gemma3", "paligemma", "idefics3", "internvl",
    "mllama", "florence2", "blip-2", "clip", "siglip2",
)  # fmt: skip


@pytest.mark.parametrize("name", DOZEN)
def test_a_representative_type_does_what_the_table_says(name: str, tmp_path: Path) -> None:
    kind = select([name])[0]
    row = conform(kind, tmp_path)
    table = measured()
    assert table is not None
    (said,) = [r for r in table["architectures"] if (r["type"], r["class"]) == (kind.type, kind.class_name)]

    # A regression and an improvement both fail: the table has to be true.
    found = {name: status_of(row[name]) for name in CHECKS}
    assert found == {name: status_of(said[name]) for name in CHECKS}, row


@pytest.fixture(scope="module")
def llava(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from medaudit.architectures import build

    return build("llava", tmp_path_factory.mktemp("llava"))


@pytest.fixture
def subject(llava: Path) -> Subject:
    return Subject(load_model(str(llava)))


def test_without_a_fault_everything_works(subject: Subject) -> None:
    assert {name: verdict(check, subject) for name, check in CHECKS.items()} == dict.fromkeys(CHECKS, "works")


def test_a_dead_image_path_fails(subject: Subject) -> None:
    import torch

    with torch.no_grad():
        for parameter in subject.model.network.model.multi_modal_projector.parameters():
            parameter.zero_()

    for name in ("generate", "choose"):
        assert "another image moves the scores" in verdict(CHECKS[name], subject)
    for name in ("embed", "attend", "gradients", "geometry"):
        assert status_of(verdict(CHECKS[name], subject)) == "fails", name


def test_a_measurement_that_sees_more_than_the_image_fails(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine, calls = subject.model.answer, iter(range(1000))

    def drifting(prepared: Any) -> list[Answer]:
        drift = 0.1 * next(calls)
        return [replace(a, scores=tuple(s + drift for s in a.scores or ())) for a in genuine(prepared)]

    monkeypatch.setattr(subject.model, "answer", drifting)

    assert "control" in verdict(checks_answers._sees, subject)


def test_wrong_scores_and_scores_that_depend_on_the_batch_fail(
    subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = subject.model.answer

    def skewed(prepared: Any) -> list[Answer]:
        answers = genuine(prepared)
        return [replace(a, scores=tuple(s + 0.01 * len(answers) for s in a.scores or ())) for a in answers]

    monkeypatch.setattr(subject.model, "answer", skewed)

    assert "from full passes" in verdict(checks_answers.choose, subject)
    assert "in a batch" in verdict(checks_answers.batch, subject)


def test_a_mask_that_leaks_or_does_nothing_fails(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = Subject.ask

    def unmasked(self: Subject, requests: list[Request], **given: Any) -> list[Answer]:
        return genuine(self, [replace(request, intervention="") for request in requests], **given)

    monkeypatch.setattr(Subject, "ask", unmasked)

    assert "another image moves the scores" in verdict(checks_inside.intervene, subject)


def test_a_wrong_map_fails(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    from medaudit.geometry import Geometry

    genuine = Geometry.token_map

    def shifted(self: Geometry, *given: Any, **named: Any) -> Any:
        tokens = genuine(self, *given, **named)
        turned = np.roll(np.arange(len(tokens)), len(tokens) // 2)
        return replace(tokens, places=tokens.places[turned], cells=tokens.cells[turned])

    monkeypatch.setattr(Geometry, "token_map", shifted)

    assert "painted cells answer where the map says" in verdict(checks_geometry.geometry, subject)


def test_a_type_that_denies_a_grid_it_has_fails(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    from medaudit.geometry import exceptions

    monkeypatch.setitem(exceptions.NO_GRID, "llava", "so it says")

    assert "a square one fits" in verdict(checks_geometry.geometry, subject)


def test_a_wrong_gradient_fails(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    from medaudit.whitebox import gradients

    genuine = gradients.score_and_gradient

    def doubled(*given: Any, **named: Any) -> Any:
        score, pixels, raw = genuine(*given, **named)
        return score, pixels, {name: 2 * values for name, values in raw.items()}

    monkeypatch.setattr(gradients, "score_and_gradient", doubled)

    assert "of what it says" in verdict(checks_inside.gradients, subject)


def test_tuning_that_touches_the_model_fails(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    from medaudit.whitebox import tuning

    monkeypatch.setattr(tuning.copy, "deepcopy", lambda thing: thing)

    assert status_of(verdict(checks_inside.tune, subject)) == "fails"
