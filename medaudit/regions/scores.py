"""What a vector looks like: class scores from the angle to each class's text."""

from __future__ import annotations

from typing import Any

import numpy as np

from medaudit.errors import DataError, UsageError
from medaudit.regions.distances import unit_rows
from medaudit.stats.estimate import Floats

#: RaVL's, for images and regions alike; a model's own learned scale (about .01) would change who votes.
TEMPERATURE = 0.07


def class_scores(vectors: Any, class_vectors: Any, temperature: float = TEMPERATURE) -> Floats:
    """How much does each image or region look like each class? ``softmax(cosine / temperature)``.

    ``vectors`` ``(m, d)`` and ``class_vectors`` ``(Y, d)``, of any length; returns ``(m, Y)``, rows summing
    to 1. Varma et al. 2024, arXiv:2411.04097. UsageError for a temperature that is not positive, DataError
    for vectors of different width.
    """
    if not temperature > 0:
        raise UsageError(f"temperature {temperature} given; a positive number is needed, such as 0.07.")
    rows, classes = unit_rows(vectors), unit_rows(class_vectors)
    if rows.shape[1] != classes.shape[1]:
        raise DataError(f"vectors of {rows.shape[1]} and class vectors of {classes.shape[1]} numbers given.")
    logits = (rows @ classes.T).astype(np.float64) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float64)
