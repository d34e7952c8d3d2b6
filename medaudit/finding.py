"""Findings: one number each, with interval, n, control, verdict and reason."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

#: Stands before what a gate adds to a finding's reason, so that gating again can take it off.
UNDECIDED = "Undecided:"
#: In a gated finding's data: the verdict that the probe gave it itself.
OWN = "own_verdict"


def _finite(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Mapping):
        return all(map(_finite, value.values()))
    return not isinstance(value, list | tuple) or all(map(_finite, value))


class Verdict(StrEnum):
    """What a finding says. ``measured`` has no threshold; the last two carry a reason."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    MEASURED = "measured"
    NOT_APPLICABLE = "not_applicable"
    ERROR = "error"


@dataclass(frozen=True)
class Threshold:
    """A gate's demand: ``op`` is ``>=`` or ``<=``."""

    op: str
    value: float


@dataclass(frozen=True)
class Control:
    """What the same measurement gives where nothing should be found."""

    metric: str
    estimate: float | None
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Finding:
    """One number about the model.

    A finding without an estimate is ``not_applicable``, ``inconclusive`` or ``error`` and says why in
    ``reason``. ``slice`` holds the qualifiers of the metric. ``data`` holds what a reader needs to see the
    finding's basis (denominators, per-class counts); it must be JSON without NaN.
    """

    probe: str
    metric: str
    estimate: float | None
    interval: tuple[float, float] | None = None
    n: int = 0
    groups: int = 0
    slice: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    confidence: float = 0.95
    p_value: float | None = None
    p_adjusted: float | None = None
    control: Control | None = None
    threshold: Threshold | None = None
    verdict: Verdict = Verdict.MEASURED
    reason: str = ""
    evidence: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        control = (self.control.estimate, self.control.interval) if self.control else ()
        if not _finite([self.estimate, self.p_value, self.interval, control, self.data]):
            raise ValueError(f"{self.probe}/{self.metric}: NaN or infinity; use None with a reason.")
        if self.estimate is None and not self.reason:
            raise ValueError(f"{self.probe}/{self.metric}: no estimate and no reason.")

    @property
    def id(self) -> str:
        """Stable id: probe, metric and a short digest of the slice."""
        if not self.slice:
            return f"{self.probe}/{self.metric}"
        text = json.dumps(dict(self.slice), sort_keys=True, ensure_ascii=False)
        return f"{self.probe}/{self.metric}/{hashlib.blake2b(text.encode(), digest_size=4).hexdigest()}"

    def gated(self, threshold: Threshold) -> Finding:
        """Return the finding judged against ``threshold``.

        pass when the whole interval meets it, fail when the whole interval misses it, else inconclusive
        with the number of cases that would decide at this spread. A finding without an estimate keeps its
        verdict: what could not be measured neither passes nor fails. A verdict of the probe's own gives way
        to the gate, and is kept in the data for :meth:`ungated`.
        """
        if self.estimate is None:
            return replace(self, threshold=threshold)
        if self.threshold is None and self.verdict is not Verdict.MEASURED:
            own = replace(self, verdict=Verdict.MEASURED, data={**self.data, OWN: str(self.verdict)})
            return own.gated(threshold)
        if self.interval is None:
            why = "no interval could be computed, so the threshold cannot be judged"
            return replace(self, threshold=threshold, verdict=Verdict.INCONCLUSIVE, reason=self._because(why))
        low, high = self.interval
        value = threshold.value
        met, missed = (low >= value, high < value) if threshold.op == ">=" else (high <= value, low > value)
        if met or missed:
            verdict = Verdict.PASS if met else Verdict.FAIL
            return replace(self, threshold=threshold, verdict=verdict)
        reason = self._because(self._needed(value))
        return replace(self, threshold=threshold, verdict=Verdict.INCONCLUSIVE, reason=reason)

    def ungated(self) -> Finding:
        """The finding as it was measured, before any gate."""
        if self.threshold is None or self.estimate is None:
            return replace(self, threshold=None)
        reason = self.reason.split(UNDECIDED)[0].strip()
        data = {name: value for name, value in self.data.items() if name != OWN}
        verdict = Verdict(self.data.get(OWN, Verdict.MEASURED))
        return replace(self, threshold=None, verdict=verdict, reason=reason, data=data)

    def _because(self, why: str) -> str:
        return f"{self.reason} {UNDECIDED} {why}".strip()

    def _needed(self, value: float) -> str:
        assert self.interval is not None
        assert self.estimate is not None
        distance = abs(self.estimate - value)
        half = (self.interval[1] - self.interval[0]) / 2
        if distance == 0:
            return "the estimate stands on the threshold; no number of cases decides that"
        # Half-widths shrink with the square root of n.
        needed = math.ceil(self.n * (half / distance) ** 2)
        return f"the interval holds the threshold; about {needed:,} cases would decide (n = {self.n:,})"

    def to_dict(self) -> dict[str, Any]:
        """The finding as audit.json holds it."""
        control = self.control
        return {
            "id": self.id,
            "probe": self.probe,
            "metric": self.metric,
            "slice": dict(self.slice),
            "estimate": self.estimate,
            "interval": list(self.interval) if self.interval else None,
            "confidence": self.confidence,
            "n": self.n,
            "groups": self.groups,
            "p_value": self.p_value,
            "p_adjusted": self.p_adjusted,
            "control": control
            and {
                "metric": control.metric,
                "estimate": control.estimate,
                "interval": list(control.interval) if control.interval else None,
            },
            "threshold": self.threshold and {"op": self.threshold.op, "value": self.threshold.value},
            "verdict": self.verdict.value,
            "reason": self.reason,
            "evidence": list(self.evidence),
            "data": dict(self.data),
        }

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Finding:
        """Read a finding back from audit.json."""
        known = {name: value for name, value in fields.items() if name != "id"}
        for name, kind in (("control", Control), ("threshold", Threshold)):
            if known.get(name) is not None:
                known[name] = kind(**known[name])
        if known.get("control") is not None and known["control"].interval is not None:
            known["control"] = replace(known["control"], interval=tuple(known["control"].interval))
        if known.get("interval") is not None:
            known["interval"] = tuple(known["interval"])
        known["verdict"] = Verdict(known["verdict"])
        known["evidence"] = tuple(known["evidence"])
        return cls(**known)
