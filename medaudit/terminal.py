"""What may be shown on a terminal: names and messages can hold escape sequences and hidden characters."""

from __future__ import annotations


def printable(text: str) -> str:
    """The text with every control, bidi and other invisible character spelled out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
