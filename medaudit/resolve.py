"""From what a user typed to what will run: plan, probes, model and cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from medaudit.case import CaseSet
from medaudit.errors import ModelError, UsageError
from medaudit.model import LoadOptions, Model
from medaudit.plan import Plan, parse_plan, read_plan
from medaudit.registry import Probe


def merge(
    plan: Plan | Mapping[str, Any] | str | Path | None, *, shifts: Sequence[str] | None = None, **given: Any
) -> Plan:
    """The plan with everything that was given by hand laid over it; None means not given."""
    if not isinstance(plan, Plan):
        plan = parse_plan(plan or {}) if plan is None or isinstance(plan, Mapping) else read_plan(plan)
    table = plan.model_dump(exclude_unset=True)
    table["audit"] = {**table.get("audit", {}), **{k: v for k, v in given.items() if v is not None}}
    if shifts:
        table.setdefault("probe", {}).setdefault("robustness", {})["shifts"] = tuple(shifts)
    return parse_plan(table, "options")


def select_probes(plan: Plan, legal: Mapping[str, Probe]) -> dict[str, Probe]:
    """The probes to run: those named, or else the default ones and those whose parameters the plan sets."""
    usual = tuple(name for name, probe in legal.items() if probe.default or name in plan.probe)
    names = plan.audit.probes if plan.audit.probes is not None else usual
    for name in names:
        if name not in legal:
            raise UsageError.unknown("probe", name, legal)
    return {name: legal[name] for name in legal if name in names}


def load(model: Any, data: Any, plan: Plan) -> tuple[Model, CaseSet]:
    """Load the data first: it is cheap, and a mistake there should not cost a model load."""
    from medaudit.models import load_model
    from medaudit.readers import ReadOptions, load_cases

    table = plan.audit
    if data is None:
        data = _own_data(model)
    reading = ReadOptions(
        skip_bad=table.skip_bad,
        limit=table.limit,
        seed=table.seed,
        question=table.question,
        label=table.label,
        table=table.table,
        group=table.group,
        frames=table.frames,
        public=table.public_data,
    )
    cases = load_cases(data, reading)
    loading = LoadOptions(
        device=table.device,
        dtype=table.dtype,
        device_map=table.device_map,
        revision=table.revision,
        adapter=table.adapter,
        merge=table.merge,
        merge_weight=table.merge_weight,
        quantize=table.quantize,
        trust_remote_code=table.trust_remote_code,
        allow_pickle=table.allow_pickle,
    )
    try:
        return load_model(model, loading), cases
    except SystemExit as error:
        raise ModelError(f"{model}: its code ended the program ({error}) while it was loaded.") from error


def _own_data(model: Any) -> str:
    if isinstance(model, str) and model.startswith("phantom:"):
        from medaudit.phantoms import matching_data

        return f"phantom:{matching_data(model.removeprefix('phantom:'))}"
    raise UsageError(
        "No data was named. Add --data FOLDER (cases.jsonl, a table of labels, DICOM ...) "
        "or --data phantom:chest for generated images."
    )
