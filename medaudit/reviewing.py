"""``medaudit pairs``: mine as the plan's probe ``confusion`` will, and write the table that people judge."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medaudit.document import Run, digest
from medaudit.engine import Engine
from medaudit.errors import DataError, UsageError
from medaudit.folder import open_folder
from medaudit.gates import check_plan
from medaudit.mining.pictures import check_folder, write_pictures
from medaudit.mining.result import Mined
from medaudit.mining.review import write_review
from medaudit.mining.reviewed import read_lines
from medaudit.mining.seeking import LIKENESSES, Search, seek
from medaudit.plan import Plan
from medaudit.progress import Quiet
from medaudit.registry import available
from medaudit.resolve import load, merge
from medaudit.scanning import context_of

PROBE = "confusion"


@dataclass(frozen=True)
class Wanted:
    """What was typed: model, data and plan as for a scan; where the table goes, and pictures if wanted.

    ``audit`` is the folder of the scan to come: answers that mining needs are kept there.
    """

    model: str
    data: str | None
    plan: Path | None
    out: Path
    audit: Path
    mine: str | None = None
    pictures: Path | None = None
    given: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Written:
    """What mining gave, and what came in its way. Without pairs nothing was written."""

    mined: Mined
    by: str
    failed: tuple[str, ...]


def write_pairs(wanted: Wanted, progress: Quiet | None = None) -> Written:
    """Mine by the settings of ``[probe.confusion]`` and write the table, with the ids that a scan gives.

    Asks what mining asks and nothing else; a second call goes on where the first stopped. UsageError where no
    likeness is named, and where a file would be lost: a table with decisions in it, or another file.
    """
    plan = merge(wanted.plan, **wanted.given)
    legal = available("probe")
    check_plan(plan, legal, legal)
    search = _search(plan, {**legal[PROBE].parameters, **plan.probe.get(PROBE, {})}, wanted.mine)
    check_table(wanted.out)
    if wanted.pictures:
        check_folder(wanted.pictures)
    model, cases = load(wanted.model, wanted.data or plan.audit.data, plan)
    identity = digest(model.info.fingerprint, cases.digest(), str(plan.audit.seed))
    with open_folder(wanted.audit, identity, option="--audit") as store:
        size = None if plan.audit.batch_size == "auto" else int(plan.audit.batch_size)
        engine = Engine(model, store, batch_size=size, listener=progress or Quiet())
        run = Run(plan, cases, model.info, engine, {}, "", identity)
        mined = seek(context_of(run), search).mined
    if mined.pairs:
        _table(wanted.out, mined)
        if wanted.pictures:
            write_pictures(wanted.pictures, mined.pairs)
    return Written(mined, search.by, tuple(engine.failed.values()))


def _search(plan: Plan, parameters: Mapping[str, Any], mine: str | None) -> Search:
    by = mine or parameters["mine"]
    if not by:
        raise UsageError(
            'No likeness to mine by was named. Add --mine NAME, or mine = "NAME" under [probe.confusion] of '
            f"the plan; legal: {', '.join(LIKENESSES)}."
        )
    return Search.of({**parameters, "mine": by}, plan.audit.seed, plan.audit.confidence)


def check_table(path: Path) -> None:
    """UsageError where writing the table would lose something."""
    if path.is_dir() or path.is_symlink():
        raise UsageError(f"--out {path}: is a {'link' if path.is_symlink() else 'folder'}. Name a file.")
    if not path.exists():
        return
    try:
        lines = read_lines(path)
    except DataError as error:
        raise UsageError(f"--out {path}: is there, and no table of pairs. Name another.") from error
    if touched := sum(line.touched for line in lines.values()):
        raise UsageError(
            f"--out {path}: {touched} of {len(lines)} lines hold decisions or notes, which would be lost. "
            "Name another."
        )


def _table(path: Path, mined: Mined) -> None:
    """Written beside and then put in place: half a table is never there."""
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_review(part, mined.pairs)
        os.replace(part, path)
    except OSError as error:
        raise UsageError(f"--out {path}: cannot be written ({error.strerror}). Name another.") from error
