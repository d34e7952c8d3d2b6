"""Outputs drawn from audit.json alone. Importing this package registers them."""

from medaudit.reports import html, junit, sarif

__all__ = ["html", "junit", "sarif"]
