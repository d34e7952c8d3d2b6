"""Probes: one question about the model per file. Importing this package registers them."""
