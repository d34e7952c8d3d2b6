"""Phantoms: test objects with known truth."""
