"""Processors that write the question themselves, and what reads a question of ours in their place."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from medaudit.models.vision_ops import huggingface

#: By class, the class that takes the same parts and a prompt. ShieldGemma's own asks each image about each of
#: a list of policies; the policy of its chat template is where a question goes.
TAKES_PROMPTS = {"ShieldGemma2Processor": "Gemma3Processor"}


def reader(processor: Any) -> Any:
    """The processor itself, or one of the same parts that takes prompts.

    A processor that would read words off the picture does not: what it found would depend on another program.
    """
    if getattr(getattr(processor, "image_processor", None), "apply_ocr", False):
        processor.image_processor.apply_ocr = False
    name = TAKES_PROMPTS.get(type(processor).__name__)
    if name is None:
        return processor
    return getattr(huggingface(), name)(
        processor.image_processor,
        processor.tokenizer,
        chat_template=processor.chat_template,
        image_seq_length=processor.image_seq_length,
    )


def texts_of(processor: Any, texts: Sequence[str]) -> dict[str, Any]:
    """The ``text`` argument; with boxes where a processor wants to know where each word stands.

    A question stands nowhere on the page: its words get the empty box.
    """
    if "boxes" not in inspect.signature(type(processor).__call__).parameters:
        return {"text": list(texts)}
    words = [text.split() or [""] for text in texts]
    return {"text": words, "boxes": [[[0, 0, 0, 0]] * len(several) for several in words]}
