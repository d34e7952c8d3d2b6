"""Synthetic shifts: one family per file. Importing this package registers them."""

from medaudit.shifts import blur, compression, geometry, intensity, noise

__all__ = ["blur", "compression", "geometry", "intensity", "noise"]
