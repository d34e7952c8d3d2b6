"""Scripted phantoms: pictures are the real ones, answers come from the truth, so all flaws are exact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from medaudit.calibration.subjects import Subject
from medaudit.image import keyed_rng
from medaudit.model import Request
from medaudit.phantoms.cases import drawn
from medaudit.phantoms.flaws import Answering, Flaw, Shown, decoy, truth
from medaudit.phantoms.questions import Question
from medaudit.prompting import prompt_for
from medaudit.registry import available
from medaudit.testing import ScriptedModel

if TYPE_CHECKING:
    from medaudit.registry import Probe

#: A clean reader errs now and then, in the same cases whatever is done to the picture.
SLIPS = 0.04


@cache
def rows(data: str, n: int, seed: int) -> dict[tuple[str, str], tuple[Any, Question]]:
    """Picture and question by what a request shows: the picture's name and the prompt."""
    return {(case.images[0].name, prompt_for(case)): (pic, q) for case, pic, q in drawn(data, n, seed)}


@dataclass
class Reader:
    """Answers as the flaw wants it for every (picture, question) that it has been shown the truth of."""

    answering: Answering
    known: dict[tuple[str, str], tuple[Any, Question]] = field(default_factory=dict)
    by_text: dict[str, Question] = field(default_factory=dict)
    slips: float = SLIPS

    def learn(self, *sets: tuple[str, int, int]) -> None:
        for each in sets:
            self.known |= rows(*each)
        self.by_text |= {prompt: question for (_, prompt), (_, question) in self.known.items()}
        self.pictures = {name: picture for (name, _), (picture, _) in self.known.items()}

    def __call__(self, request: Request) -> str:
        question = self.by_text[request.prompt]
        name, _, recipe = request.images[0].name.partition(" [") if request.images else ("", "", "")
        guess = keyed_rng("guess", name, recipe, request.prompt, *(i.digest for i in request.images))
        if name not in self.pictures:
            return str(guess.choice(question.options))
        picture = self.pictures[name]
        if question.truth(picture) is None:  # another patient's question
            return str(guess.choice(question.options))
        said = self.answering(question, Shown(picture))
        if keyed_rng("slip", name, question.name).random() >= self.slips:
            return said
        return question.options[(question.options.index(said) + 1) % len(question.options)]


@dataclass(frozen=True)
class Scripted(Subject):
    """A phantom that no file holds: its card is the flaw's, its model a :class:`Reader`."""

    reader: Any = None
    models: list[ScriptedModel] = field(default_factory=list)
    sibling: Subject | None = None
    weights: str = ""

    def load(self) -> Any:
        model = ScriptedModel(self.reader, id=f"{self.name}{self.weights}")
        self.models.append(model)
        return model

    @property
    def twin(self) -> Subject:
        assert self.sibling is not None
        return self.sibling

    @property
    def asked(self) -> int:
        """Requests that reached the model, over all loadings."""
        return sum(len(model.asked) for model in self.models)


def subject(
    flaw: Flaw, *sets: tuple[str, int, int], twin: Subject | None = None, weights: str = ""
) -> Scripted:
    reader = Reader(flaw.answer)
    reader.learn(*sets)
    card: Mapping[str, Any] = {
        "flaw": flaw.says,
        "data": flaw.data,
        "finds": dict(flaw.finds) or None,
        "also": [dict(alarm) for alarm in flaw.also],
    }
    return Scripted(flaw.name, Path(flaw.name), card, reader, sibling=twin, weights=weights)


def _wrong_at_b(question: Question, shown: Shown) -> str:
    return decoy(question, shown) if shown.picture.vendor == "B" else truth(question, shown)


#: Right but at vendor B, where the answer has nothing to do with the picture.
VENDOR = Flaw(
    "wrong-at-b",
    "wrong at vendor B",
    _wrong_at_b,
    finds={"probe": "robustness", "rule": "subgroup_gap", "slice": {"attribute": "vendor"}},
)
CLEAN = Flaw("clean", "none: it looks", truth)


#: Under these a whole audit takes a second; all else is as by default.
QUICK = {"robustness": {"shifts": ("jpeg",), "severities": (3,), "noise_cases": 20}}


@pytest.fixture(scope="session")
def bed() -> SimpleNamespace:
    """Scripted phantoms and how to make more."""
    return SimpleNamespace(subject=subject, clean=CLEAN, vendor=VENDOR, quick=QUICK, slips=SLIPS)


@pytest.fixture(scope="session")
def probes() -> dict[str, Probe]:
    return {name: probe for name, probe in available("probe").items() if probe.alarms}


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole audits with few shifts, wherever nobody says otherwise."""
    from medaudit.calibration import trials

    whole = trials.judged_findings

    def narrow(ctx: Any, probes: Any, parameters: Any = None) -> Any:
        return whole(ctx, probes, parameters or QUICK)

    monkeypatch.setattr(trials, "judged_findings", narrow)
    for module in ("bench", "power", "power_file"):
        monkeypatch.setattr(f"medaudit.calibration.{module}.judged_findings", narrow)


def _cell(effect: float, n: int, found: int) -> dict[str, Any]:
    from medaudit.calibration.tally import rate

    told = rate(found, 40)
    return {
        "effect": effect,
        "share": effect / 0.4,
        "n": n,
        "draws": 40,
        "power": told["rate"],
        "interval": told["interval"],
    }


@pytest.fixture
def document(probes: dict[str, Probe]) -> dict[str, Any]:
    """A record made by hand, of the probes as they are: one flaw for robustness, none for baselines."""
    from medaudit.calibration.tally import rate

    gap = {"probe": "robustness", "rule": "subgroup_gap", "slice": {"attribute": "vendor"}}
    grid = [(0.1, 60, 2), (0.4, 60, 30), (0.1, 240, 12), (0.2, 240, 33), (0.4, 240, 40)]
    common = {"data": "chest", "other": rate(0, 10), "others": []}
    return {
        "schema": "medaudit.calibration/1",
        "medaudit": "0",
        "tier": "by hand",
        "level": 0.05,
        "probes": {name: probe.version for name, probe in probes.items()},
        "clean": {
            "phantoms": ["clean", "clean@1"],
            "data": ["chest"],
            "n": 240,
            "audit": rate(2, 60),
            "by_probe": {"baselines": rate(0, 60), "robustness": rate(1, 60)},
            "raised": [],
        },
        "margins": [
            {
                "probe": name,
                "rule": rule.name,
                "side": rule.side,
                "margin": rule.margin,
                "limit": None,
            }
            for name, probe in probes.items()
            for rule in probe.alarms
        ],
        "flaws": [
            {
                **common,
                "flaw": "wrong-at-b",
                "target": gap,
                "found": rate(10, 10),
                "named": rate(9, 10),
                "by_probe": {"baselines": "quiet", "robustness": "found 10/10"},
                "strength": 0.4,
                "family": 15,
                "power": [_cell(*each) for each in grid],
            },
            {
                **common,
                "flaw": "to-come",
                "target": None,
                "found": rate(0, 0),
                "named": rate(0, 0),
                "by_probe": {"baselines": "quiet", "robustness": "quiet"},
                "strength": None,
                "family": None,
                "power": [],
            },
        ],
    }
