"""The model under audit, behind one small protocol: requests in, answers out, capabilities declared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from medaudit.image import Image


class Capability(StrEnum):
    """What a model can do. A probe declares what it needs; the difference is *not applicable*."""

    GENERATE = "generate"
    CHOOSE = "choose"
    EMBED = "embed"
    ATTEND = "attend"
    GRADIENTS = "gradients"
    INTERVENE = "intervene"
    TUNE = "tune"


@dataclass(frozen=True)
class Request:
    """One thing asked of the model. Equal requests are asked once; the store keys them by ``key``.

    ``task`` is ``generate`` (free text) or ``choose`` (log-likelihood of each option). ``replicate``
    above 0 asks the same question again on purpose; ``alone`` runs it in a batch of its own.
    """

    task: Capability
    images: tuple[Image, ...]
    prompt: str
    options: tuple[str, ...] = ()
    max_new_tokens: int = 32
    replicate: int = 0
    alone: bool = False
    intervention: str = ""

    def key(self, fingerprint: str) -> str:
        """Content address of the answer: model, pixels, prompt, options, decoding, intervention."""
        parts = [
            fingerprint,
            self.task.value,
            [image.digest for image in self.images],
            self.prompt,
            list(self.options),
            self.max_new_tokens if self.task is Capability.GENERATE else 0,
            self.replicate,
            self.alone,
            self.intervention,
        ]
        text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
        return hashlib.blake2b(text.encode(), digest_size=20).hexdigest()


@dataclass(frozen=True)
class Answer:
    """What the model said: text, or one log-likelihood per option. ``error`` is a third outcome.

    ``scores`` are natural-log likelihoods summed over the option's tokens; ``lengths`` counts them.
    For contrastive models scores are log-probabilities over the options and ``lengths`` is empty.
    """

    text: str | None = None
    scores: tuple[float, ...] | None = None
    lengths: tuple[int, ...] = ()
    error: str | None = None

    def __post_init__(self) -> None:
        # Half a character (a lone surrogate) can be neither stored nor shown.
        for name in ("text", "error"):
            value = getattr(self, name)
            if value is not None and not value.isascii():
                object.__setattr__(self, name, value.encode("utf-8", "replace").decode("utf-8"))

    def to_json(self) -> str:
        kept = {name: value for name, value in asdict(self).items() if value not in (None, ())}
        return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Answer:
        fields = json.loads(text)
        if not isinstance(fields, dict) or not {"text", "scores", "error"} & set(fields):
            raise ValueError("an answer holds text or scores")
        if fields.get("scores") is not None:
            fields["scores"] = tuple(fields["scores"])
        fields["lengths"] = tuple(fields.get("lengths", ()))
        return cls(**fields)


@dataclass(frozen=True)
class ModelInfo:
    """The ``model`` object of audit.json. ``fingerprint`` changes when any answer could change."""

    id: str
    kind: str
    fingerprint: str
    capabilities: frozenset[Capability]
    revision: str | None = None
    parameters: int | None = None
    dtype: str | None = None
    device: str | None = None
    files: tuple[Mapping[str, str | int], ...] = ()
    notes: tuple[str, ...] = ()
    takes_text_alone: bool = True
    """Whether a question without an image can be asked; false for contrastive models and some others."""


class OutOfMemory(Exception):
    """Raised by ``Model.answer`` when a batch did not fit; the engine halves the batch and goes on."""


class Model(Protocol):
    """Anything that can be audited.

    ``prepare`` is pure CPU work (pixels, tokens) and may run on another thread while ``answer`` computes
    the batch before. All requests of one batch share one ``task``. ``answer`` returns one answer per
    request, in order; a request that cannot be answered gives ``Answer(error=...)``.
    """

    @property
    def info(self) -> ModelInfo: ...
    def cost(self, request: Request) -> int:
        """Rough length of the request in tokens: batches hold requests of similar cost."""
        ...

    def prepare(self, requests: Sequence[Request]) -> Any: ...
    def answer(self, prepared: Any) -> list[Answer]: ...


@dataclass(frozen=True)
class LoadOptions:
    """How to load a model; one object, passed explicitly, so that nothing hides in globals.

    ``device_map`` (``auto``, ``balanced``, ``sequential``) spreads one model over several devices. With
    ``merge`` the weights are ``(1 - merge_weight) * model + merge_weight * merge``, a folder.
    """

    device: str = "auto"
    dtype: str = "auto"
    device_map: str | None = None
    revision: str | None = None
    adapter: str | None = None
    merge: str | None = None
    merge_weight: float | None = None
    quantize: str = "none"
    trust_remote_code: bool = False
    allow_pickle: bool = False
    timeout_s: float = 60.0
    extra: Mapping[str, Any] = field(default_factory=dict)
