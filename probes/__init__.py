"""Probes: one question about the model per file. Importing this package registers them."""

from medaudit.probes import baselines, confidence, fairness, judged, robustness, wordings

__all__ = ["baselines", "confidence", "fairness", "judged", "robustness", "wordings"]
