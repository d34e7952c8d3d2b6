"""The statistics of one probe: values per case go in, estimates over complete cases and findings come out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from medaudit import stats
from medaudit.finding import Control, Finding, Verdict

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from medaudit.case import Case
    from medaudit.context import Context
    from medaudit.probes.arms import Floats

    Mask = NDArray[np.bool_]

#: Worst cases that a finding names.
EVIDENCE = 12


@dataclass(frozen=True, eq=False)
class Sheet:
    """The cases of one probe and how intervals over them are made.

    Every value array is (n,) float, aligned with ``cases``, NaN where there is no value. An estimate over
    several arrays uses the cases that have a value in all of them, so both sides of a comparison have
    the same denominator.
    """

    ctx: Context
    probe: str
    cases: tuple[Case, ...]

    @cached_property
    def groups(self) -> NDArray[np.str_]:
        return np.asarray([case.group or case.id for case in self.cases], dtype=np.str_)

    def mean(self, values: Floats, where: Mask | None = None) -> stats.Estimate:
        """Mean of one array."""
        return self._paired(stats.mean, (values,), where)

    def difference(self, a: Floats, b: Floats) -> stats.Estimate:
        """Mean of a minus b, paired."""
        return self._paired(stats.difference, (a, b))

    def ratio(self, a: Floats, b: Floats) -> stats.Estimate:
        """Mean of a over mean of b, paired."""
        return self._paired(stats.ratio, (a, b))

    def corrected_ratio(self, a: Floats, b: Floats, base: Floats) -> stats.Estimate:
        """(a - base) / (b - base), paired: the same cases stand above and below the line."""
        return self._paired(lambda x, y, z, g, **k: stats.corrected_ratio(x, z, y, z, g, **k), (a, b, base))

    def unpaired(
        self,
        method: Callable[..., stats.Estimate],
        first: tuple[tuple[Floats, ...], Mask],
        second: tuple[tuple[Floats, ...], Mask],
    ) -> stats.Estimate:
        """``method(a..., groups_a, b..., groups_b)`` over two sets of cases, e.g. a subgroup and the rest.

        Groups that are on both sides are drawn together.
        """
        arguments: list[Any] = []
        for arrays, where in (first, second):
            kept = where & complete(arrays)
            if not kept.any():
                return _nothing()
            arguments += [array[kept] for array in arrays] + [self.groups[kept]]
        return method(*arguments, **self.settings)

    def finding(
        self,
        metric: str,
        estimate: stats.Estimate,
        slice: Mapping[str, str | int | float | bool] | None = None,
        *,
        control: Control | None = None,
        reason: str = "",
        evidence: Iterable[str] = (),
        data: Mapping[str, Any] | None = None,
    ) -> Finding:
        """A measured finding; inconclusive, with the reason, where nothing could be estimated."""
        missing = estimate.estimate is None
        return Finding(
            self.probe,
            metric,
            estimate.estimate,
            interval=estimate.interval,
            n=estimate.n,
            groups=estimate.groups,
            slice=dict(slice or {}),
            confidence=self.ctx.confidence,
            p_value=estimate.p_value,
            control=control,
            verdict=Verdict.INCONCLUSIVE if missing else Verdict.MEASURED,
            reason=estimate.reason if missing else reason or estimate.reason,
            evidence=tuple(evidence)[:EVIDENCE],
            data=dict(data or {}),
        )

    def absent(
        self,
        metric: str,
        reason: str,
        slice: Mapping[str, str | int | float | bool] | None = None,
        *,
        verdict: Verdict = Verdict.NOT_APPLICABLE,
        n: int = 0,
        data: Mapping[str, Any] | None = None,
    ) -> Finding:
        """A finding without a number, and why."""
        return Finding(
            self.probe,
            metric,
            None,
            n=n,
            slice=dict(slice or {}),
            confidence=self.ctx.confidence,
            verdict=verdict,
            reason=reason,
            data=dict(data or {}),
        )

    def ids(self, *wanted: Mask) -> tuple[str, ...]:
        """Ids of the cases in the first mask, then of those in the next: the worst first."""
        order = [int(index) for mask in wanted for index in np.flatnonzero(mask)]
        return tuple(self.cases[index].id for index in dict.fromkeys(order))

    @property
    def settings(self) -> dict[str, Any]:
        """How intervals are made: confidence, resamples and seed of the audit."""
        return {"confidence": self.ctx.confidence, "resamples": self.ctx.resamples, "seed": self.ctx.seed}

    def _paired(
        self, method: Callable[..., stats.Estimate], arrays: tuple[Floats, ...], where: Mask | None = None
    ) -> stats.Estimate:
        kept = complete(arrays) if where is None else where & complete(arrays)
        if not kept.any():
            return _nothing()
        return method(*(array[kept] for array in arrays), self.groups[kept], **self.settings)


def complete(arrays: Iterable[Floats]) -> Mask:
    """Cases with a value in every array."""
    return np.asarray(np.logical_and.reduce([np.isfinite(array) for array in arrays]), dtype=np.bool_)


def accuracy(values: Floats) -> float | None:
    """Plain mean over the cases with a value, for a finding's ``data``."""
    kept = values[np.isfinite(values)]
    return float(kept.mean()) if kept.size else None


def as_control(metric: str, estimate: stats.Estimate) -> Control:
    """An estimate as another finding's control."""
    return Control(metric, estimate.estimate, estimate.interval)


def _nothing() -> stats.Estimate:
    return stats.Estimate(None, None, 0, 0, None, "no case has an answer in every arm of this comparison")
