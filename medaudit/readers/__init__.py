"""Readers: from files to cases."""
