"""Gates: thresholds laid on findings, before the run (can it ever match?) and after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from medaudit.errors import UsageError
from medaudit.finding import Finding, Verdict
from medaudit.plan import Gate, Plan
from medaudit.predicates import parse_split
from medaudit.registry import Probe, available, matching
from medaudit.stats import benjamini_hochberg, holm


def check_plan(plan: Plan, selected: Mapping[str, Probe], legal: Mapping[str, Probe]) -> None:
    """Refuse before the run what can never be measured: unknown probes, parameters, metrics, slices."""
    for name, parameters in plan.probe.items():
        if name not in legal:
            raise UsageError.unknown("probe", name, legal)
        for key in parameters:
            if key not in legal[name].parameters:
                raise UsageError.unknown(f"parameter of probe {name!r}", key, legal[name].parameters)
            _check_type(f"[probe.{name}] {key}", parameters[key], legal[name].parameters[key])
        matching("shift", parameters.get("shifts", ()))
    for gate in plan.gate:
        if gate.probe not in legal:
            raise UsageError.unknown("probe in a gate", gate.probe, legal)
        if gate.probe not in selected:
            raise UsageError(
                f"gate {gate} can never match: probe {gate.probe!r} is not selected "
                f"(selected: {', '.join(selected)}). Add --probe {gate.probe}."
            )
        if gate.metric not in legal[gate.probe].metrics:
            raise UsageError.unknown(
                f"metric of probe {gate.probe!r}", gate.metric, legal[gate.probe].metrics
            )
        _check_slice(gate, {**legal[gate.probe].parameters, **plan.probe.get(gate.probe, {})})


def _check_type(where: str, given: object, default: object) -> None:
    """A parameter has the type of its default, and so have the members of a list."""
    if isinstance(default, tuple):
        if not isinstance(given, list | tuple):
            raise UsageError(f"{where} = {given!r}: give a list, for example {list(default) or [given]}.")
        for member in given if default else ():
            _check_type(where, member, default[0])
    elif default is not None and type(given) is not type(default) and not _number(given, default):
        raise UsageError(f"{where} = {given!r}: give a value like {default!r}.")


def _number(given: object, default: object) -> bool:
    return isinstance(default, float) and isinstance(given, int) and not isinstance(given, bool)


def _check_slice(gate: Gate, parameters: Mapping[str, object]) -> None:
    """A gate on a shift, severity or attribute that will not be measured can never match."""
    if "shift" in gate.slice and gate.slice["shift"] not in available("shift"):
        raise UsageError.unknown("shift in a gate", str(gate.slice["shift"]), available("shift"))
    for key, listed in _LISTED.items():
        chosen = parameters.get(listed)
        if not isinstance(chosen, list | tuple) or not chosen or key not in gate.slice:
            continue
        if gate.slice[key] not in _spelt_out(key, chosen):
            raise UsageError(
                f"gate {gate} can never match: {key} {gate.slice[key]!r} is not among "
                f"{listed} = {list(chosen)} of [probe.{gate.probe}]."
            )


#: Keys of a slice, and the parameters that list what they may be.
_LISTED = {"shift": "shifts", "severity": "severities", "attribute": "attributes", "split": "splits"}


def _spelt_out(key: str, chosen: Sequence[object]) -> Sequence[object]:
    """As findings name it: patterns of shifts as names, splits in canonical words."""
    if key == "shift":
        return matching("shift", map(str, chosen))
    return [str(parse_split(str(text))) for text in chosen] if key == "split" else chosen


def apply_gates(findings: Sequence[Finding], gates: Sequence[Gate]) -> tuple[list[Finding], list[Gate]]:
    """Judge findings by the gates; also return the gates that met no finding."""
    bare = [finding.ungated() for finding in findings]
    judged = list(bare)
    unmatched = []
    for gate in gates:
        hits = [index for index, finding in enumerate(judged) if gate.matches(finding)]
        if not hits:
            unmatched.append(gate)
        for index in hits:
            judged[index] = _stricter(judged[index], bare[index].gated(gate.threshold))
    return adjust(judged), unmatched


_RANK = [Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.PASS]


def _stricter(before: Finding, after: Finding) -> Finding:
    """Two gates on one finding: the worse verdict stands."""
    if before.threshold is None or before.verdict not in _RANK or after.verdict not in _RANK:
        return after
    return min(before, after, key=lambda finding: _RANK.index(finding.verdict))


def adjust(findings: Sequence[Finding]) -> list[Finding]:
    """Adjusted p-values over the whole audit: Holm over gated findings, Benjamini-Hochberg over the rest."""
    gated = [finding.threshold is not None for finding in findings]
    result = list(findings)
    for family, method in ((True, holm), (False, benjamini_hochberg)):
        members = [index for index, is_gated in enumerate(gated) if is_gated is family]
        adjusted = method([findings[index].p_value for index in members])
        for index, value in zip(members, adjusted, strict=True):
            result[index] = replace(result[index], p_adjusted=value)
    return result
