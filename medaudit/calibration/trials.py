"""One trial: a phantom is audited on cases of its own, and its alarms are judged as in any audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter
from typing import TYPE_CHECKING, Any

from medaudit.alarms import LEVEL, AlarmRule, judge
from medaudit.context import Context
from medaudit.errors import NotApplicableError
from medaudit.model import Capability

if TYPE_CHECKING:
    from medaudit.alarms import Alarm
    from medaudit.case import Case
    from medaudit.finding import Finding
    from medaudit.model import ModelInfo
    from medaudit.registry import Probe

Rules = Mapping[str, Sequence[AlarmRule]]
#: What judging needs of a finding.
_KEPT = (
    "id",
    "probe",
    "metric",
    "slice",
    "estimate",
    "interval",
    "confidence",
    "n",
    "groups",
    "p_value",
    "reason",
)


@dataclass(frozen=True)
class Trial:
    """One audit of one phantom: the findings that alarm rules speak of, enough to judge them again."""

    phantom: str
    data: str
    seed: int
    n: int
    findings: tuple[Mapping[str, Any], ...] = field(repr=False)

    def alarms(self, rules: Rules, level: float = LEVEL) -> list[Alarm]:
        """Alarms under these rules, judged ones and raised ones."""
        return judge(self.findings, rules, level)

    def raised(self, rules: Rules, level: float = LEVEL) -> list[dict[str, Any]]:
        """Raised alarms as dictionaries."""
        return [alarm.to_dict() for alarm in self.alarms(rules, level) if alarm.raised]


def rules_of(probes: Mapping[str, Probe]) -> Rules:
    """The alarm rules of these probes, by name."""
    return {name: tuple(probe.alarms) for name, probe in probes.items()}


def context(cases: Sequence[Case], info: ModelInfo, ask: Any, seed: int, **fields: Any) -> Context:
    """The context of an audit by default settings."""
    from medaudit.registry import available

    offers = info.capabilities
    mode = Capability.GENERATE if Capability.GENERATE in offers else Capability.CHOOSE
    shifts = available("shift")
    return Context(tuple(cases), info, ask, mode=mode, seed=seed, **{"shifts": shifts, **fields})


def judged_findings(
    ctx: Context, probes: Mapping[str, Probe], parameters: Mapping[str, Mapping[str, Any]] | None = None
) -> tuple[Mapping[str, Any], ...]:
    """Run the probes and keep what alarm rules speak of, trimmed."""
    kept = []
    for name, probe in probes.items():
        if probe.missing(ctx.model.capabilities) is not None:
            continue
        try:
            found = list(probe.run(ctx, **dict((parameters or {}).get(name, {}))))
        except NotApplicableError:
            continue
        kept += [_trimmed(finding, rules) for finding in found if (rules := _rules(probe, finding))]
    return tuple(kept)


def _rules(probe: Probe, finding: Finding) -> list[AlarmRule]:
    """Those that speak of the finding."""
    return [r for r in probe.alarms if r.metric == finding.metric and set(r.keys) == set(finding.slice)]


def _trimmed(finding: Finding, rules: Sequence[AlarmRule]) -> dict[str, Any]:
    """Without what no rule looks at, and what no sentence names."""
    row = finding.to_dict()
    wanted = {name for rule in rules for name in (rule.measure, f"{rule.measure}_interval", rule.among)}
    wanted |= {name or "" for rule in rules for _, name, _, _ in Formatter().parse(rule.says)}
    data = {name: value for name, value in row["data"].items() if name in wanted}
    return {**{key: row[key] for key in _KEPT}, "data": data}
