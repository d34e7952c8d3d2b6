"""Which model types of the installed transformers take an image and answer about it."""

from __future__ import annotations

from dataclasses import dataclass

from medaudit.errors import UsageError
from medaudit.models.routes import CLASSIFIER, CONTRASTIVE, GENERATIVE, architectures

#: Types of the multimodal table that hear and do not see: their configurations have no vision part.
SPEECH_ONLY = frozenset(
    {
        "fun_asr_nano", "glmasr", "granite_speech", "granite_speech_plus", "kyutai_speech_to_text",
        "moss_transcribe_diarize", "nemo_speechlm", "qwen2_audio", "qwen3_asr", "vibevoice_asr", "voxtral",
        "voxtral_realtime",
    }
)  # fmt: skip


@dataclass(frozen=True, order=True)
class Kind:
    """One model type on one route; ``name`` tells two classes of one type apart."""

    type: str
    route: str
    class_name: str

    @property
    def name(self) -> str:
        table = architectures()
        doubled = self.route == CONTRASTIVE and self.type in table[GENERATIVE]
        return f"{self.type}:{CONTRASTIVE}" if doubled else self.type


def kinds() -> list[Kind]:
    """Every image-capable type: generative ones first, then contrastive ones, then classifiers."""
    table = architectures()
    return [
        Kind(kind, route, table[route][kind])
        for route in (GENERATIVE, CONTRASTIVE, CLASSIFIER)
        for kind in sorted(table.get(route, ()))
        if kind not in SPEECH_ONLY
    ]


def select(names: list[str]) -> list[Kind]:
    """The kinds of the given names, all where none is given; a type's name stands for all its classes."""
    known = kinds()
    if not names:
        return known
    legal = {kind.type for kind in known} | {kind.name for kind in known}
    for name in names:
        if name not in legal:
            raise UsageError.unknown("model type", name, sorted(legal))
    return [kind for kind in known if kind.type in names or kind.name in names]
