"""A byte-level tokenizer with the special tokens that a processor asks for."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable
from typing import Any

#: Text tokens that a processor may look up by their text, and that stand for something between brackets.
_MARK = re.compile(r"\]<\][a-z ]{1,30}\[>\[|<[^<>\s]{1,40}>|\[[A-Z_]{2,20}\]|<\uff5c[^<>]{1,40}\uff5c>")
_BASE = ("<pad>", "<s>", "</s>", "<unk>")
#: Attributes that every tokenizer has of its own.
_OWN = {"bos_token", "eos_token", "pad_token", "unk_token", "cls_token", "sep_token", "mask_token"}


def specials(processor_class: Any) -> tuple[dict[str, str], list[str]]:
    """What a processor reads from its tokenizer: ``{attribute: text}``, and marks written in its source."""
    source = inspect.getsource(inspect.getmodule(processor_class))  # type: ignore[arg-type]
    tree = ast.parse(source)
    marks: list[str] = []
    named: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 60:
            marks += _MARK.findall(node.value)
        for name in _attributes(node):
            named.setdefault(name, "")
    named = {name: _text(name) for name in named if name not in _OWN}
    return named, list(dict.fromkeys([*marks, *named.values()]))


def _attributes(node: ast.AST) -> Iterable[str]:
    """``tokenizer.image_token``, ``getattr(tokenizer, "image_token", ...)``, ``tokenizer.image_token_id``."""
    name = None
    if isinstance(node, ast.Attribute) and _is_tokenizer(node.value):
        name = node.attr
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"getattr", "hasattr"}
    ):
        first, second = (*node.args, None, None)[:2]
        if first is not None and _is_tokenizer(first) and isinstance(second, ast.Constant):
            name = str(second.value)
    if name and name.removesuffix("_id").endswith("_token") and not name.startswith("add_"):
        yield name.removesuffix("_id")


def _is_tokenizer(node: ast.AST) -> bool:
    return (isinstance(node, ast.Name) and node.id == "tokenizer") or (
        isinstance(node, ast.Attribute) and node.attr == "tokenizer"
    )


def _text(attribute: str) -> str:
    known = {"image_token": "<image>", "video_token": "<video>", "audio_token": "<audio>"}
    return known.get(attribute, f"<{attribute.removesuffix('_token')}>")


def tiny_tokenizer(
    named: dict[str, str], marks: Iterable[str], *, ends: bool = False, spaced: bool = False, **settings: Any
) -> Any:
    """A ``PreTrainedTokenizerFast`` whose words are bytes; ``ends`` writes the end token after a text.

    Contrastive text towers pool at the end token, so theirs has to write it. ``spaced`` writes a space before
    a text that begins with a mark, as SentencePiece does.
    """
    from tokenizers import (
        AddedToken,
        Regex,
        Tokenizer,
        decoders,
        models,
        normalizers,
        pre_tokenizers,
        processors,
    )

    from medaudit.models.vision_ops import huggingface

    special = list(dict.fromkeys([*_BASE, *named.values(), *marks]))
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate([*special, *letters])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    if spaced:
        # Marks are normalised too: what matches must go on behind the mark.
        begun = "|".join(re.escape(mark) for mark in special)
        tokenizer.normalizer = normalizers.Replace(Regex(f"^(?=(?:{begun}).)"), " ")
    if ends:
        tokenizer.post_processor = processors.TemplateProcessing(
            "<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
        )
    made = huggingface().PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        extra_special_tokens=named,
        model_max_length=LONGEST_TEXT,
        clean_up_tokenization_spaces=False,
        **settings,
    )
    marked = [AddedToken(m, normalized=spaced, special=True) for m in special if m not in _BASE]
    made.add_special_tokens({"additional_special_tokens": marked})
    return made


LONGEST_TEXT = 4096
