"""Alarms as they are printed: what was raised, what was looked for, and what could not be tested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from medaudit.reports import format, wording

LEVEL = 0.05
#: Unjudged findings listed under a rule; the rest is counted.
MOST_UNTESTED = 8


class Notice:
    """One row of ``alarms`` with everything that is printed of it."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.row = row
        self.raised = row["raised"] is True
        self.tested = row["p_value"] is not None
        self.probe = wording.plain(row["probe"])
        self.name = wording.plain(row["rule"])
        self.key = (str(row["probe"]), str(row["rule"]))
        self.says = str(row["says"])
        self.reason = str(row["reason"])
        self.kind = wording.metric(str(row["metric"])).kind

    @property
    def where(self) -> str:
        """The slice in words; what it is when the rule met no finding."""
        return wording.slice_words(self.row["slice"]) or ("the whole data" if self.row["finding"] else "")

    @property
    def quantity(self) -> str:
        """``Subgroup gap, excess``."""
        title = wording.metric(str(self.row["metric"])).title
        return f"{title}, {wording.plain(self.row['measure'])}" if self.row["measure"] else title

    @property
    def margin(self) -> str:
        side = "below" if self.row["side"] == "below" else "above"
        return f"{side} {format.quantity(self.row['margin'], self.kind)}"

    @property
    def value(self) -> str:
        return format.estimate(self.row["estimate"], self.row["interval"], self.kind)

    @property
    def p(self) -> str:
        return format.probability(self.row["p_adjusted"])

    @property
    def facts(self) -> list[str]:
        """The line beside a raised alarm."""
        n, groups = format.count(self.row["n"]), format.count(self.row["groups"])
        return [
            self.value,
            f"alarm {self.margin}",
            f"adjusted p {self.p}",
            f"n {n} in {groups} groups",
        ]


@dataclass
class Rule:
    """One rule over the audit: how often it was tested and raised, and where it came nearest."""

    probe: str
    name: str
    quantity: str
    margin: str
    tested: list[Notice] = field(default_factory=list)
    untested: list[Notice] = field(default_factory=list)

    @property
    def raised(self) -> int:
        return sum(notice.raised for notice in self.tested)

    @property
    def nearest(self) -> Notice | None:
        return min(self.tested, key=lambda notice: float(notice.row["p_value"]), default=None)

    @property
    def reasons(self) -> list[str]:
        """``sex: n = 12 is too small``, at most eight, then how many more."""
        lines = [f"{n.where}: {n.reason}" if n.where else n.reason for n in self.untested]
        more = len(lines) - MOST_UNTESTED
        return [*lines[:MOST_UNTESTED], f"and {more} more"] if more > 0 else lines


@dataclass(frozen=True)
class Alarms:
    """The block of the page. ``level`` is the family-wise level in print."""

    raised: list[Notice]
    rules: list[Rule]
    tests: int
    level: str


def alarms(document: Mapping[str, Any]) -> Alarms | None:
    """The block for a document, or None for one written before alarms were."""
    if "alarms" not in document:
        return None
    notices = [Notice(row) for row in document["alarms"]]
    return Alarms(
        raised=[notice for notice in notices if notice.raised],
        rules=_rules(notices),
        tests=sum(notice.tested for notice in notices),
        level=f"{100 * level(document):g}\u00a0%",
    )


def level(document: Mapping[str, Any]) -> float:
    """The family-wise level that the plan set."""
    return float(settings(document).get("alarm_level", LEVEL))


def settings(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The plan's ``[audit]`` table, empty where the document holds none."""
    return (document.get("plan") or {}).get("audit") or {}


def _rules(notices: Sequence[Notice]) -> list[Rule]:
    rules: dict[tuple[str, str], Rule] = {}
    for notice in sorted(notices, key=lambda notice: notice.key):
        rule = rules.setdefault(notice.key, Rule(notice.probe, notice.name, notice.quantity, notice.margin))
        (rule.tested if notice.tested else rule.untested).append(notice)
    return list(rules.values())
