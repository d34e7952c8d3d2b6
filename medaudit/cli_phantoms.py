"""The commands about phantoms: ``medaudit phantoms build`` and ``medaudit calibrate``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from medaudit.errors import UsageError

phantoms = typer.Typer(no_args_is_help=True, help="Model phantoms: small trained models with a planted flaw.")


@phantoms.callback()
def root() -> None:
    """Model phantoms: small trained models with a planted flaw."""


@phantoms.command()
def build(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME", show_default=False, help="Phantoms to build; default: every one."),
    ] = None,
    seed: Annotated[
        list[int] | None, typer.Option("--seed", show_default=False, help="Repeatable. Default: 0.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", show_default=False, help="Folder. Default: the user's cache.")
    ] = None,
    base: Annotated[
        Path | None,
        typer.Option("--base", show_default=False, help="Base to plant in. Default: the shipped clean."),
    ] = None,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda or cuda:N.")] = "cpu",
    steps: Annotated[
        int | None, typer.Option("--steps", min=1, show_default=False, help="Training steps.")
    ] = None,
    card_cases: Annotated[
        int | None,
        typer.Option("--card-cases", min=20, show_default=False, help="Fresh cases behind each truth card."),
    ] = None,
) -> None:
    """Train phantoms, measure them on fresh cases and write their truth cards.

    Adapters are trained side by side. Interrupted, the same command goes on.
    """
    from medaudit.models.placement import choose_device
    from medaudit.phantoms.building import build as build_phantoms
    from medaudit.phantoms.building import buildable

    build_phantoms(
        names or buildable(),
        seeds=seed or (0,),
        out=out,
        base=base,
        device=choose_device(device),
        steps=steps,
        card_cases=card_cases,
        tell=lambda line: typer.echo(line, err=True),
    )


def calibrate(
    probe: Annotated[
        list[str] | None,
        typer.Option("--probe", show_default=False, help="Calibrate this probe; repeatable. Default: all."),
    ] = None,
    phantom: Annotated[
        list[str] | None,
        typer.Option(
            "--phantom", show_default=False, help="A flawed phantom, or a folder with a truth card."
        ),
    ] = None,
    tier: Annotated[str, typer.Option("--tier", help="fast (minutes) or full (hours).")] = "fast",
    runs: Annotated[
        int | None,
        typer.Option("--runs", min=1, show_default=False, help="Clean audits. Default: the tier's."),
    ] = None,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Processes.")] = 1,
    out: Annotated[
        Path, typer.Option("--out", help="Folder for answers, trials and calibration.json.")
    ] = Path("calibration"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the record as JSON.")] = False,
) -> None:
    """Run probes on phantoms: false-alarm rate on clean ones, power on flawed ones.

    The record, OUT/calibration.json, is attached to scans with MEDAUDIT_CALIBRATION=FILE; without it they
    take the shipped one. The same command again goes on where it stopped.
    """
    from dataclasses import replace

    from medaudit.calibration import FAST, FULL
    from medaudit.calibration import calibrate as run
    from medaudit.calibration.table import terminal

    tiers = {"fast": FAST, "full": FULL}
    if tier not in tiers:
        raise UsageError.unknown("tier", tier, tiers)
    wanted = replace(tiers[tier], clean_runs=runs or tiers[tier].clean_runs)
    record = run(
        tier=wanted,
        probes=probe or (),
        phantoms=phantom or (),
        out=out,
        jobs=jobs,
        tell=lambda line: typer.echo(line, err=True),
    )
    record.save(out / "calibration.json")
    typer.echo(json.dumps(record.document, indent=1) if as_json else terminal(record))
