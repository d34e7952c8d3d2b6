"""Untrusted text made safe to look at: what would be invisible or would steer a reader is shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

LONGEST = 4000

# Controls (tab and newline kept), soft hyphen, zero-width and bidirectional marks, tags, surrogates,
# non-characters: everything that XML forbids or that makes a line read other than it is.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff\U000e0000-\U000e0fff"
    + "".join(f"{chr(plane * 0x10000 + 0xFFFE)}{chr(plane * 0x10000 + 0xFFFF)}" for plane in range(1, 17))
    + "]"
)


def visible(text: str) -> str:
    """Text with control, bidirectional and zero-width characters drawn as signs, cut at 4,000 characters."""
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}… ({len(text) - LONGEST:,} characters more)"
    return _HIDDEN.sub(_sign, text)


def _sign(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"⟨U+{code:04X}⟩"


def visible_document(value: Any) -> Any:
    """A JSON value with every string and key passed through :func:`visible`."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping):
        return {visible(str(name)): visible_document(child) for name, child in value.items()}
    if isinstance(value, list | tuple):
        return [visible_document(child) for child in value]
    return value
