"""How one model type differs from what the generic builder would make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """How one type differs.

    ``config`` maps dotted names of the configuration to values that replace the shrunk ones; ``processor``
    and ``image_processor`` are constructor arguments; ``parts`` are constructor arguments of other parts
    (``{"video_processor": {...}}``). ``processor_class`` and ``image_processor_class`` name classes where
    the library's tables have none. ``tokenizer`` holds special tokens ``{attribute: text}`` to add, or None
    to leave one out; whole numbers are settings, which the library lets override those of a processor.
    ``generation`` holds generation settings. ``template`` is a chat template. ``why_not`` says why there is
    nothing to build.
    """

    config: Mapping[str, Any] = field(default_factory=dict)
    processor: Mapping[str, Any] = field(default_factory=dict)
    image_processor: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tokenizer: Mapping[str, str | int | None] = field(default_factory=dict)
    processor_class: str | None = None
    image_processor_class: str | None = None
    generation: Mapping[str, Any] = field(default_factory=dict)
    template: str | None = None
    why_not: str = ""


#: A configuration field with this value is removed.
DROP = object()
