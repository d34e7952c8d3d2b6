"""Statistics: intervals, tests, corrections, power."""
