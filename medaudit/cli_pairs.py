"""The commands about pairs that people judge: ``medaudit pairs`` and ``medaudit agreement``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from medaudit.errors import UsageError
from medaudit.terminal import printable


def _option(*names: str, env: str, help: str) -> Any:
    return typer.Option(*names, envvar=f"MEDAUDIT_{env}", help=help, show_default=False)


def pairs(
    model: Annotated[
        str | None,
        typer.Argument(metavar="MODEL", envvar="MEDAUDIT_MODEL", show_default=False, help="As for `scan`."),
    ] = None,
    data: Annotated[str | None, _option("--data", env="DATA", help="As for `scan`.")] = None,
    plan: Annotated[
        Path | None, _option("--plan", env="PLAN", help="Plan file; [probe.confusion] says how to mine.")
    ] = None,
    mine: Annotated[
        str | None,
        _option("--mine", env="MINE", help="Alike by: question, behaviour, own, tower, projector, answer."),
    ] = None,
    out: Annotated[Path, _option("--out", env="PAIRS_OUT", help="The table. Default: pairs.csv.")] = Path(
        "pairs.csv"
    ),
    pictures: Annotated[
        Path | None,
        _option("--pictures", env="PICTURES", help="Folder for the pictures and a page that shows them."),
    ] = None,
    audit: Annotated[
        Path | None,
        _option("--audit", env="OUT", help="Audit folder, as for `scan --out`: answers are kept there."),
    ] = None,
    limit: Annotated[int | None, _option("--limit", env="LIMIT", help="Use at most N cases.")] = None,
    seed: Annotated[int | None, _option("--seed", env="SEED", help="Seed of everything drawn.")] = None,
    device: Annotated[
        str | None, _option("--device", env="DEVICE", help="auto, cpu, cuda or cuda:N.")
    ] = None,
    dtype: Annotated[
        str | None, _option("--dtype", env="DTYPE", help="auto, float32, bfloat16 or float16.")
    ] = None,
    adapter: Annotated[
        str | None, _option("--adapter", env="ADAPTER", help="Folder of a LoRA adapter.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Write a table of confusing pairs for clinicians to approve, edit or reject.

    Pairs and ids are those that a scan with the same plan mines. What people approved or edited counts once
    the plan says review = "pairs.csv" under [probe.confusion]. Pictures are written only with --pictures:
    they may show patients. Other options of the model are keys of the plan's [audit] table.
    """
    from medaudit import front

    given = {
        "limit": limit,
        "seed": seed,
        "device": device,
        "dtype": dtype,
        "adapter": adapter,
    }
    told = front.pairs(
        model,
        data,
        plan,
        mine=mine,
        out=out,
        pictures=pictures,
        audit=audit,
        given=given,
        quiet=quiet or as_json,
    )
    if as_json:
        typer.echo(json.dumps(told.summary, ensure_ascii=False))
    elif not quiet:
        for line in told.lines:
            typer.echo(printable(line))
    if told.incomplete:
        raise typer.Exit(3)


def agreement(
    tables: Annotated[
        list[Path], typer.Argument(metavar="TABLE TABLE", help="Two tables that two readers filled in.")
    ],
    confidence: Annotated[float, typer.Option("--confidence", help="Of the intervals.")] = 0.95,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the bootstrap.")] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object on standard output.")
    ] = False,
) -> None:
    """How far do two readers of the same table of pairs agree? Percent agreement and Cohen's kappa.

    Approve and edit keep a pair, reject and undecidable drop it. Intervals cluster by pictures of one name.
    """
    from medaudit.mining.agreement import table_agreement

    if len(tables) != 2:
        raise UsageError(f"{len(tables)} table(s) were named. Type: medaudit agreement A.csv B.csv.")
    if not 0.5 < confidence < 1:
        raise UsageError(f"--confidence {confidence:g}: give a number between 0.5 and 1, such as 0.95.")
    found = table_agreement(tables[0], tables[1], confidence=confidence, seed=seed)
    if as_json:
        typer.echo(json.dumps(found.to_dict(), ensure_ascii=False))
        return
    for line in found.lines((tables[0].name, tables[1].name)):
        typer.echo(printable(line))
