"""Digest of how this package words a request, so that other words never pass for the same model."""

from __future__ import annotations

import hashlib
import json

from medaudit.models import class_prompts, prompts

_SPECIAL = "\x03"
_TEXTS = ("Q?", "Q? ", "Q?\n", "Q" + _SPECIAL, "an image\nQ? ANSWER:")
_OPTIONS = ("yes", "not at all", " no", "A")


class _Letters:
    """A tokenizer whose tokens are characters, except that ``": "`` and ``"?y"`` are merged."""

    all_special_ids = (ord(_SPECIAL),)
    _merged = ((": ", "\ue000"), ("?y", "\ue001"))

    def __call__(self, text: str, **_: bool) -> dict[str, list[int]]:
        for letters, token in self._merged:
            text = text.replace(letters, token)
        return {"input_ids": list(map(ord, text))}

    def decode(self, ids: list[int]) -> str:
        return "".join(map(chr, ids))


def wording(*, contrastive: bool) -> str:
    """sha256 of the rule that turns options into texts or tokens, 64 hex digits.

    Contrastive models: class prompt templates, and the patterns that choose among them. Generative models:
    the tokens that the option rule gives for fixed prompts and options, so the digest follows what the rule
    does and not how it is written.
    """
    said = class_prompts.rule() if contrastive else _option_tokens()
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _option_tokens() -> list[list[int]]:
    letters = _Letters()
    return [
        prompts.option_ids(letters, text, option, ord(text[-1])) for text in _TEXTS for option in _OPTIONS
    ]
