"""Why a model has no map from pixels to tokens."""

from __future__ import annotations

from medaudit.errors import NotApplicableError


class NoGrid(NotApplicableError):
    """No token of this model stands for a place in the image; ``reason`` says why.

    Not a failure of the model: resamplers and pooled embeddings mix the whole image into every token.
    Mask pixels instead of tokens.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"No map from image regions to tokens: {reason}.")
        self.reason = reason
