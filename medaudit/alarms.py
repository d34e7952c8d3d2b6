"""Alarms: what an audit raises by itself, without a gate.

A probe registers rules (metric, exact slice keys, a margin). After the run every finding that a rule speaks
of is tested one-sided against the margin, and all tests of the audit form one family (Holm 1979), so that a
model without a flaw raises any alarm at all with at most the level's probability. Everything here is a
function of the findings' dictionaries: alarms can be judged again from audit.json.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from medaudit.errors import PluginError
from medaudit.finding import Finding
from medaudit.stats import holm

LEVEL = 0.05
#: Under these a normal tail says nothing: the finding is listed and not judged.
MIN_N, MIN_GROUPS = 20, 10
UNMET = "nothing was measured that this rule speaks of"

Slice = Mapping[str, str | int | float | bool]


@dataclass(frozen=True)
class AlarmRule:
    """When a finding of ``metric`` is an alarm: beyond ``above`` or ``below``, whichever is given.

    The rule speaks of findings whose slice has exactly ``keys``. With ``measure`` it looks at
    ``data[measure]`` and ``data[measure + "_interval"]`` of the finding instead of its estimate. Where the
    finding is the most extreme of several, ``among`` names the table in its data that holds them all, and p
    is multiplied by their number (Bonferroni): the choice must not make the alarm. ``says`` is
    a sentence for people; it may name ``{estimate}``, ``{points}`` (a hundred times that), ``{margin}``,
    ``{low}``, ``{high}``, ``{n}``, ``{groups}``, the slice's keys and those of the finding's data.
    """

    name: str
    metric: str
    keys: tuple[str, ...] = ()
    above: float | None = None
    below: float | None = None
    measure: str = ""
    among: str = ""
    says: str = ""

    @property
    def side(self) -> str:
        return "below" if self.above is None else "above"

    @property
    def margin(self) -> float:
        value = self.below if self.above is None else self.above
        assert value is not None
        return value

    def beyond(self, value: float) -> bool:
        """Whether the value lies on the alarming side of the margin."""
        return value > self.margin if self.side == "above" else value < self.margin


@dataclass(frozen=True)
class Alarm:
    """One rule on one finding: raised, not raised, or not judged for ``reason``.

    ``estimate`` and ``interval`` are what was held against ``margin`` (those of ``measure``, where the rule
    has one). ``p_value`` is one-sided against the margin, ``p_adjusted`` over the whole audit; both are None
    where nothing was judged. ``says`` is filled where the alarm is raised; ``finding`` is empty where the
    rule met no finding.
    """

    finding: str
    probe: str
    rule: str
    metric: str
    side: str
    margin: float
    measure: str = ""
    slice: Slice = field(default_factory=dict)
    estimate: float | None = None
    interval: tuple[float, float] | None = None
    n: int = 0
    groups: int = 0
    p_value: float | None = None
    p_adjusted: float | None = None
    raised: bool = False
    reason: str = ""
    says: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The alarm as audit.json holds it."""
        ends = list(self.interval) if self.interval else None
        return {**asdict(self), "slice": dict(self.slice), "interval": ends}

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Alarm:
        """Read an alarm back from audit.json."""
        ends = fields["interval"]
        return cls(**{**fields, "interval": tuple(ends) if ends else None})


def judge(
    findings: Iterable[Finding | Mapping[str, Any]],
    rules: Mapping[str, Sequence[AlarmRule]],
    level: float = LEVEL,
) -> list[Alarm]:
    """Which findings are alarms? Raised ones first, then judged ones by p, then those that were not judged.

    ``rules`` are those of each probe, by name. H0 of each test: the quantity is not beyond its margin. With
    z the quantile of the finding's confidence and s the half of the interval that faces the margin, divided
    by z::

        p = 1 - Phi((estimate - margin) / s)      above; mirrored for below

    A finding's own p-value is one against no effect: where no effect is no alarm, the larger of the two
    counts. Adjusted by Holm over all judged findings; raised when that is at most ``level``.
    """
    known = [finding.to_dict() if isinstance(finding, Finding) else finding for finding in findings]
    pairs = [(rule, row) for name, own in rules.items() for rule in own for row in _met(name, rule, known)]
    alarms = [_alarm(rule, row) for rule, row in pairs]
    adjusted = holm([alarm.p_value for alarm in alarms])
    judged = [
        _decided(alarm, rule, row, p, level)
        for alarm, (rule, row), p in zip(alarms, pairs, adjusted, strict=True)
    ]
    met = {(alarm.probe, alarm.rule) for alarm in judged}
    judged += [
        Alarm("", name, rule.name, rule.metric, rule.side, rule.margin, rule.measure, reason=UNMET)
        for name, own in rules.items()
        for rule in own
        if (name, rule.name) not in met
    ]
    return sorted(judged, key=_order)


