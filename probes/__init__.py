"""Probes: one question about the model per file. Importing this package registers them."""

from medaudit.probes import (
    baselines,
    confidence,
    confusion,
    fairness,
    judged,
    mitigation,
    robustness,
    spurious,
    wordings,
)

__all__ = [
    "baselines",
    "confidence",
    "confusion",
    "fairness",
    "judged",
    "mitigation",
    "robustness",
    "spurious",
    "wordings",
]
