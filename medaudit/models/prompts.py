"""From a question to the text that a generative model was trained to read."""

from __future__ import annotations

from typing import Any


def render(processor: Any, prompt: str, images: int, placeholder: str) -> str:
    """The full prompt text of one request.

    A processor's chat template gets one user message: image items first, then the text. A template that
    only the tokenizer has knows no image items, so placeholders go into its text. Without a template:
    placeholders, then the prompt.
    """
    tokenizer = tokenizer_of(processor)
    if getattr(processor, "chat_template", None) and processor is not tokenizer:
        content: Any = [*({"type": "image"} for _ in range(images)), {"type": "text", "text": prompt}]
        return _templated(processor, content)
    marked = "\n".join([placeholder * images, prompt]) if images and placeholder else prompt
    if getattr(tokenizer, "chat_template", None):
        return _templated(tokenizer, marked)
    return marked


def _templated(owner: Any, content: Any) -> str:
    messages = [{"role": "user", "content": content}]
    return str(owner.apply_chat_template(messages, add_generation_prompt=True, tokenize=False))


def placeholders(processor: Any) -> list[str]:
    """Image placeholders to try, most specific first; "" where the processor places images itself."""
    tokenizer = tokenizer_of(processor)
    named = [
        getattr(processor, "image_token", None),
        getattr(processor, "boi_token", None),
        getattr(tokenizer, "boi_token", None),
        "<image>",
        "",
    ]
    texts = [str(token) for token in named if token is not None]
    return list(dict.fromkeys(texts))


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
    return list(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])
