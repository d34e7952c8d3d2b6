"""Plans: what will be measured, on what, with which thresholds and seeds, fixed before the run.

A plan is a TOML file (contract 2.5). An unknown key is an error that names the nearest legal one.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from medaudit.errors import UsageError
from medaudit.finding import Finding, Threshold

Scalar = str | int | float | bool


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AuditTable(_Strict):
    """``[audit]``: every option of ``medaudit scan``, and the statistics' settings."""

    name: str = "audit"
    model: str | None = None
    data: str | None = None
    out: str | None = None
    probes: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    seed: int = 0
    limit: int | None = Field(default=None, ge=1)
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    resamples: int = Field(default=2000, ge=200)
    min_n: int = Field(default=10, ge=2)
    strict: bool = False
    alarm_level: float = Field(default=0.05, gt=0, lt=0.5)
    fail_on_alarm: bool = False
    answer: Literal["auto", "generate", "choose"] = "auto"
    device: str = "auto"
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    device_map: Literal["auto", "balanced", "sequential"] | None = None
    batch_size: Literal["auto"] | Annotated[int, Field(ge=1)] = "auto"
    revision: str | None = None
    adapter: str | None = None
    merge: str | None = None
    merge_weight: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False)
    quantize: Literal["none", "8bit", "4bit"] = "none"
    trust_remote_code: bool = False
    allow_pickle: bool = False
    skip_bad: bool = False
    question: str | None = None
    label: tuple[str, ...] = ()
    table: str | None = None
    group: str | None = None
    frames: tuple[int, ...] = ()
    public_data: bool | None = None
    calibration: str | None = None


class Gate(_Strict):
    """``[[gate]]``: a threshold on every finding of this probe and metric whose slice holds ``slice``."""

    probe: str
    metric: str
    slice: dict[str, Scalar] = Field(default_factory=dict)
    at_least: float | None = Field(default=None, allow_inf_nan=False)
    at_most: float | None = Field(default=None, allow_inf_nan=False)

    @model_validator(mode="after")
    def _one_bound(self) -> Gate:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("give exactly one of at_least and at_most")
        return self

    @property
    def threshold(self) -> Threshold:
        if self.at_least is not None:
            return Threshold(">=", self.at_least)
        assert self.at_most is not None
        return Threshold("<=", self.at_most)

    def matches(self, finding: Finding) -> bool:
        """Whether the gate speaks of this finding."""
        if (self.probe, self.metric) != (finding.probe, finding.metric):
            return False
        return all(finding.slice.get(name) == value for name, value in self.slice.items())

    def __str__(self) -> str:
        bound = f"at least {self.at_least}" if self.at_least is not None else f"at most {self.at_most}"
        qualifiers = "".join(f" {name}={value}" for name, value in self.slice.items())
        return f"{self.probe}/{self.metric}{qualifiers} {bound}"


class Plan(_Strict):
    """A whole plan. ``probe`` holds the parameters of each probe by name."""

    audit: AuditTable = Field(default_factory=AuditTable)
    probe: dict[str, dict[str, Any]] = Field(default_factory=dict)
    gate: tuple[Gate, ...] = ()
    pytest: dict[str, Any] | None = None

    @property
    def digest(self) -> str:
        """sha256 of the plan's canonical JSON."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def read_plan(path: Path | str) -> Plan:
    """Read a plan file; every mistake is one message that names the key."""
    path = Path(path)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(f"{path}: no such plan file.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({error}).") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not valid TOML: {error}.") from error
    return parse_plan(table, str(path))


def parse_plan(table: Mapping[str, Any], where: str = "plan") -> Plan:
    """Check a plan given as nested dictionaries."""
    try:
        return Plan.model_validate(table)
    except ValidationError as error:
        # A misspelt key also leaves its right spelling missing: the misspelling is what helps.
        problems = sorted(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
        raise _explain(problems[0], where) from error


_LEGAL: dict[str, type[BaseModel]] = {"audit": AuditTable, "gate": Gate}


def _explain(problem: Any, where: str) -> UsageError:
    location = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        model = _LEGAL.get(str(problem["loc"][0]), Plan) if len(problem["loc"]) > 1 else Plan
        unknown = UsageError.unknown("key", str(problem["loc"][-1]), model.model_fields)
        return UsageError(f"{where}: [{location}] {unknown}")
    given = "" if problem["type"] == "missing" else f" (given: {problem['input']!r})"
    return UsageError(f"{where}: {location}: {problem['msg'].removeprefix('Value error, ')}{given}.")
