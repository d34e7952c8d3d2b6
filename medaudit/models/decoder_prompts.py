"""Types whose encoder sees an image and no text: the question begins the decoder's text, or is drawn."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from medaudit.models.prompts import knows, plain_ids

#: Types that name ``input_ids`` in ``forward`` and never read them.
UNREAD = frozenset({"pp_formulanet"})
#: What a Donut that answers questions writes before, into and after one; the first stands for a start token.
QUESTION_MARKS = ("<s_docvqa>", "<s_question>", "</s_question>", "<s_answer>")


#: Says that questions look other than in training.
DRAWN = "questions: drawn above the image in Pillow's own font, not in the one of the training"


def asked_in_decoder(network: Any) -> bool:
    """Whether text reaches this network through its decoder alone."""
    config = network.config
    if not config.is_encoder_decoder:
        return False
    return config.model_type in UNREAD or "input_ids" not in inspect.signature(network.forward).parameters


def decoder_start(network: Any, pad: int) -> int:
    """The token that a decoder's text begins with; the padding token where none is named."""
    start = network.generation_config.decoder_start_token_id
    return pad if start is None else int(start)


def marked(tokenizer: Any, text: str) -> str:
    """The question between the marks of a vocabulary that has them."""
    if not all(knows(tokenizer, mark) for mark in QUESTION_MARKS):
        return text
    task, begin, end, answer = QUESTION_MARKS
    return f"{task}{begin}{text}{end}{answer}"


def _begun(start: int, tokenizer: Any, text: str) -> list[int]:
    ids = plain_ids(tokenizer, text)
    return ids if text.startswith(QUESTION_MARKS[0]) else [start, *ids]


def draws_questions(processor: Any) -> bool:
    """Whether questions are drawn above the image and never become tokens."""
    return bool(getattr(getattr(processor, "image_processor", None), "is_vqa", False))


def decoder_inputs(
    network: Any, processor: Any, tokenizer: Any, texts: Sequence[str], pictures: Sequence[Any]
) -> dict[str, Any]:
    """Tensors of as many questions as images.

    The images go through the image processor; the texts become ``decoder_input_ids``, left-padded, behind the
    start token (a Donut's task stands for it), or are drawn above the images. Raises ValueError unless every
    question has one image.
    """
    if len(texts) != len(pictures):
        raise ValueError("this type takes exactly one image a question")
    images, drawn = processor.image_processor, draws_questions(processor)
    if drawn:
        inputs = dict(images(_drawn(images, texts, pictures), return_tensors="pt", is_vqa=False))
    else:
        inputs = dict(images(list(pictures), return_tensors="pt"))
    start = decoder_start(network, tokenizer.pad_token_id)
    rows = [[start] if drawn else _begun(start, tokenizer, text) for text in texts]
    return inputs | _left_padded(rows, tokenizer.pad_token_id)


def _drawn(images: Any, texts: Sequence[str], pictures: Sequence[Any]) -> list[Any]:
    """Images with their questions above, in Pillow's font: the library would fetch one from the hub."""
    import numpy as np
    import torch
    from PIL import ImageFont

    font: Any = ImageFont.load_default(36)
    tensors = [torch.from_numpy(np.array(picture)).permute(2, 0, 1) for picture in pictures]
    return [
        images.render_header(tensor, text, font_bytes=font.font_bytes)
        for tensor, text in zip(tensors, texts, strict=True)
    ]


def _left_padded(rows: Sequence[Sequence[int]], pad: int) -> dict[str, Any]:
    import torch

    longest = max(map(len, rows))
    ids = [[*[pad] * (longest - len(row)), *row] for row in rows]
    mask = [[0] * (longest - len(row)) + [1] * len(row) for row in rows]
    return {"decoder_input_ids": torch.tensor(ids), "decoder_attention_mask": torch.tensor(mask)}
