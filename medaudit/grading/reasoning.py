"""Reasoning that a model thinks aloud before it answers is not its answer."""

from __future__ import annotations

import re

_TAG = re.compile(r"<(/?)(?:think|thinking|thought|reasoning)>", re.IGNORECASE)


def without_reasoning(text: str) -> str | None:
    """What stands outside ``<think>...</think>``, or None when the reasoning never ends.

    A closing tag without an opening one ends reasoning that the chat template opened.
    """
    kept: list[str] = []
    depth, position = 0, 0
    for tag in _TAG.finditer(text):
        if depth == 0:
            kept.append(text[position : tag.start()])
        if not tag[1]:
            depth += 1
        elif depth:
            depth -= 1
        else:
            kept.clear()
        position = tag.end()
    if depth:
        return None
    return " ".join([*kept, text[position:]])
