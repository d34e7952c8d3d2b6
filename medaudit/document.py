"""The document of a run: what was asked of what, and what was found, as audit.json holds it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from medaudit import __version__
from medaudit.audit import SCHEMA
from medaudit.case import CaseSet
from medaudit.engine import Engine
from medaudit.environment import environment
from medaudit.finding import Finding
from medaudit.model import ModelInfo
from medaudit.plan import Plan
from medaudit.registry import Probe


@dataclass
class Run:
    """What one run gathers on its way to the document."""

    plan: Plan
    cases: CaseSet
    #: As it was before the first question: what a model notes while answering differs in a warm run.
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
            "command": run.command,
            "plan_sha256": run.plan.digest,
            "problems": _problems(run),
        },
        "model": _model(run.info),
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
        "plan": run.plan.model_dump(mode="json"),
        "answers": {"distinct": len(run.engine.distinct), "errors": len(run.engine.failed)},
        "findings": [finding.to_dict() for finding in run.findings],
        "coverage": run.coverage,
        "calibration": [],
    }


def _problems(run: Run) -> list[str]:
    problems = [f"gate {gate} met no finding" for gate in run.unmatched]
    if run.engine.failed:
        first = next(iter(run.engine.failed.values()))
        problems.append(f"{len(run.engine.failed)} requests got no answer (first: {first}); run again")
    return problems


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
        "notes": list(info.notes),
    }


def digest(*parts: str) -> str:
    """sha256 of the joined parts."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()
