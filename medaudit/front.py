"""What the commands do, apart from parsing their options and printing."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from medaudit.alarms import Alarm
from medaudit.audit import Audit, load_audit
from medaudit.errors import UsageError
from medaudit.finding import Finding, Verdict
from medaudit.registry import available
from medaudit.terminal import printable


@dataclass(frozen=True)
class Job:
    """A scan as the user typed it; None means not given."""

    model: str | None
    data: str | None
    plan: Path | None
    out: Path | None
    fresh: bool
    given: Mapping[str, Any] = field(default_factory=dict)


def batch_size(text: str | None) -> int | Literal["auto"] | None:
    """Read ``--batch-size``."""
    if text is None or text == "auto":
        return text  # type: ignore[return-value]  # the literal, or nothing
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"--batch-size {text!r}: give auto or a number from 1.")
    return int(text)


def run(job: Job, *, quiet: bool) -> tuple[Audit, Path, bool]:
    """Scan, and say where the audit lies and whether it is strict."""
    from medaudit.progress import Quiet, RichProgress
    from medaudit.resolve import merge
    from medaudit.scanning import scan

    given = dict(job.given)
    plan = merge(job.plan, shifts=given.pop("shifts"), **given)
    model = job.model or plan.audit.model
    if model is None:
        raise UsageError("No model was named. Type: medaudit scan MODEL (for a first try: phantom:clean).")
    folder = job.out or Path(plan.audit.out or f"{_slug(model)}-audit")
    # Standard output is for our result alone: a user's model may print.
    with contextlib.redirect_stdout(sys.stderr):
        audit = scan(
            model,
            job.data or plan.audit.data,
            plan=plan,
            out=folder,
            fresh=job.fresh,
            progress=Quiet() if quiet else RichProgress(),
            command=shlex.join(["medaudit", *sys.argv[1:]]),
        )
    return audit, folder, plan.audit.strict


@dataclass(frozen=True)
class Told:
    """What ``medaudit pairs`` prints; ``incomplete`` where the model left something unanswered."""

    summary: Mapping[str, Any]
    lines: Sequence[str]
    incomplete: bool


def pairs(
    model: str | None,
    data: str | None,
    plan_file: Path | None,
    *,
    mine: str | None,
    out: Path,
    pictures: Path | None,
    audit: Path | None,
    given: Mapping[str, Any],
    quiet: bool,
) -> Told:
    """Mine, write the table, and say what to do with it."""
    from medaudit.progress import Quiet, RichProgress
    from medaudit.resolve import merge
    from medaudit.reviewing import Wanted, write_pairs

    plan = merge(plan_file, **given)
    name = model or plan.audit.model
    if name is None:
        raise UsageError("No model was named. Type: medaudit pairs MODEL --data DATA --mine question.")
    folder = audit or Path(plan.audit.out or f"{_slug(name)}-audit")
    wanted = Wanted(name, data, plan_file, out, folder, mine, pictures, given)
    with contextlib.redirect_stdout(sys.stderr):
        written = write_pairs(wanted, Quiet() if quiet else RichProgress())
    n, facts = len(written.mined.pairs), written.mined.facts
    lines = [f"{n} pairs of {facts.images} pictures, alike by {written.by}"]
    if n:
        shown = [f"pictures   {pictures / 'index.html'} (they may show patients)"] if pictures else []
        lines += [f"table      {out}", *shown]
        lines.append("fill in    decision: approve, edit, reject or undecidable; reviewer, note")
        lines.append(f'then scan  with mine = "{written.by}", review = "{out}" under [probe.confusion]')
    else:
        lines.append(f"no table   {facts.reason}")
    lines += [f"problem    no answer: {why}" for why in dict.fromkeys(written.failed)]
    summary = {
        "pairs": n,
        "by": written.by,
        "table": str(out) if n else None,
        "pictures": str(pictures) if n and pictures else None,
        "attributes": {row.attribute: row.mined for row in facts.attributes if row.mined},
        "reason": facts.reason,
        "unanswered": len(written.failed),
    }
    return Told(summary, lines, bool(written.failed))


def _slug(model: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", model.rstrip("/").removeprefix("phantom:")).strip("-.")[-60:]


def audit_folder(path: Path) -> Path:
    """The folder of an audit, also where its audit.json is named."""
    return path.parent if path.is_file() else path


def regate(folder: Path, plan_file: Path, strict: bool | None) -> tuple[Audit, bool]:
    """Lay a plan's gates on a finished audit and save it."""
    from medaudit.document import regated
    from medaudit.gates import check_plan
    from medaudit.plan import read_plan

    plan = read_plan(plan_file)
    legal = available("probe")
    check_plan(plan, legal, legal)
    is_strict = plan.audit.strict if strict is None else strict
    gated = Audit(regated(load_audit(folder), plan.gate, is_strict, plan.audit.fail_on_alarm))
    gated.save(folder)
    return gated, is_strict


