"""How unlikely a model finds a given answer: the loss that tuning lowers, with a gradient.

Generative models: mean over the answer's tokens of -log p(token | image, prompt, tokens before), closed by
the end-of-sequence token. Contrastive models: -log of the answer's share among the request's options.
"""

from __future__ import annotations

from typing import Any

from medaudit.errors import UsageError
from medaudit.model import Request
from medaudit.whitebox.forced import forced


def answer_loss(model: Any, request: Request, answer: str) -> Any:
    """Cross-entropy of ``answer``, a scalar tensor in natural log.

    Raises :class:`UsageError` where the request cannot be built, or a contrastive model's options lack the
    answer.
    """
    if model.info.kind == "contrastive":
        return _contrastive(model, request, answer)
    return _generative(model, request, answer)


def _generative(model: Any, request: Request, answer: str) -> Any:
    run = forced(model, request, answer, ends=True)
    return -run.log_likelihood(model.network(**run.arguments).logits) / run.ids.shape[1]


def _contrastive(model: Any, request: Request, answer: str) -> Any:
    folded = [option.strip().casefold() for option in request.options]
    if answer.strip().casefold() not in folded or not request.images:
        raise UsageError("a contrastive model's example needs an image, and options that hold the answer.")
    # Kept embeddings are those of the weights before the last step.
    model._texts.clear()
    scores = model.similarities(model.placed_pixels(request.images), request.prompt, request.options)
    model._texts.clear()
    return -scores.log_softmax(dim=0)[folded.index(answer.strip().casefold())]
