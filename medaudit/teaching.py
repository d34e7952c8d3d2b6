"""Tuned copies of the model under audit, asked through the same engine and stored under keys of their own.

What is taught is a value with a digest, and the copy's fingerprint follows from the model's and from it. So
answers of the copy are looked up before anything is tuned, and a warm run tunes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from medaudit.errors import NotApplicableError
from medaudit.model import Answer, Capability, Model, ModelInfo, Request

if TYPE_CHECKING:
    from medaudit.whitebox.tuning import TuningReport

#: What a report holds that another run of the same recipe would not repeat.
_NOT_REPEATED = ("seconds",)


class Teaching(Protocol):
    """What a copy is to learn. Equal digests teach equal models the same.

    ``teach`` leaves the model that it is given as it was; see :func:`medaudit.whitebox.tuning.tune`.
    """

    @property
    def digest(self) -> str: ...
    def teach(self, model: Any) -> tuple[Model, TuningReport]: ...


@dataclass(frozen=True)
class Tuned:
    """A tuned copy as a probe sees it: who it is, and a way to ask. It is made when it is first needed.

    ``report`` says what was done (:class:`~medaudit.whitebox.tuning.TuningReport` without its seconds), once
    anything was asked.
    """

    info: ModelInfo
    ask: Callable[[Sequence[Request]], list[Answer]]
    report: Callable[[], Mapping[str, Any]]


class Pupil:
    """The model protocol around a copy that is tuned when :meth:`learn` is called."""

    def __init__(self, model: Model, teaching: Teaching) -> None:
        self._model, self._teaching = model, teaching
        self._taught: Model | None = None
        text = json.dumps([model.info.fingerprint, "taught", teaching.digest])
        self._fingerprint = hashlib.blake2b(text.encode(), digest_size=20).hexdigest()

    @property
    def info(self) -> ModelInfo:
        return replace(self._model.info, fingerprint=self._fingerprint)

    @property
    def learnt(self) -> bool:
        return self._taught is not None

    def learn(self) -> dict[str, Any]:
        """Tune the copy and say what was done."""
        self._taught, report = self._teaching.teach(self._model)
        return {name: value for name, value in asdict(report).items() if name not in _NOT_REPEATED}

    def cost(self, request: Request) -> int:
        return self._model.cost(request)

    def prepare(self, requests: Sequence[Request]) -> Any:
        return self._copy.prepare(requests)

    def answer(self, prepared: Any) -> list[Answer]:
        return self._copy.answer(prepared)

    @property
    def _copy(self) -> Model:
        if self._taught is None:
            self.learn()
        assert self._taught is not None
        return self._taught


def check_teachable(info: ModelInfo) -> None:
    """Raise NotApplicableError for a model that cannot be tuned here."""
    if Capability.TUNE not in info.capabilities:
        raise NotApplicableError(f"{info.id!r} has no weights here: tuning works on local checkpoints only.")
