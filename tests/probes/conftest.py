"""A scripted answerer: it knows which case's picture it is shown, how changed, and says what it is told."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from medaudit.case import Case
from medaudit.context import Context
from medaudit.finding import Finding
from medaudit.image import ArrayImage
from medaudit.model import Answer, Capability, ModelInfo, Request
from medaudit.registry import Shift, available

Say = Callable[["Seen"], "str | Answer"]
QUESTION = "Is there an effusion?"


@dataclass(frozen=True)
class Seen:
    """One request as the scripted model sees it.

    ``picture`` is the id of the case whose image is shown ("" for none, "blank" and "noise" for those),
    ``recipe`` how it was changed, ``question`` the first line of the prompt.
    """

    picture: str
    recipe: str
    question: str
    request: Request

    def draw(self, *more: object) -> float:
        """A number in [0, 1) that depends on all that the model is given."""
        shown = [image.digest for image in self.request.images]
        key = repr((shown, self.request.prompt, self.request.replicate, self.request.alone, more))
        return int.from_bytes(hashlib.blake2b(key.encode(), digest_size=7).digest(), "big") / 2**56


@dataclass
class Script:
    """``ask`` for a context; counts its calls and requests."""

    say: Say
    calls: int = 0
    requests: list[Request] = field(default_factory=list)

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        self.calls += 1
        self.requests.extend(requests)
        return [self._answer(request) for request in requests]

    def _answer(self, request: Request) -> Answer:
        name = request.images[0].name if request.images else ""
        picture, _, recipe = name.partition(" [")
        said = self.say(Seen(picture, recipe, request.prompt.split("\n")[0], request))
        if isinstance(said, Answer) or request.task is Capability.GENERATE:
            return said if isinstance(said, Answer) else Answer(text=said)
        return Answer(scores=tuple(-0.1 if option == said else -2.0 for option in request.options))


def make_cases(answers: Sequence[str], **columns: Sequence[Any]) -> tuple[Case, ...]:
    """Closed yes/no cases ``c0, c1, ...``, each with a picture and a group of its own.

    ``question`` and ``group`` replace those fields; other columns go into ``meta``.
    """
    cases = []
    for index, answer in enumerate(answers):
        row = {name: values[index] for name, values in columns.items()}
        pixels = np.full((4, 4, 3), index % 251, dtype=np.uint8)
        pixels[0, 0] = (index // 256, index % 256, 7)
        question, group = row.pop("question", QUESTION), row.pop("group", f"g{index}")
        image = ArrayImage(pixels, f"c{index}")
        cases.append(Case(f"c{index}", (image,), question, answer, ("yes", "no"), group, row))
    return tuple(cases)


def half_and_half(n: int) -> list[str]:
    return ["yes", "no"] * (n // 2)


@dataclass(frozen=True)
class Run:
    """Findings of one run, found by metric and slice."""

    findings: tuple[Finding, ...]
    script: Script

    def one(self, metric: str, **where: Any) -> Finding:
        hits = [f for f in self.findings if f.metric == metric and dict(f.slice) == where]
        assert len(hits) == 1, (metric, where, [(f.metric, dict(f.slice)) for f in self.findings])
        return hits[0]

    def slices(self, metric: str) -> list[dict[str, Any]]:
        return [dict(f.slice) for f in self.findings if f.metric == metric]


def dim(pixels: Any, severity: int, rng: np.random.Generator) -> Any:
    return np.asarray(pixels) // (severity + 1)


DIM = {"dim": Shift("dim", "1", "test", "none", dim)}


def run_probe(
    probe: Callable[..., Any],
    cases: tuple[Case, ...],
    say: Say,
    *,
    shifts: Mapping[str, Shift] = DIM,
    capabilities: Sequence[str] = ("generate", "choose"),
    mode: str = "generate",
    seed: int = 0,
    takes_text_alone: bool = True,
    **parameters: Any,
) -> Run:
    script = Script(say)
    ctx = Context(
        cases=cases,
        model=ModelInfo(
            "scripted",
            "python",
            "0",
            frozenset(map(Capability, capabilities)),
            takes_text_alone=takes_text_alone,
        ),
        ask=script.ask,
        mode=Capability(mode),
        seed=seed,
        shifts=shifts,
    )
    return Run(tuple(probe(ctx, **parameters)), script)


def make_pairs(
    n: int, options: Sequence[str] = ("left", "right"), same: bool = False, **columns: Any
) -> tuple[Case, ...]:
    """``n`` pairs of two cases each; the right answers differ, AB and BA in turn, or are equal."""
    made = []
    for number, case in enumerate(make_cases(["yes"] * 2 * n)):
        pair, side = divmod(number, 2)
        given = {
            "question": "Which?",
            "options": tuple(options),
            "answer": options[pair % 2 if same else (pair + side) % 2],
            "pair": f"p{pair}",
            "meta": {name: values[pair] for name, values in columns.items()},
        }
        made.append(replace(case, **given))
    return tuple(made)


def by_mode(run: Run, mode: str = "text") -> dict[str, Finding]:
    """Findings of one mode over all pairs, by metric."""
    return {f.metric: f for f in run.findings if dict(f.slice) == {"mode": mode}}


def knowing(cases: Sequence[Case]) -> Callable[[Seen], str]:
    """Says what is right of every picture."""
    truth = {case.id: case.answer for case in cases}
    return lambda seen: truth.get(seen.picture, "I cannot say")


def estimates(run: Run, mode: str = "text") -> tuple[Any, ...]:
    """Set accuracy, confusion, individual accuracy and invalid rate of one mode."""
    found = by_mode(run, mode)
    names = ("set_accuracy", "confusion", "individual_accuracy", "invalid_rate")
    return tuple(found[name].estimate for name in names)


@dataclass(frozen=True)
class Kit:
    """Everything above, for tests that cannot import it."""

    cases = staticmethod(make_cases)
    half = staticmethod(half_and_half)
    pairs = staticmethod(make_pairs)
    by_mode = staticmethod(by_mode)
    knowing = staticmethod(knowing)
    estimates = staticmethod(estimates)
    run = staticmethod(run_probe)


@pytest.fixture(scope="session")
def asked() -> Any:
    """The probe ``confusion``."""
    item = available("probe")["confusion"]
    assert not item.default
    return item.run


@pytest.fixture(scope="session")
def kit() -> Kit:
    return Kit()
