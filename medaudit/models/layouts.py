"""Prompt layouts of checkpoints that were trained on one and carry no chat template."""

from __future__ import annotations

from typing import Any

#: Processors that put the image before the text themselves: a mark in the text would be a second image.
PLACES_IMAGES = frozenset(
    {
        "BlipProcessor",
        "Blip2Processor",
        "GitProcessor",
        "IdeficsProcessor",
        "InstructBlipProcessor",
        "InstructBlipVideoProcessor",
        "Kosmos2Processor",
        "Kosmos2_5Processor",
    }
)


def places_images(processor: Any) -> bool:
    """Whether the processor of a type takes a text without any mark of the image."""
    return type(processor).__name__ in PLACES_IMAGES


def laid_out(processor: Any, prompt: str, marks: str) -> str | None:
    """A question as the type was trained to read it, ``marks`` standing for its images; None where plain.

    GOT-OCR 2.0 keeps the marks of a dialogue on its processor.
    """
    if hasattr(processor, "system_query"):
        start, end = processor.message_start_token, processor.message_end_token
        image = f"{processor.img_start_token}{marks}{processor.img_end_token}\n" if marks else ""
        return f"{start}{processor.system_query}{end}{start}user\n{image}{prompt}{end}{start}assistant\n"
    return None


def mixed(processor: Any, texts: list[str], pictures: list[list[Any]]) -> list[list[Any]] | None:
    """Each request's pictures and then its text in the one list that IDEFICS takes; None for other types.

    Given apart, its processor would put the pictures behind the text, which then does not see them.
    """
    if type(processor).__name__ != "IdeficsProcessor":
        return None
    return [[*several, text] for several, text in zip(pictures, texts, strict=True)]


def ends(processor: Any) -> list[int]:
    """Ids that end an answer in such a layout, beside the tokenizer's own end of text."""
    if not hasattr(processor, "system_query"):
        return []
    return [int(processor.tokenizer.convert_tokens_to_ids(processor.message_end_token))]
