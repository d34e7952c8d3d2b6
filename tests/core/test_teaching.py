"""Tuned copies: a fingerprint of their own, answers stored like any, tuned only where one is missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from medaudit.engine import Engine
from medaudit.errors import NotApplicableError
from medaudit.model import Answer, Capability, ModelInfo, Request
from medaudit.scanning import context_of
from medaudit.store import Store
from medaudit.testing import context_for, oracle, synthetic_cases
from medaudit.whitebox.tuning import TuningReport

ABLE = frozenset({Capability.GENERATE, Capability.TUNE})
REPORT = TuningReport(3, 1, 0.1, 0, "vision", 2, 1, 4, 0.5, (1.0, 0.5), 1.0, 0.5, "base", "adapter", 9.9)


@dataclass
class Parrot:
    """Says one word to everything, and counts how often it was asked."""

    word: str = "before"
    capabilities: frozenset[Capability] = ABLE
    asked: int = 0
    silent: bool = False

    @property
    def info(self) -> ModelInfo:
        return ModelInfo("parrot", "python", "f0", self.capabilities)

    def cost(self, request: Request) -> int:
        return 1

    def prepare(self, requests: Sequence[Request]) -> list[Request]:
        return list(requests)

    def answer(self, prepared: list[Request]) -> list[Answer]:
        self.asked += len(prepared)
        return [Answer(error="silent") if self.silent else Answer(text=self.word) for _ in prepared]


@dataclass
class Word:
    """Teaches a word."""

    word: str = "after"
    taught: list[Any] = field(default_factory=list)
    silent: bool = False

    @property
    def digest(self) -> str:
        return f"word {self.word}"

    def teach(self, model: Any) -> tuple[Any, TuningReport]:
        self.taught.append(model)
        return Parrot(self.word, silent=self.silent), REPORT


REQUESTS = [Request(Capability.GENERATE, (), prompt) for prompt in ("a", "b", "a")]


@pytest.fixture
def store() -> Iterator[Store]:
    with Store(":memory:") as opened:
        yield opened


def test_the_copy_answers_and_the_model_stays(store: Store) -> None:
    parrot, word = Parrot(), Word()
    engine = Engine(parrot, store)

    copy = engine.tuned(word)

    assert not word.taught  # nothing is tuned before anything is asked
    assert [answer.text for answer in copy.ask(REQUESTS)] == ["after"] * 3
    assert [answer.text for answer in engine.ask(REQUESTS)] == ["before"] * 3
    assert [answer.text for answer in copy.ask(REQUESTS)] == ["after"] * 3
    assert len(word.taught) == 1
    assert copy.info.fingerprint != parrot.info.fingerprint
    assert replace(copy.info, fingerprint="f0") == parrot.info


def test_a_warm_run_tunes_nothing_and_knows_what_was_done(store: Store) -> None:
    first, second = Word(), Word()
    Engine(Parrot(), store).tuned(first).ask(REQUESTS)
    warm = Engine(Parrot(), store).tuned(second)

    said = warm.ask(REQUESTS)

    assert [answer.text for answer in said] == ["after"] * 3
    assert (len(first.taught), len(second.taught)) == (1, 0)
    assert warm.report()["loss_after"] == 0.5
    assert "seconds" not in warm.report()
    warm.ask([*REQUESTS, Request(Capability.GENERATE, (), "new")])
    assert len(second.taught) == 1  # control: what was not asked before needs the copy


def test_other_lessons_make_another_copy(store: Store) -> None:
    engine = Engine(Parrot(), store)
    copies = [engine.tuned(Word(word)) for word in ("one", "two")]

    assert len({copy.info.fingerprint for copy in copies}) == 2
    assert [copy.ask(REQUESTS[:1])[0].text for copy in copies] == ["one", "two"]


def test_its_answers_count_in_the_document_of_the_run(store: Store) -> None:
    engine = Engine(Parrot(), store)
    engine.tuned(Word(silent=True)).ask(REQUESTS)

    assert engine.computed == 2
    assert len(engine.distinct) == len(engine.failed) == 2


def test_a_model_that_cannot_be_tuned_says_so(store: Store) -> None:
    fixed = Parrot(capabilities=frozenset({Capability.GENERATE}))
    cases = synthetic_cases(4)

    with pytest.raises(NotApplicableError, match="local checkpoints"):
        Engine(fixed, store).tuned(Word())
    with pytest.raises(NotApplicableError, match="cannot be tuned"):
        context_for(cases, oracle(cases)).tuned(Word())


@pytest.mark.parametrize("able", [True, False])
def test_a_scan_hands_the_door_to_probes_where_there_is_one(able: bool, store: Store) -> None:
    parrot = Parrot(capabilities=ABLE if able else ABLE - {Capability.TUNE})
    engine = Engine(parrot, store)
    table = SimpleNamespace(answer="auto", seed=0, confidence=0.95, resamples=200, min_n=10)
    run = SimpleNamespace(
        info=parrot.info, engine=engine, plan=SimpleNamespace(audit=table), cases=synthetic_cases(2)
    )

    ctx = context_of(run)  # type: ignore[arg-type]

    assert (ctx.teach is not None) is able
    if able:
        tuned, _ = ctx.tuned(Word())
        assert tuned.ask(REQUESTS[:1])[0].text == "after"
        assert tuned.cases == ctx.cases
        assert tuned.teach is None  # a copy of a copy is nobody's question


def test_a_context_without_a_store_tunes_once(store: Store) -> None:
    word = Word()
    ctx = context_for(synthetic_cases(2), Parrot())

    tuned, copy = ctx.tuned(word)
    tuned.ask(REQUESTS)
    tuned.ask(REQUESTS)

    assert len(word.taught) == 1
    assert copy.report()["steps"] == 3
