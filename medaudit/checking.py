"""``medaudit check MODEL``: does the model answer as the audit will rely on it to answer?

Every check asks a handful of generated pictures and questions. A status is ``works``, ``fails``,
``not_applicable`` (the model offers no such thing) or ``note`` (worth knowing, no fault).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from medaudit.checks import CHECKS
from medaudit.checks.bench import Bench, Check, Outcome
from medaudit.errors import UsageError
from medaudit.model import Model


@dataclass(frozen=True)
class CheckResult:
    """One line of the table that ``medaudit check`` prints."""

    name: str
    status: str
    detail: str


def check_model(model: Model, seed: int = 0) -> list[CheckResult]:
    """Run every check on any model object, then repeat the model's own notes; none stops the others."""
    results = run_checks(model, seed=seed)
    return results + [CheckResult("model", "note", note) for note in model.info.notes]


def run_checks(model: Model, names: Sequence[str] | None = None, *, seed: int = 0) -> list[CheckResult]:
    """Run single checks by the names of their rows (the keys of ``medaudit.checks.CHECKS``), or all.

    Raises :class:`UsageError` for a name that does not exist.
    """
    for name in names or ():
        if name not in CHECKS:
            raise UsageError.unknown("check", name, CHECKS)
    bench = Bench(model, seed)
    return [
        CheckResult(name, *_outcome(CHECKS[name], bench)) for name in (CHECKS if names is None else names)
    ]


def _outcome(check: Check, bench: Bench) -> Outcome:
    try:
        return check(bench)
    except Exception as error:  # a broken model raises anything; the table has to say so
        return "fails", f"{type(error).__name__}: {str(error)[:300]}"
