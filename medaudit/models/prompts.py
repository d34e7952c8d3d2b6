"""From a question to the text that a generative model was trained to read."""

from __future__ import annotations

from typing import Any

from medaudit.models.frames import FRAMES
from medaudit.models.layouts import laid_out, places_images


def render(processor: Any, prompt: str, images: int, placeholder: str) -> str:
    """The full prompt text of one request.

    A processor's chat template gets one user message: image items first, then the text. A template that
    only the tokenizer has knows no image items, so placeholders go into its text. Without a template: the
    type's own layout where it has one, else placeholders, then the prompt.
    """
    tokenizer = tokenizer_of(processor)
    if getattr(processor, "chat_template", None) and processor is not tokenizer:
        content: Any = [*({"type": "image"} for _ in range(images)), {"type": "text", "text": prompt}]
        return _templated(processor, content)
    marked = "\n".join([placeholder * images, prompt]) if images and placeholder else prompt
    if getattr(tokenizer, "chat_template", None):
        return _templated(tokenizer, marked)
    own = laid_out(processor, prompt, placeholder * images)
    return marked if own is None else own


def _templated(owner: Any, content: Any) -> str:
    messages = [{"role": "user", "content": content}]
    return str(owner.apply_chat_template(messages, add_generation_prompt=True, tokenize=False))


def placeholders(processor: Any) -> list[str]:
    """Image placeholders to try, most specific first; "" where the processor places images itself."""
    if places_images(processor):
        return [""]
    tokenizer = tokenizer_of(processor)
    named = [
        getattr(processor, "image_token", None),
        getattr(processor, "boi_token", None),
        getattr(tokenizer, "boi_token", None),
        "<image>" if knows(tokenizer, "<image>") else None,
        "",
    ]
    texts = [str(token) for token in named if token is not None]
    return list(dict.fromkeys(texts))


def knows(tokenizer: Any, token: str) -> bool:
    """Whether a text is one token; where it is not, it would be read as letters."""
    ids = getattr(tokenizer, "convert_tokens_to_ids", None)
    return ids is None or ids(token) not in {None, tokenizer.unk_token_id}


def image_token_id(config: Any) -> int | None:
    """Id of the token that stands for image features; some types keep it with the vision tower's sizes."""
    for table in (config, getattr(config, "vision_config", None)):
        found = getattr(table, "image_token_id", None)
        if isinstance(found, int):
            return found
    # What reads films alone marks pictures as films.
    return getattr(config, "video_token_id", None) if config.model_type in FRAMES else None


def tokenizer_of(processor: Any) -> Any:
    """The tokenizer inside a processor, or the processor itself where it is one."""
    return getattr(processor, "tokenizer", processor)


def option_ids(tokenizer: Any, text: str, option: str, last_token: int) -> list[int]:
    """Token ids of an option that continues ``text``; never empty for a non-empty option.

    The ids are tokens(text + gap + option) minus tokens(text) where the latter are a prefix of the former,
    else the option's tokens alone. The gap is one space, unless the prompt ends in white space or in a
    special token (``last_token`` is its last id). No end-of-sequence token is scored: a likelihood is that
    of the answer beginning with the option.
    """
    special = last_token in set(tokenizer.all_special_ids)
    tail = "" if special else tokenizer.decode([last_token])
    spaced = special or text[-1:].isspace() or tail[-1:].isspace()
    prefix = plain_ids(tokenizer, text)
    whole = plain_ids(tokenizer, text + ("" if spaced else " ") + option)
    if whole[: len(prefix)] == prefix and len(whole) > len(prefix):
        return whole[len(prefix) :]
    return plain_ids(tokenizer, option)


def plain_ids(tokenizer: Any, text: str) -> list[int]:
    """Token ids of a text, without special tokens and without the tokenizer's remarks on its length."""
    if hasattr(tokenizer, "pad_token_box"):  # a page's words need boxes, what a decoder writes does not
        return list(tokenizer(text_target=text, add_special_tokens=False)["input_ids"])
    return list(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
