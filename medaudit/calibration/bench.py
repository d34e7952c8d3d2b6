"""A phantom on the bench: loaded once, asked through a store on disk, trial after trial."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medaudit.calibration.identity import identity, keep, kept
from medaudit.calibration.trials import Trial, context, judged_findings
from medaudit.engine import Engine
from medaudit.store import Store

if TYPE_CHECKING:
    from medaudit.calibration.identity import Parameters
    from medaudit.calibration.subjects import Subject
    from medaudit.case import Case
    from medaudit.context import Context
    from medaudit.model import ModelInfo
    from medaudit.registry import Probe


def phantom_cases(data: str, n: int, seed: int) -> Sequence[Case]:
    """Cases of an image phantom."""
    from medaudit.phantoms import case_set

    return case_set(data, n, seed).cases


@contextmanager
def bench(subject: Subject, folder: Path, label: str = "") -> Iterator[Bench]:
    """The phantom with its store open; what was asked before is not asked again."""
    folder.mkdir(parents=True, exist_ok=True)
    with Store(folder / f"{subject.name}{label}.sqlite") as store:
        yield Bench(subject, store, folder)


class Bench:
    """One loaded phantom and its answers."""

    def __init__(self, subject: Subject, store: Store, folder: Path) -> None:
        self.subject = subject
        self.folder = folder
        self._engine = Engine(subject.load(), store)

    @property
    def info(self) -> ModelInfo:
        """The loaded model."""
        return self._engine.model.info

    def ask(self, requests: Sequence[Any]) -> list[Any]:
        """Answers, from the store or from the model."""
        return self._engine.ask(requests)

    def context(self, cases: Sequence[Case], seed: int, **fields: Any) -> Context:
        """The context of an audit of this phantom."""
        return context(cases, self.info, self.ask, seed, **fields)

    def trial(
        self,
        data: str,
        seed: int,
        n: int,
        probes: Mapping[str, Probe],
        parameters: Parameters | None = None,
    ) -> Trial:
        """Audit on ``n`` fresh cases; kept in a file, so that a second call reads it.

        A file of other weights under the same name, or of other probes, is not taken up.
        """
        name = self.subject.name
        path = self.folder / f"{name}-{data}-{seed}-{n}.json"
        wanted = identity(self.info, probes, parameters)
        if before := kept(path, wanted):
            return trial_from(before["trial"])
        ctx = self.context(phantom_cases(data, n, seed), seed)
        trial = Trial(name, data, seed, n, judged_findings(ctx, probes, parameters))
        keep(path, wanted, {"trial": asdict(trial)})
        return trial


def trial_from(fields: Mapping[str, Any]) -> Trial:
    """A trial as its file holds it."""
    return Trial(**{**fields, "findings": tuple(fields["findings"])})
