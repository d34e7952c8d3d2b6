"""Outputs drawn from audit.json alone. Importing this package registers them."""
