"""How many cases does a question need, and what could a given number have seen? Normal approximations.

All n are for independent cases: multiply by `design_effect` for questions that share a patient.
"""

from __future__ import annotations

import math

from scipy.special import ndtr, ndtri

from medaudit.stats.estimate import check_confidence


def required_n_proportion(
    half_width: float, p: float = 0.5, confidence: float = 0.95, design_effect: float = 1.0
) -> int:
    """Cases for an interval of ``+-half_width`` about a proportion: ``deff z^2 p (1 - p) / half_width^2``."""
    check_confidence(confidence)
    if not half_width > 0 or not 0 <= p <= 1 or not design_effect > 0:
        raise ValueError(f"half width {half_width}, p {p}, design effect {design_effect}: out of range")
    needed = design_effect * _z(1 - confidence) ** 2 * p * (1 - p) / half_width**2
    return max(1, _ceil(needed))


def power_paired(discordant_plus: float, discordant_minus: float, n: float, alpha: float = 0.05) -> float:
    """Chance that McNemar's two-sided test on n cases sees the difference (Connor 1987).

    ``Phi((|d| sqrt(n) - z_{1-alpha/2} sqrt(psi)) / sqrt(psi - d^2))`` with ``d`` the difference and ``psi``
    the sum of the shares of cases right only in one and only in the other arm.
    """
    psi, gap, fitted = _discordance(discordant_plus, discordant_minus)
    _check_plan(alpha=alpha)
    if not n > 0:
        raise ValueError(f"{n} cases given; more than 0 are needed")
    if psi == 0:
        return 0.0
    distance = gap * math.sqrt(n) - _z(alpha) * math.sqrt(psi)
    # A fitted spread of 0 (every case discordant one way) leaves no doubt either way.
    return float(ndtr(distance / fitted)) if fitted else float(distance >= 0)


def required_n_paired(
    discordant_plus: float, discordant_minus: float, power: float = 0.8, alpha: float = 0.05
) -> int:
    """Cases for McNemar's test (Connor 1987): ``((z sqrt(psi) + z_power sqrt(psi - d^2)) / d)^2``.

    Rounded to the nearest whole case, which the approximation cannot resolve anyway. For rates r1 against
    r2 in arms whose errors are independent given the case the discordant shares are ``r1 (1 - r2)`` and
    ``r2 (1 - r1)``: .30 against .10 needs 64 (64.3) and .15 against .05 needs 143 (142.8). The exact test
    asks for about a sixth more. ValueError when the shares are equal: no n sees no difference.
    """
    psi, gap, fitted = _discordance(discordant_plus, discordant_minus)
    _check_plan(power=power, alpha=alpha)
    if gap == 0:
        raise ValueError("equal discordant shares: no number of cases shows a difference of 0")
    root = (_z(alpha) * math.sqrt(psi) + float(ndtri(power)) * fitted) / gap
    return max(1, round(root**2))


def power_two_proportions(p1: float, p2: float, n1: float, n2: float, alpha: float = 0.05) -> float:
    """Chance that the two-sided test on separate cases sees ``p1 - p2`` (Fleiss 1981, uncorrected).

    ``Phi((|p1 - p2| - z sqrt(p q (1/n1 + 1/n2))) / sqrt(p1 q1 / n1 + p2 q2 / n2))``, p pooled by n.
    """
    _check_plan(alpha=alpha)
    if not (0 <= p1 <= 1 and 0 <= p2 <= 1 and n1 > 0 and n2 > 0):
        raise ValueError(f"proportions {p1} and {p2} of {n1} and {n2} cases given; out of range")
    pooled = (n1 * p1 + n2 * p2) / (n1 + n2)
    null = math.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    spread = math.sqrt(p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2)
    distance = abs(p1 - p2) - _z(alpha) * null
    if spread == 0:
        return float(distance > 0)
    return float(ndtr(distance / spread))


def required_n_two_proportions(p1: float, p2: float, power: float = 0.8, alpha: float = 0.05) -> int:
    """Cases in each of two equal arms; the n at which `power_two_proportions` reaches ``power``."""
    _check_plan(power=power, alpha=alpha)
    if not (0 <= p1 <= 1 and 0 <= p2 <= 1):
        raise ValueError(f"proportions {p1} and {p2} given; they lie between 0 and 1")
    if p1 == p2:
        raise ValueError("equal proportions: no number of cases shows a difference of 0")
    mean = (p1 + p2) / 2
    null = _z(alpha) * math.sqrt(2 * mean * (1 - mean))
    spread = float(ndtri(power)) * math.sqrt(p1 * (1 - p1) + p2 * (1 - p2))
    return max(1, _ceil(((null + spread) / (p1 - p2)) ** 2))


def _discordance(plus: float, minus: float) -> tuple[float, float, float]:
    psi = plus + minus
    if not (plus >= 0 and minus >= 0 and psi <= 1 + 1e-9):
        raise ValueError(f"discordant shares {plus} and {minus} given; they are shares of all cases")
    gap = abs(plus - minus)
    return psi, gap, math.sqrt(max(0.0, psi - gap**2))


def _check_plan(**shares: float) -> None:
    for name, share in shares.items():
        if not 0 < share < 1:
            raise ValueError(f"{name} {share} given; it lies between 0 and 1")


def _z(alpha: float) -> float:
    return float(ndtri(1 - alpha / 2))


def _ceil(number: float) -> int:
    """Round up, but not for the last digit of a float."""
    return math.ceil(number - 1e-9)
