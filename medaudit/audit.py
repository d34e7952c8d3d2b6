"""The audit: the result document of one run, and the exit code that it stands for."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medaudit.alarms import LEVEL, Alarm
from medaudit.errors import DataError
from medaudit.finding import Finding, Verdict

if TYPE_CHECKING:
    import pandas as pd

SCHEMA = "medaudit.audit/1"
FILE = "audit.json"


class Audit:
    """One run's document (``audit.json``) and its findings."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = dict(document)
        self.findings = [Finding.from_dict(fields) for fields in document["findings"]]

    @property
    def status(self) -> str:
        return str(self.document["status"])

    @property
    def gated(self) -> list[Finding]:
        """Findings that a gate speaks of."""
        return [finding for finding in self.findings if finding.threshold is not None]

    @property
    def failed(self) -> list[Finding]:
        """Findings that missed their threshold, or that their probe found and confirmed without one."""
        return [finding for finding in self.findings if finding.verdict is Verdict.FAIL]

    @property
    def alarms(self) -> list[Alarm]:
        """Alarms that were raised; the document also lists those that were not, and why."""
        return [Alarm.from_dict(fields) for fields in self.document.get("alarms", []) if fields["raised"]]

    @property
    def fail_on_alarm(self) -> bool:
        """Whether the plan makes a raised alarm a failure."""
        return bool(self._settings.get("fail_on_alarm"))

    @property
    def alarm_level(self) -> float:
        """Family-wise level at which the alarms were judged."""
        return float(self._settings.get("alarm_level", LEVEL))

    @property
    def _settings(self) -> Mapping[str, Any]:
        return (self.document.get("plan") or {}).get("audit") or {}

    def exit_code(self, strict: bool = False) -> int:
        """0 nothing failed, 1 a gate failed (strict: or is undecided) or a probe found and confirmed a flaw,
        3 incomplete, 130 interrupted.

        A raised alarm leads to 1 only where the plan says ``fail_on_alarm``.
        """
        if self.status == "interrupted":
            return 130
        if self.failed or (self.fail_on_alarm and self.alarms):
            return 1
        if self.status == "incomplete" or any(finding.estimate is None for finding in self.gated):
            return 3
        undecided = any(finding.verdict is Verdict.INCONCLUSIVE for finding in self.gated)
        return 1 if strict and undecided else 0

    def to_frame(self) -> pd.DataFrame:
        """One row per finding; slices become columns ``slice.NAME``, intervals ``low`` and ``high``."""
        import pandas as pd

        rows = []
        for finding in self.findings:
            row = finding.to_dict()
            low, high = row.pop("interval") or (None, None)
            for name, value in row.pop("slice").items():
                row[f"slice.{name}"] = value
            rows.append({**row, "low": low, "high": high})
        return pd.DataFrame(rows)

    def save(self, folder: Path | str) -> None:
        """Write audit.json and draw every registered output beside it."""
        from medaudit.registry import available

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / FILE, json.dumps(self.document, indent=1, ensure_ascii=False, allow_nan=False))
        for renderer in available("report").values():
            write_text(folder / renderer.filename, renderer.render(self.document, folder))


def write_text(path: Path, text: str) -> None:
    """Replace a file in one step: a reader never sees half of it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(text.encode("utf-8", "replace"))
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise DataError(f"{path}: cannot be written ({error.strerror or error}).") from error


def load_audit(folder: Path | str) -> Audit:
    """Read the audit of a folder, checked against the schema."""
    from medaudit.schema import validate_audit

    path = Path(folder)
    path = path / FILE if path.is_dir() else path
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"{folder}: holds no {FILE}. Name the folder that `medaudit scan` wrote.") from error
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: not a readable audit ({error}).") from error
    validate_audit(document)
    return Audit(document)
