"""One finding as it is printed: verdict in word and sign, wording, numbers with their units."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from medaudit.reports import format, wording

SIGNS = {
    "pass": ("✓", "pass", "meets its gate"),
    "fail": ("✕", "fail", "fails its gate"),
    "inconclusive": ("?", "open", "undecided"),
    "measured": ("•", "meas", "measured"),
    "not_applicable": ("\u2013", "none", "not applicable"),
    "error": ("!", "fail", "error"),
}
#: A probe may judge its own finding, without a gate.
CONFIRMED = "found and confirmed"
_RELATION = {">=": "at least", "<=": "at most"}


class Item:
    """A finding of audit.json with everything that templates and sentences print of it."""

    def __init__(self, finding: Mapping[str, Any]) -> None:
        self.finding = finding
        self.probe = str(finding["probe"])
        self.metric = str(finding["metric"])
        self.slice: Mapping[str, Any] = finding.get("slice") or {}
        self.estimate: float | None = finding.get("estimate")
        self.interval: list[float] | None = finding.get("interval")
        self.threshold: Mapping[str, Any] | None = finding.get("threshold")
        self.control: Mapping[str, Any] | None = finding.get("control")
        self.verdict = str(finding["verdict"])
        self.reason = str(finding.get("reason") or "")
        self.words = wording.metric(self.metric)
        self.kind = self.words.kind
        self.sign, self.css, self.word = SIGNS[self.verdict]
        #: Failed by its own probe: no gate speaks of it.
        self.confirmed = self.verdict == "fail" and self.threshold is None
        if self.confirmed:
            self.word = CONFIRMED

    @property
    def low(self) -> float | None:
        return self.interval[0] if self.interval else None

    @property
    def high(self) -> float | None:
        return self.interval[1] if self.interval else None

    @property
    def title(self) -> str:
        return self.words.title

    @cached_property
    def where(self) -> str:
        """The slice in words; empty for the whole data."""
        return wording.slice_words(self.slice)

    @property
    def value(self) -> str:
        return format.quantity(self.estimate, self.kind)

    @property
    def ends(self) -> str:
        """The interval, or that there is none."""
        if self.estimate is None:
            return ""
        return format.interval(self.interval, self.kind) or "(no interval)"

    @property
    def confidence(self) -> str:
        return f"{100 * float(self.finding.get('confidence', 0.95)):g}\u00a0%"

    @property
    def n(self) -> str:
        return format.count(self.finding.get("n", 0))

    @property
    def groups(self) -> str:
        return format.count(self.finding.get("groups", 0))

    @property
    def p(self) -> str:
        return format.probability(self.finding.get("p_value"))

    @property
    def p_adjusted(self) -> str:
        return format.probability(self.finding.get("p_adjusted"))

    @property
    def gate(self) -> str:
        """``at least 90.0 %``, or nothing where no gate speaks of the finding."""
        if self.threshold is None:
            return ""
        return f"{_RELATION[self.threshold['op']]} {format.quantity(self.threshold['value'], self.kind)}"

    @property
    def control_name(self) -> str:
        return wording.control_words(str(self.control["metric"])) if self.control else ""

    @property
    def control_value(self) -> str:
        """The control's estimate and interval; empty where it could not be measured."""
        if self.control is None or self.control["estimate"] is None:
            return ""
        return format.estimate(self.control["estimate"], self.control.get("interval"), self.control_kind)

    @property
    def control_kind(self) -> str:
        return wording.control_kind(str(self.control["metric"]), self.kind) if self.control else self.kind

    @property
    def comparable(self) -> bool:
        """Whether the control can stand on the finding's own scale."""
        if not self.control_value or self.control is None:
            return False
        floor = self.metric == "flip_excess" and self.control["metric"] == "self_flip"
        return floor or self.control_kind == self.kind

    @property
    def why(self) -> str:
        """The reason; where an estimate has no interval and no reason, that nothing was recorded."""
        if self.reason or self.estimate is None or self.interval:
            return self.reason
        return "no interval: the probe recorded none and no reason for it"

    @property
    def numbers(self) -> list[float]:
        """Every number that the finding's scale must hold."""
        found: list[Any] = [self.estimate, *(self.interval or [])]
        if self.threshold is not None:
            found.append(self.threshold["value"])
        if self.comparable and self.control:
            found += [self.control["estimate"], *(self.control.get("interval") or [])]
        return [float(value) for value in found if value is not None]

    @property
    def facts(self) -> list[str]:
        """The line under a sentence: estimate, n, control, gate, adjusted p."""
        facts = [f"{self.value} {self.ends}".strip(), f"n {self.n} in {self.groups} groups"]
        if self.estimate is None:
            facts = []
        if self.control_value:
            facts.append(f"control ({self.control_name}) {self.control_value}")
        if self.gate:
            facts.append(f"gate {self.gate}")
        if self.p_adjusted:
            facts.append(f"adjusted p {self.p_adjusted}")
        return facts
