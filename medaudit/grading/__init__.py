"""Grading: from what a model said to what it chose."""
