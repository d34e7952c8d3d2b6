"""Class vectors: what each option of a question is, in a contrastive model's space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from medaudit.errors import UsageError
from medaudit.models.class_prompts import class_prompts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.context import Context

    Vectors = NDArray[np.float32]


def class_vectors(ctx: Context, prompt: str, options: Sequence[str]) -> Vectors:
    r"""Which direction does each option have? Unit vectors (options, d), to compare regions and images with.

    With unit embeddings e_k1..e_km of the texts of option k (:mod:`medaudit.models.class_prompts`)::

        t_k = sum_j e_kj / |sum_j e_kj|

    These are the classes that the contrastive route scores options against. Raises
    UsageError without options, NotApplicableError for a model without text embeddings.

    Radford et al., Learning Transferable Visual Models From Natural Language Supervision, 2021, section
    3.1.4.
    """
    if not options:
        raise UsageError("Class vectors need options: give the answers that a question offers.")
    several = class_prompts(prompt, tuple(options))
    texts = list(dict.fromkeys(text for one in several for text in one))
    known = dict(zip(texts, ctx.embed_texts(texts), strict=True))
    means = np.stack([np.mean([known[text] for text in one], axis=0) for one in several])
    vectors: Vectors = means / np.linalg.norm(means, axis=1, keepdims=True)
    return vectors
