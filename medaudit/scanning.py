"""``scan``: cases and a model go in, probes ask and judge, one document comes out."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from medaudit.audit import Audit
from medaudit.calibration.record import load_records
from medaudit.case import CaseSet
from medaudit.context import Context
from medaudit.document import Run, digest, document
from medaudit.engine import Engine
from medaudit.errors import DataError, MedauditError, NotApplicableError, UsageError
from medaudit.evidence import save_evidence
from medaudit.finding import Finding, Verdict
from medaudit.folder import Events, open_folder
from medaudit.gates import apply_gates, check_plan
from medaudit.model import Capability, Model
from medaudit.plan import Plan
from medaudit.progress import Quiet
from medaudit.registry import Probe, available
from medaudit.resolve import load, merge, select_probes
from medaudit.store import Store


def scan(
    model: str | Path | Model | Any,
    data: str | Path | CaseSet | None = None,
    *,
    plan: Plan | Mapping[str, Any] | str | Path | None = None,
    probes: Sequence[str] | None = None,
    shifts: Sequence[str] | None = None,
    out: str | Path | None = None,
    seed: int | None = None,
    fresh: bool = False,
    progress: Quiet | None = None,
    command: str = "",
    **settings: Any,
) -> Audit:
    """Audit a model on cases and return the :class:`Audit`.

    ``model`` and ``data`` are what the command line takes (``MODEL``, ``DATA``), or ready objects.
    ``settings`` are keys of the plan's ``[audit]`` table and win over the plan. With ``out`` the audit is
    written there and a second call goes on where the first stopped; without it nothing touches the disk.

    Raises :class:`MedauditError` for anything a user can mend. A probe that breaks does not raise: it is
    an ``error`` in the audit's coverage and the status is ``incomplete``.
    """
    merged = merge(plan, probes=probes, shifts=shifts, seed=seed, **settings)
    legal = available("probe")
    selected = select_probes(merged, legal)
    check_plan(merged, selected, legal)
    load_records(merged.audit.calibration)  # one that cannot be read is refused now, not after hours
    loaded, cases = load(model, data, merged)
    identity = digest(loaded.info.fingerprint, cases.digest(), str(merged.audit.seed))
    if out is None:
        with Store(":memory:") as store:
            return _scan(merged, cases, loaded, store, selected, None, progress, command, identity)
    folder = Path(out)
    with open_folder(folder, identity, fresh) as store:
        audit = _scan(merged, cases, loaded, store, selected, folder, progress, command, identity)
        audit.save(folder)
        return audit


def _scan(
    plan: Plan,
    cases: CaseSet,
    model: Model,
    store: Store,
    probes: Mapping[str, Probe],
    folder: Path | None,
    progress: Quiet | None,
    command: str,
    identity: str,
) -> Audit:
    progress = progress or Quiet()
    size = None if plan.audit.batch_size == "auto" else int(plan.audit.batch_size)
    engine = Engine(model, store, batch_size=size, listener=progress)
    run = Run(plan, cases, model.info, engine, probes, command, identity)
    events = Events(folder) if folder else None
    _note(events, "start", cases=len(cases), probes=list(probes), stored=len(store))
    context = context_of(run)
    try:
        for probe in probes.values():
            progress.probe(probe.name)
            _probe(run, probe, context, events, progress)
    except KeyboardInterrupt:
        run.status = "interrupted"
    _finish(run, store, model)
    if folder is not None:
        save_evidence(folder, run.cases, run.findings, context, store)
    _note(events, run.status, computed=engine.computed, errors=len(engine.failed), stored=len(store))
    return Audit(document(run))


def context_of(run: Run) -> Context:
    """What a probe of this run is given. UsageError for a way to answer that the model does not offer."""
    info, table = run.info, run.plan.audit
    mode = Capability.GENERATE if Capability.GENERATE in info.capabilities else Capability.CHOOSE
    if table.answer != "auto":
        mode = Capability(table.answer)
        if mode not in info.capabilities:
            offered = ", ".join(sorted(info.capabilities))
            raise UsageError(f"answer = {table.answer!r}: this model offers {offered}.")
    return Context(
        cases=run.cases.cases,
        model=info,
        ask=run.engine.ask,
        mode=mode,
        seed=table.seed,
        confidence=table.confidence,
        resamples=table.resamples,
        min_n=table.min_n,
        shifts=available("shift"),
        teach=run.engine.tuned if Capability.TUNE in info.capabilities else None,
    )


def _probe(run: Run, probe: Probe, context: Context, events: Events | None, progress: Quiet) -> None:
    reason = probe.missing(context.model.capabilities)
    if reason is not None:
        _cover(run, probe, "not_applicable", reason, Verdict.NOT_APPLICABLE)
        return
    began = time.time()
    try:
        found = list(probe.run(context, **_parameters(run.plan, probe)))
    except (DataError, UsageError):
        raise  # the store or an image is gone, or the plan is wrong: going on would mislead
    except NotApplicableError as reason:
        _cover(run, probe, "not_applicable", str(reason), Verdict.NOT_APPLICABLE)
    except (Exception, SystemExit) as error:  # one broken probe must not take the others' results with it
        # A foreign exception may quote a case: the document gets its type, the terminal its text.
        text = str(error) if isinstance(error, MedauditError) else type(error).__name__
        progress.note(f"{probe.name}: {type(error).__name__}: {error}")
        _cover(run, probe, "error", text, Verdict.ERROR)
    else:
        run.findings.extend(found)
        run.coverage.append({"probe": probe.name, "status": "run", "reason": ""})
    if run.engine.failed:
        progress.note(f"{probe.name}: no answer: {next(iter(run.engine.failed.values()))}")
    _note(events, "probe", name=probe.name, seconds=round(time.time() - began, 2))


def _parameters(plan: Plan, probe: Probe) -> dict[str, Any]:
    given = plan.probe.get(probe.name, {})
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}


def _cover(run: Run, probe: Probe, status: str, reason: str, verdict: Verdict) -> None:
    run.coverage.append({"probe": probe.name, "status": status, "reason": reason})
    run.findings.append(Finding(probe.name, probe.metrics[0], None, verdict=verdict, reason=reason))
    if status == "error":
        run.status = "incomplete"


def _finish(run: Run, store: Store, model: Model) -> None:
    """Lay the gates on the findings, adjust p-values, and say what did not run and what was noted."""
    # Kept in the store, too: a warm run asks nothing, so its model has nothing to note.
    noted = [*json.loads(store.fact("notes") or "[]"), *model.info.notes]
    run.notes = tuple(dict.fromkeys(noted))
    store.remember("notes", json.dumps(run.notes))
    covered = {row["probe"] for row in run.coverage}
    why = "interrupted before it ran" if run.status == "interrupted" else "not selected"
    for name, probe in available("probe").items():
        if name not in covered:
            named = why if probe.default else f"run where it is named: --probe {name}"
            run.coverage.append({"probe": name, "status": "not_run", "reason": named})
    run.findings, unmatched = apply_gates(run.findings, run.plan.gate)
    run.unmatched = [str(gate) for gate in unmatched]
    run.calibration = _calibration(run)
    if run.status == "complete" and (run.unmatched or run.engine.failed):
        run.status = "incomplete"


def _calibration(run: Run) -> list[dict[str, Any]]:
    """What is known of the probes that ran, at this number of cases."""
    records = load_records(run.plan.audit.calibration)
    ran = {row["probe"] for row in run.coverage if row["status"] == "run"}
    probes = {name: probe for name, probe in run.probes.items() if name in ran}
    return [
        row for record in records for row in record.rows(probes, len(run.cases), run.plan.audit.alarm_level)
    ]


def _note(events: Events | None, event: str, **facts: Any) -> None:
    if events is not None:
        events.write(event, **facts)
