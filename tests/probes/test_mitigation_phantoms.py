"""``mitigation`` on trained phantoms: one that reads a laterality marker, one that reads the lungs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import medaudit
from medaudit.case import Case
from medaudit.engine import Engine
from medaudit.finding import Finding, Verdict
from medaudit.phantoms import case_set
from medaudit.probes.mitigation import mitigation
from medaudit.store import Store
from medaudit.testing import context_for

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def opacities() -> tuple[Case, ...]:
    cases = case_set("chest-marker", 480, 0).cases
    return tuple(case for case in cases if case.question == "Is there an opacity?")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder: Path = tmp_path_factory.mktemp("answers")
    with Store(folder / "answers.sqlite") as opened:
        yield opened


def run(name: str, cases: tuple[Case, ...], store: Store, **parameters: Any) -> tuple[list[Finding], Engine]:
    model = medaudit.load_model(f"phantom:{name}")
    engine = Engine(model, store, batch_size=64)
    ctx = context_for(cases, model, ask=engine.ask, teach=engine.tuned)
    return list(mitigation(ctx, **parameters)), engine


def one(found: list[Finding], metric: str, **where: str) -> Finding:
    (hit,) = (
        each
        for each in found
        if each.metric == metric and all(each.slice.get(key) == value for key, value in where.items())
    )
    return hit


@pytest.fixture(scope="module")
def shortcut(opacities: tuple[Case, ...], store: Store) -> tuple[list[Finding], Engine]:
    return run("clip-shortcut-marker", opacities, store, attribute="marker", steps=30, learning_rate=2e-3)


def test_tuning_away_from_the_marker_lifts_the_worst_group(shortcut: tuple[list[Finding], Engine]) -> None:
    found, _ = shortcut

    assert one(found, "worst_group_accuracy", tuning="none").estimate == 0
    gain = one(found, "mitigation_gain", against="none", given="found")
    assert gain.data["verdict"] == "found"
    assert gain.interval is not None
    assert gain.interval[0] > 0.2
    named = one(found, "named_group_gain", against="none")
    assert named.data["before"] == 0
    assert named.p_value is not None
    assert named.p_value < 0.001
    # The price: none, for the shortcut was wrong about a third of the pictures.
    assert (one(found, "accuracy", tuning="region").data["change"] or 0) > 0


def test_the_control_shows_how_much_of_it_is_tuning_alone(shortcut: tuple[list[Finding], Engine]) -> None:
    """Labelled pictures that break the association teach as much: nothing is claimed beyond plain tuning."""
    found, _ = shortcut

    gain = one(found, "mitigation_gain", against="none", given="found")
    plain = one(found, "mitigation_gain", against="plain", given="found")
    assert gain.control is not None
    assert gain.control.metric == "gain_of_plain_tuning"
    assert (gain.control.estimate or 0) > 0.2
    assert plain.interval is not None
    assert plain.interval[0] < 0.1


def test_another_region_yields_no_more_than_plain_tuning(shortcut: tuple[list[Finding], Engine]) -> None:
    found, _ = shortcut

    other = one(found, "mitigation_gain", against="plain", given="found").control
    assert other is not None
    assert other.metric == "gain_of_another_region"
    assert other.interval is not None
    assert other.interval[0] <= 0


def test_a_warm_run_tunes_and_asks_nothing(
    shortcut: tuple[list[Finding], Engine],
    opacities: tuple[Case, ...],
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("tuned again")

    monkeypatch.setattr("medaudit.whitebox.tuning.tune_by", never)

    again, engine = run(
        "clip-shortcut-marker", opacities, store, attribute="marker", steps=30, learning_rate=2e-3
    )

    assert engine.computed == 0
    assert [each.to_dict() for each in again] == [each.to_dict() for each in shortcut[0]]


def test_a_model_without_a_shortcut_is_left_as_it_is(
    opacities: tuple[Case, ...], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("tuned without a finding")

    monkeypatch.setattr("medaudit.whitebox.tuning.tune_by", never)

    found, _ = run("clip-clean", opacities, store, attribute="marker")

    gains = [each for each in found if each.metric == "mitigation_gain"]
    assert gains
    told = {str(each.slice.get("given", "")): each for each in gains}
    if "any" in told:
        assert told["any"].estimate == 0
        assert "by design" in told["any"].reason
        assert told["found"].verdict is Verdict.INCONCLUSIVE
        assert (one(found, "worst_group_accuracy", tuning="none").estimate or 0) > 0.7
    else:  # so few wrong answers that nothing can be told
        assert all("insufficient data" in each.reason for each in gains)
