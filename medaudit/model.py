"""The model under audit, behind one small protocol: requests in, answers out, capabilities declared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

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

    ``task`` is ``generate`` (free text), ``choose`` (log-likelihood of each option) or ``embed`` (unit
    vectors). ``replicate`` above 0 asks the same question again on purpose; ``alone`` runs it in a batch of
    its own.

    An ``embed`` request holds one image, or none and a text in ``prompt``. ``where`` says which embedding
    (see :data:`medaudit.embeddings.WHERE`; "" is the model's own). ``boxes`` are regions x0, y0, x1, y1
    in pixels of the original image, half-open: one vector each, all from one pass.
    """

    task: Capability
    images: tuple[Image, ...]
    prompt: str
    options: tuple[str, ...] = ()
    max_new_tokens: int = 32
    replicate: int = 0
    alone: bool = False
    intervention: str = ""
    where: str = ""
    boxes: tuple[tuple[int, int, int, int], ...] = ()

    def key(self, fingerprint: str) -> str:
        """Content address of the answer: model, pixels, prompt, options, decoding, intervention, places."""
        parts: list[Any] = [
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
        # Named, and only where they say something: answers stored without them keep their keys.
        places = {"where": self.where, "boxes": self.boxes}
        if any(places.values()):
            parts.append({name: value for name, value in places.items() if value})
        text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"))
        return hashlib.blake2b(text.encode(), digest_size=20).hexdigest()


_OUTCOMES = {"text", "scores", "error", "vectors"}


@dataclass(frozen=True)
class Answer:
    """What the model said: text, one log-likelihood per option, or vectors. ``error`` is a further outcome.

    ``scores`` are natural-log likelihoods summed over the option's tokens; ``lengths`` counts them.
    For contrastive models scores are log-probabilities over the options and ``lengths`` is empty.
    ``vectors`` are packed (:mod:`medaudit.vectors`): give them to :meth:`embedded`, read them from ``array``.
    """

    text: str | None = None
    scores: tuple[float, ...] | None = None
    lengths: tuple[int, ...] = ()
    error: str | None = None
    vectors: str | None = None

    @classmethod
    def embedded(cls, rows: ArrayLike, *, unseen: bool = False) -> Answer:
        """The answer to an ``embed`` request: vectors (rows, d), made unit, in float32.

        With ``unseen`` a row of NaN says that the model does not look at that box. A vector without direction
        is an error.
        """
        from medaudit.vectors import packed

        try:
            return cls(vectors=packed(rows, unseen=unseen))
        except ValueError as reason:
            return cls(error=f"no embedding: {reason}")

    @property
    def array(self) -> NDArray[np.float32]:
        """Unit vectors (rows, d): of the image or text, or one a box. Raises ValueError without any."""
        from medaudit.vectors import unpacked

        if self.vectors is None:
            raise ValueError("this answer holds no vectors")
        return unpacked(self.vectors)

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
        if not isinstance(fields, dict) or not _OUTCOMES & set(fields):
            raise ValueError("an answer holds text, scores or vectors")
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
