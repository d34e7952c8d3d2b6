"""The document of a run: what was asked of what, and what was found, as audit.json holds it."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from medaudit import __version__
from medaudit.alarms import judge
from medaudit.audit import SCHEMA, Audit
from medaudit.case import CaseSet
from medaudit.engine import Engine
from medaudit.environment import environment
from medaudit.finding import Finding
from medaudit.gates import apply_gates
from medaudit.model import ModelInfo
from medaudit.plan import Gate, Plan, parse_plan
from medaudit.registry import Probe


@dataclass
class Run:
    """What one run gathers on its way to the document."""

    plan: Plan
    cases: CaseSet
    info: ModelInfo
    engine: Engine
    probes: Mapping[str, Probe]
    command: str
    identity: str
    started: float = field(default_factory=time.time)
    status: str = "complete"
    findings: list[Finding] = field(default_factory=list)
    coverage: list[dict[str, str]] = field(default_factory=list)
    unmatched: list[str] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    calibration: list[dict[str, Any]] = field(default_factory=list)


def document(run: Run) -> dict[str, Any]:
    """Everything that the run leaves behind, without NaN and without answers."""
    cases = run.cases
    return {
        "schema": SCHEMA,
        "status": run.status,
        "run": {
            "id": digest(run.identity, run.plan.digest)[:16],
            "medaudit": __version__,
            "started": datetime.fromtimestamp(run.started, UTC).isoformat(timespec="seconds"),
            "duration_s": round(time.time() - run.started, 3),
            "seed": run.plan.audit.seed,
            "command": redacted(run.command),
            "plan_sha256": run.plan.digest,
            "problems": _problems(run),
        },
        "model": {**_model(run.info), "notes": list(run.notes)},
        "data": {
            "name": cases.name,
            "reader": cases.reader,
            "cases": len(cases),
            "groups": cases.groups,
            "sha256": cases.digest(),
            "public": cases.public,
            "skipped": [asdict(line) for line in cases.skipped],
        },
        "environment": environment(),
        "plan": _plan(run.plan),
        "answers": {"distinct": len(run.engine.distinct), "errors": len(run.engine.failed)},
        "findings": [finding.to_dict() for finding in run.findings],
        "alarms": _alarms(run),
        "coverage": run.coverage,
        "calibration": run.calibration,
    }


def _alarms(run: Run) -> list[dict[str, Any]]:
    """Every rule of the probes that ran on every finding that it speaks of, raised ones first."""
    ran = {row["probe"] for row in run.coverage if row["status"] == "run"}
    rules = {name: probe.alarms for name, probe in run.probes.items() if name in ran}
    return [alarm.to_dict() for alarm in judge(run.findings, rules, run.plan.audit.alarm_level)]


def regated(audit: Audit, gates: Sequence[Gate], strict: bool, fail_on_alarm: bool = False) -> dict[str, Any]:
    """The document with these gates in place of its own; findings' numbers and alarms stay as they are."""
    old = audit.document
    findings, unmatched = apply_gates(audit.findings, gates)
    problems = [problem for problem in old["run"].get("problems", []) if not problem.startswith(GATE)]
    problems = [f"{GATE}{gate}{UNMET}" for gate in unmatched] + problems
    broken = problems or any(row["status"] == "error" for row in old["coverage"])
    status = "incomplete" if broken else "complete"
    plan = dict(old.get("plan") or {})
    plan["gate"] = [gate.model_dump(mode="json") for gate in gates]
    plan["audit"] = {**plan.get("audit", {}), "strict": strict, "fail_on_alarm": fail_on_alarm}
    return {
        **old,
        "status": old["status"] if old["status"] == "interrupted" else status,
        "run": {**old["run"], "problems": problems, "plan_sha256": parse_plan(plan).digest},
        "plan": plan,
        "findings": [finding.to_dict() for finding in findings],
    }


#: How the problem of a gate without a finding reads; gating again takes these off.
GATE, UNMET = "gate ", " met no finding"


def _problems(run: Run) -> list[str]:
    problems = [f"{GATE}{gate}{UNMET}" for gate in run.unmatched]
    if run.engine.failed:
        # The type of the error only: its text may quote a case.
        first = next(iter(run.engine.failed.values())).split(":", 1)[0]
        problems.append(f"{len(run.engine.failed)} requests got no answer (first: {first}); run again")
    return problems


def redacted(text: str) -> str:
    """The text without user name, password and query of an endpoint's address."""
    return re.sub(r"(endpoint:\w+://)(?:[^/@\s#]*@)?([^\s?#]*)(?:\?[^\s#]*)?", r"\1\2", text)


def _plan(plan: Plan) -> dict[str, Any]:
    dumped = plan.model_dump(mode="json")
    if dumped["audit"]["model"]:
        dumped["audit"]["model"] = redacted(dumped["audit"]["model"])
    return dumped


def _model(info: ModelInfo) -> dict[str, Any]:
    return {
        "id": info.id,
        "kind": info.kind,
        "revision": info.revision,
        "fingerprint": info.fingerprint,
        "capabilities": sorted(info.capabilities),
        "parameters": info.parameters,
        "dtype": info.dtype,
        "device": info.device,
        "files": [dict(file) for file in info.files],
    }


def digest(*parts: str) -> str:
    """sha256 of the joined parts."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
