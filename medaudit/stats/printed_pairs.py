"""Printed pair scores turned back into counts: which rows of a published table can be, and which cannot."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PrintedPairs:
    """A printed row read as counts of pairs; ``why`` says what is impossible, and is empty where it can be.

    ``valid`` pairs had two valid answers, ``same`` of them one answer twice, ``right`` both right. None where
    no whole number gives the printed rate.
    """

    right: int | None
    same: int | None
    valid: int | None
    why: str = ""

    @property
    def possible(self) -> bool:
        return not self.why

    @property
    def unlike(self) -> int | None:
        """Pairs with two different valid answers: the denominator of precision."""
        return None if self.valid is None or self.same is None else self.valid - self.same


def consistent(set_rate: float, confusion: float, n: int, *, digits: int = 4) -> PrintedPairs:
    """Can one run over ``n`` pairs have this set accuracy and this confusion?

    Rates are shares rounded to ``digits`` decimals (19.89 % is 0.1989). Set accuracy counts all pairs,
    confusion those with two valid answers, a number that is seldom printed; both answers of a right pair are
    valid and different, so it takes whole numbers with ::

        right / n = set_rate     same / valid = confusion     right <= valid - same     valid <= n

    The reading with the most valid pairs is returned. Raises ValueError for rates outside [0, 1] and n < 1.
    """
    if n < 1 or not (0 <= set_rate <= 1 and 0 <= confusion <= 1):
        raise ValueError(f"set {set_rate}, confusion {confusion}, n {n}: shares and n from 1 are needed")
    slack = 0.5 * 10**-digits + 1e-12
    rights = [k for k in _near(set_rate, n) if abs(k / n - set_rate) <= slack]
    readings = [
        (valid, same)
        for valid in range(n, 0, -1)
        for same in _near(confusion, valid)
        if abs(same / valid - confusion) <= slack
    ]
    right = min(rights, key=lambda k: abs(k / n - set_rate), default=None)
    if right is None:
        why = f"no whole number of {n} pairs gives a set accuracy of {set_rate:.{digits}f}"
        return PrintedPairs(None, None, None, why)
    if not readings:
        why = f"no number of valid pairs up to {n} gives a confusion of {confusion:.{digits}f}"
        return PrintedPairs(right, None, None, why)
    fitting = [(valid, same) for valid, same in readings if min(rights) <= valid - same]
    if fitting:
        valid, same = fitting[0]
        return PrintedPairs(min(right, valid - same), same, valid)
    valid, same = max(readings, key=lambda reading: (reading[0] - reading[1], reading[0]))
    why = (
        f"{right} of {n} pairs are right, so {right} got two different answers; a confusion of "
        f"{confusion:.{digits}f} leaves at most {valid - same}: the two numbers are not of one run"
    )
    return PrintedPairs(right, same, valid, why)


def _near(rate: float, n: int) -> range:
    """Whole numbers that may round to the rate: a neighbour on either side is enough for digits from 1."""
    spread = 1 + n // 20
    return range(max(0, int(rate * n) - spread), min(n, int(rate * n) + spread) + 1)
