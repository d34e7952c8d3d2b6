"""Probes: one question about the model per file. Importing this package registers them."""

from medaudit.probes import baselines, robustness

__all__ = ["baselines", "robustness"]
