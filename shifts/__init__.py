"""Synthetic shifts: one family per file. Importing this package registers them."""
