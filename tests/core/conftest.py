"""A model that counts what it is asked, and cases made of single-colour pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from medaudit.case import Case, CaseSet
from medaudit.image import ArrayImage
from medaudit.model import Answer, Capability, ModelInfo, OutOfMemory, Request


@dataclass
class CountingModel:
    """Answers with the prompt reversed; keeps every batch; fails when a batch is over ``fits``."""

    fits: int = 10_000
    reply: Callable[[Request], Answer] = field(default=lambda request: Answer(text=request.prompt[::-1]))
    batches: list[list[Request]] = field(default_factory=list)
    prepared: int = 0

    @property
    def info(self) -> ModelInfo:
        return ModelInfo("counting", "scripted", "f" * 16, frozenset({Capability.GENERATE}))

    def cost(self, request: Request) -> int:
        return len(request.prompt)

    def prepare(self, requests: Sequence[Request]) -> list[Request]:
        self.prepared += 1
        return list(requests)

    def answer(self, prepared: list[Request]) -> list[Answer]:
        if len(prepared) > self.fits:
            raise OutOfMemory(f"{len(prepared)} do not fit")
        self.batches.append(prepared)
        return [self.reply(request) for request in prepared]

    @property
    def asked(self) -> list[Request]:
        return [request for batch in self.batches for request in batch]


def picture(value: int) -> ArrayImage:
    return ArrayImage(np.full((4, 4, 3), value, dtype=np.uint8), f"grey-{value}")


def ask_for(prompt: str, value: int = 0, **changes: object) -> Request:
    return Request(Capability.GENERATE, (picture(value),), prompt, **changes)  # type: ignore[arg-type]


@pytest.fixture
def model() -> CountingModel:
    return CountingModel()


@pytest.fixture
def make_model() -> type[CountingModel]:
    return CountingModel


@pytest.fixture
def request_for() -> Callable[..., Request]:
    return ask_for


@pytest.fixture
def grey() -> Callable[[int], ArrayImage]:
    return picture


@pytest.fixture
def ten_cases() -> CaseSet:
    cases = tuple(
        Case(
            id=f"c{number}",
            images=(picture(number),),
            question="Is it bright?",
            options=("yes", "no"),
            answer="yes" if number % 2 else "no",
            group=f"g{number // 2}",
        )
        for number in range(10)
    )
    return CaseSet("ten", "test", cases)