def one_sided(rule: AlarmRule, estimate: float, interval: Sequence[float], confidence: float) -> float:
    """p of "not beyond the margin", from the half of the interval that faces it; 0 or 1 without spread."""
    from statistics import NormalDist

    sign = 1 if rule.side == "above" else -1
    half = estimate - interval[0] if rule.side == "above" else interval[1] - estimate
    spread = half / NormalDist().inv_cdf(0.5 + confidence / 2)
    if spread <= 0:
        return 0.0 if rule.beyond(estimate) else 1.0
    # erfc keeps small tails that 1 - cdf would round to nothing.
    return 0.5 * math.erfc(sign * (estimate - rule.margin) / spread / math.sqrt(2))


def check_rules(probe: str, metrics: Sequence[str], rules: Sequence[AlarmRule]) -> None:
    """Raise :class:`PluginError` for rules that could never be judged or told apart."""
    names = [rule.name for rule in rules]
    for rule in rules:
        where = f"probe {probe!r}: alarm {rule.name!r}"
        if names.count(rule.name) > 1:
            raise PluginError(f"{where}: two rules have this name.")
        if rule.metric not in metrics:
            raise PluginError(f"{where}: metric {rule.metric!r} is not among {', '.join(metrics)}.")
        given = [value for value in (rule.above, rule.below) if value is not None]
        if len(given) != 1 or not math.isfinite(given[0]):
            raise PluginError(f"{where}: give exactly one of above and below, as a finite number.")
        try:
            _words(rule, {"slice": dict.fromkeys(rule.keys, ""), "n": 1, "groups": 1}, 0.0, (0.0, 0.0))
        except (ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
            raise PluginError(f"{where}: says = {rule.says!r} cannot be filled in ({error}).") from error


def _met(probe: str, rule: AlarmRule, findings: Sequence[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    for row in findings:
        if (row["probe"], row["metric"]) == (probe, rule.metric) and set(row["slice"]) == set(rule.keys):
            yield row


def _alarm(rule: AlarmRule, row: Mapping[str, Any]) -> Alarm:
    """The test of one finding, before any correction."""
    estimate, interval = _quantity(rule, row)
    alarm = Alarm(
        row["id"],
        row["probe"],
        rule.name,
        rule.metric,
        rule.side,
        rule.margin,
        rule.measure,
        slice=dict(row["slice"]),
        estimate=estimate,
        interval=interval,
        n=row["n"],
        groups=row["groups"],
    )
    if reason := _unfit(alarm, row):
        return replace(alarm, reason=reason)
    assert estimate is not None
    assert interval is not None
    choices = max(1, len(row["data"].get(rule.among) or ())) if rule.among else 1
    p = min(1.0, choices * one_sided(rule, estimate, interval, row["confidence"]))
    own = row["p_value"]
    if own is not None and not rule.beyond(0.0):
        p = max(p, own)
    return replace(alarm, p_value=p)


def _quantity(rule: AlarmRule, row: Mapping[str, Any]) -> tuple[float | None, tuple[float, float] | None]:
    held = row["data"] if rule.measure else row
    ends = held.get(f"{rule.measure}_interval" if rule.measure else "interval")
    return held.get(rule.measure or "estimate"), None if ends is None else (ends[0], ends[1])


def _unfit(alarm: Alarm, row: Mapping[str, Any]) -> str:
    """Why this finding cannot be judged; empty where it can."""
    why = f" ({row['reason']})" if row["reason"] else ""
    if row["estimate"] is None:
        return str(row["reason"])
    if alarm.estimate is None:
        return f"its data holds no number {alarm.measure!r}{why}"
    if alarm.interval is None:
        return f"no interval, so its distance from the margin cannot be judged{why}"
    if not alarm.interval[0] <= alarm.estimate <= alarm.interval[1]:
        return "its interval leaves out its estimate"
    if alarm.n < MIN_N:
        return f"n = {alarm.n} is too small to raise an alarm (at least {MIN_N})"
    if alarm.groups < MIN_GROUPS:
        return f"{alarm.groups} groups are too few to raise an alarm (at least {MIN_GROUPS})"
    return ""


def _decided(
    alarm: Alarm, rule: AlarmRule, row: Mapping[str, Any], adjusted: float | None, level: float
) -> Alarm:
    if adjusted is None or adjusted > level:
        return replace(alarm, p_adjusted=adjusted)
    assert alarm.estimate is not None
    assert alarm.interval is not None
    says = _words(rule, row, alarm.estimate, alarm.interval)
    return replace(alarm, p_adjusted=adjusted, raised=True, says=says)


class _Fields(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return "unknown"


def _words(rule: AlarmRule, row: Mapping[str, Any], estimate: float, interval: Sequence[float]) -> str:
    named = {**row.get("data", {}), **row["slice"]}
    fields = _Fields({k: v.replace("_", " ") if isinstance(v, str) else v for k, v in named.items()})
    fields |= {
        "estimate": estimate,
        # Adding nothing turns a rounded -0.0 into 0.0.
        "points": round(100 * estimate, 1) + 0.0,
        "margin": rule.margin,
        "low": interval[0],
        "high": interval[1],
        "n": row["n"],
        "groups": row["groups"],
    }
    return rule.says.format_map(fields) or f"{rule.metric} is {rule.side} {rule.margin:g}: {estimate:.3g}"


def _order(alarm: Alarm) -> tuple[bool, bool, float]:
    return (not alarm.raised, alarm.p_value is None, alarm.p_value or 0.0)
