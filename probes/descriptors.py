"""Cheap fixed descriptions of pictures and questions, for telling two sets of cases apart. No model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from medaudit.descriptors import picture_features

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.case import Case

    Floats = NDArray[np.float64]

__all__ = ["picture_features", "question_features"]


def question_features(cases: Sequence[Case]) -> Floats:
    """One row per case: words of the question by how often they occur and how rare they are (TF-IDF)."""
    said = [Counter(re.findall(r"\w+", case.question.casefold())) for case in cases]
    spread = Counter(word for words in said for word in words)
    known = {word: number for number, word in enumerate(sorted(w for w, n in spread.items() if n > 1))}
    matrix = np.zeros((len(cases), max(1, len(known))))
    for row, words in zip(matrix, said, strict=True):
        for word, times in words.items():
            if word in known:
                row[known[word]] = times * np.log((1 + len(cases)) / (1 + spread[word]))
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    return matrix / np.where(lengths > 0, lengths, 1.0)
