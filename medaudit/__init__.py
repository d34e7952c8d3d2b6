"""medaudit: calibrated audits of medical vision-language models.

Importing this package loads nothing heavy; names resolve on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medaudit.audit import Audit as Audit
    from medaudit.audit import load_audit as load_audit
    from medaudit.case import Case as Case
    from medaudit.case import CaseSet as CaseSet
    from medaudit.case import Region as Region
    from medaudit.context import Context as Context
    from medaudit.errors import MedauditError as MedauditError
    from medaudit.finding import Control as Control
    from medaudit.finding import Finding as Finding
    from medaudit.finding import Threshold as Threshold
    from medaudit.finding import Verdict as Verdict
    from medaudit.model import Answer as Answer
    from medaudit.model import Capability as Capability
    from medaudit.model import ModelInfo as ModelInfo
    from medaudit.model import Request as Request
    from medaudit.models import load_model as load_model
    from medaudit.readers import load_cases as load_cases
    from medaudit.registry import available as available
    from medaudit.registry import probe as probe
    from medaudit.registry import reader as reader
    from medaudit.registry import shift as shift
    from medaudit.scanning import scan as scan

__version__ = "0.1.0"

_HOME = {
    "Answer": "model",
    "Audit": "audit",
    "Capability": "model",
    "Case": "case",
    "CaseSet": "case",
    "Context": "context",
    "Control": "finding",
    "Finding": "finding",
    "MedauditError": "errors",
    "ModelInfo": "model",
    "Region": "case",
    "Request": "model",
    "Threshold": "finding",
    "Verdict": "finding",
    "available": "registry",
    "load_audit": "audit",
    "load_cases": "readers",
    "load_model": "models",
    "probe": "registry",
    "reader": "registry",
    "scan": "scanning",
    "shift": "registry",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"medaudit.{_HOME[name]}"), name)
    raise AttributeError(f"module 'medaudit' has no attribute {name!r}")