def listing(kind: str) -> list[dict[str, Any]]:
    """Names and one line each."""
    if kind == "phantoms":
        from medaudit.phantoms import card, data_names, names

        models = [{"name": f"phantom:{name}", "about": f"model: {card(name)['flaw']}"} for name in names()]
        return models + [{"name": f"phantom:{name}", "about": "generated images"} for name in data_names()]
    if kind == "architectures":
        from medaudit.architectures.listing import listing as architectures

        return architectures()
    kinds = {"probes": "probe", "shifts": "shift", "readers": "reader"}
    if kind not in kinds:
        raise UsageError.unknown("kind of thing to list", kind, [*kinds, "architectures", "phantoms"])
    items = available(kinds[kind]).items()
    return [{"name": name, "about": _about(item), **_more(item)} for name, item in items]


def _more(item: Any) -> dict[str, Any]:
    """Whether an audit that names none uses it; of a shift also what it is for."""
    if hasattr(item, "question"):
        return {"default": item.default}
    if not hasattr(item, "preserves_label"):
        return {}
    return {
        "family": item.family,
        "changes": item.stage,
        "modalities": list(item.modalities),
        "default": item.default and item.preserves_label,
    }


def _about(item: Any) -> str:
    if hasattr(item, "question"):
        return str(item.question)
    if hasattr(item, "describes"):
        return str(item.describes)
    return (item.apply.__doc__ or "").strip().split("\n", 1)[0]


def check(models: Sequence[str], **given: Any) -> list[dict[str, str]]:
    """Rows of the loader self-check of one model."""
    from medaudit.checking import check_model
    from medaudit.model import LoadOptions
    from medaudit.models import load_model

    named = list(models) or [name for name in (os.environ.get("MEDAUDIT_MODEL"),) if name]
    if not named:
        raise UsageError("No model was named. Type: medaudit check MODEL.")
    if len(named) > 1:
        raise UsageError(f"{len(named)} models were named. Check one at a time: medaudit check {named[0]}.")
    options = LoadOptions(**{name: value for name, value in given.items() if value is not None})
    with contextlib.redirect_stdout(sys.stderr):
        return [asdict(result) for result in check_model(load_model(named[0], options))]


def check_architectures(types: Sequence[str], as_json: bool) -> int:
    """Print each model type as it is measured, then the counts; 1 if anything fails."""
    from medaudit.architectures.sweep import check_architectures as sweep
    from medaudit.architectures.table import document, fails, summary, told

    out = sys.stdout

    def tell(row: Mapping[str, Any]) -> None:
        if not as_json:
            print(printable(told(row)), file=out, flush=True)

    with contextlib.redirect_stdout(sys.stderr):
        rows = sweep(list(types), tell=tell)
    print(json.dumps(document(rows), indent=1, ensure_ascii=False) if as_json else summary(rows))
    return int(any(map(fails, rows)))


def doctor() -> list[dict[str, str]]:
    """Rows on versions, devices and extras."""
    from medaudit.diagnosis import diagnose

    return diagnose()


def summary(audit: Audit, folder: Path, code: int) -> dict[str, Any]:
    """What ``--json`` prints."""
    counts = {verdict.value: 0 for verdict in Verdict}
    for finding in audit.findings:
        counts[finding.verdict.value] += 1
    return {
        "status": audit.status,
        "exit_code": code,
        "folder": str(folder),
        "verdicts": counts,
        "failed": [finding.id for finding in audit.failed],
        "alarms": [alarm.to_dict() for alarm in audit.alarms],
        "problems": audit.document["run"].get("problems", []),
    }


