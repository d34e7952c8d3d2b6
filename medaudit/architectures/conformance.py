"""What one architecture can do, capability by capability, each claim beside a control that must fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from medaudit.architectures.build import NotBuildable, build
from medaudit.architectures.checks_answers import batch, choose, embed, generate
from medaudit.architectures.checks_geometry import geometry
from medaudit.architectures.checks_inside import attend, gradients, intervene, tune
from medaudit.architectures.kinds import Kind
from medaudit.architectures.subject import Fails, NotApplicable, Subject
from medaudit.models.quiet import quiet_loading
from medaudit.models.routes import CONTRASTIVE

CHECKS: Mapping[str, Callable[[Subject], None]] = {
    "generate": generate,
    "choose": choose,
    "embed": embed,
    "attend": attend,
    "gradients": gradients,
    "intervene": intervene,
    "geometry": geometry,
    "batch": batch,
    "tune": tune,
}


def conform(kind: Kind, folder: Path) -> dict[str, Any]:
    """Build a type into ``folder``, load it by the ordinary route, and run every check."""
    row: dict[str, Any] = {"type": kind.type, "class": kind.class_name}
    try:
        subject = Subject(_built(kind, folder))
    except NotBuildable as reason:
        return row | dict.fromkeys(CHECKS, f"not_applicable: {reason}") | {"notes": []}
    except Exception as error:
        return row | dict.fromkeys(CHECKS, f"fails: not built: {said(error)}") | {"notes": []}
    row |= {name: verdict(check, subject) for name, check in CHECKS.items()}
    return row | {"notes": list(subject.model.info.notes)}


def _built(kind: Kind, folder: Path) -> Any:
    from medaudit.models import load_model

    with quiet_loading(offline=True):
        build(kind.type, folder, contrastive=kind.route == CONTRASTIVE)
        return load_model(str(folder))


def verdict(check: Callable[[Subject], None], subject: Subject) -> str:
    """``works``, ``not_applicable: why`` or ``fails: why``."""
    try:
        check(subject)
    except NotApplicable as reason:
        return f"not_applicable: {reason}"
    except Fails as reason:
        return f"fails: {reason}"
    except Exception as error:  # a type that is not supported raises anything; the table has to say so
        return f"fails: {said(error)}"
    return "works"


def said(error: Exception) -> str:
    """One line, with the cause that a wrapped error hides."""
    inner = error.__cause__ or error
    lines = str(inner).strip().splitlines() or [""]
    return f"{type(inner).__name__}: {lines[0][:160]}"
