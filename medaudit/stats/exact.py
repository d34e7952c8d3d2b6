"""Exact test of two paired right/wrong answers."""

from __future__ import annotations

from scipy.special import bdtr


def mcnemar(b: int, c: int) -> float:
    """Do two arms differ on the same independent cases? Exact two-sided p from the discordant counts.

    ``b`` cases right only in the first arm, ``c`` only in the second; ``2 P(X <= min(b, c))`` with
    ``X ~ Binomial(b + c, 1/2)``, at most 1 (McNemar 1947). 1.0 without discordant cases. For cases that
    share a patient use `paired_permutation`.
    """
    if b < 0 or c < 0:
        raise ValueError(f"counts {b} and {c} given; they cannot be negative")
    if b == c:
        return 1.0
    return min(1.0, 2 * float(bdtr(min(b, c), b + c, 0.5)))