def lines(audit: Audit, folder: Path) -> list[str]:
    """What a scan prints at its end: head, confirmed flaws, alarms, gates, problems, where the files are."""
    document = audit.document
    data = document["data"]
    head = f"{document['model']['id']} on {data['cases']} cases of {data['groups']} groups: {audit.status}"
    shown = _shown(audit)
    text = [head, *map(_line, _confirmed(audit)), *_alarms(audit), *map(_line, shown)]
    text += [f"problem    {problem}" for problem in document["run"].get("problems", [])]
    ended = [row for row in document["coverage"] if row["status"] in {"error", "not_applicable"}]
    text += [f"{row['status']:<10} {row['probe']}: {row['reason']}" for row in ended]
    told = {finding.probe for finding in [*shown, *_confirmed(audit)]}
    text += _silent(audit, {row["probe"] for row in ended} | told)
    if audit.status == "interrupted":
        text.append("The same command again goes on where this one stopped.")
    return [printable(line) for line in (*text, f"report     {folder / 'report.html'}")]


def _silent(audit: Audit, told: set[str]) -> list[str]:
    """A line per probe that ran and measured nothing, with its first reason, unless it is told already."""
    found: dict[str, list[Finding]] = {}
    for finding in audit.findings:
        found.setdefault(finding.probe, []).append(finding)
    return [
        f"{several[0].verdict:<10} {name}: {several[0].reason}"
        for name, several in found.items()
        if name not in told and all(finding.estimate is None for finding in several)
    ]


def _confirmed(audit: Audit) -> list[Finding]:
    """What probes failed by themselves: no gate speaks of it, and the exit code is 1 all the same."""
    return [finding for finding in audit.failed if finding.threshold is None]


def _alarms(audit: Audit) -> list[str]:
    """A line per raised alarm, or one that says how many tests raised none; nothing for older documents."""
    rows = audit.document.get("alarms")
    if rows is None:
        return []
    tests = sum(row["p_value"] is not None for row in rows)
    over = f"{tests} test" + ("" if tests == 1 else "s")
    if not tests and _confirmed(audit):
        return ["no alarm: no rule could be tested; what a probe found and confirmed by itself stands above"]
    if not tests:
        return ["no alarm: nothing could be tested"]
    if not audit.alarms:
        level = 100 * audit.alarm_level
        return [f"no alarm: {over}, none shown beyond its margin (family-wise level {level:.3g} %)"]
    return [_alarm(alarm, over) for alarm in audit.alarms]


def _alarm(alarm: Alarm, over: str) -> str:
    qualifiers = "".join(f" {key}={value}" for key, value in alarm.slice.items())
    p = alarm.p_adjusted or 0.0
    shown = "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
    name = f"{alarm.probe}/{alarm.rule}{qualifiers}"
    return f"{'ALARM':<12} {name}: {alarm.says} ({shown} after correction over {over})"


#: Shown on the terminal when there is no gate: the numbers that everything else hangs on.
HEADLINE = {"accuracy", "visual_gain", "prior_index", "self_flip", "subgroup_gap"}
HEADLINE |= {"confusion", "confusion_excess", "unseen_ratio", "shortcut", "mitigation_gain"}
#: Findings shown of a probe that has none of these.
FIRST = 4


def _shown(audit: Audit) -> list[Finding]:
    if audit.gated:
        return audit.gated
    whole = {"image", "predictor", "attribute", "replicate", "mode", "question", "options"}
    whole |= {"against", "given"}
    confirmed = {finding.id for finding in _confirmed(audit)}
    shown = [
        finding
        for finding in audit.findings
        if finding.metric in HEADLINE and not (set(finding.slice) - whole) and "value" not in finding.slice
        if finding.id not in confirmed
    ]
    named = {finding.probe for finding in [*shown, *_confirmed(audit)]}
    measured = [f for f in audit.findings if f.interval is not None and f.probe not in named]
    for probe in dict.fromkeys(finding.probe for finding in measured):
        shown += [finding for finding in measured if finding.probe == probe][:FIRST]
    return shown


def _line(finding: Finding) -> str:
    verdict = "CONFIRMED" if finding.verdict is Verdict.FAIL and not finding.threshold else finding.verdict
    name = f"{finding.probe}/{finding.metric}"
    qualifiers = " ".join(f"{key}={value}" for key, value in finding.slice.items())
    if finding.estimate is None:
        return f"{verdict:<12} {name} {qualifiers}: {finding.reason}"
    interval = "no interval"
    if finding.interval:
        interval = f"[{finding.interval[0]:.3f}, {finding.interval[1]:.3f}]"
    bound = f", must be {finding.threshold.op} {finding.threshold.value}" if finding.threshold else ""
    note = f" ({finding.reason})" if finding.reason else ""
    numbers = f"{finding.estimate:.3f} {interval}, n = {finding.n}{bound}"
    return f"{verdict:<12} {name} {qualifiers}: {numbers}{note}"
