"""The command line. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medaudit import cli_pairs, cli_phantoms
from medaudit.errors import MedauditError
from medaudit.terminal import printable

if TYPE_CHECKING:
    from medaudit.audit import Audit

app = typer.Typer(
    name="medaudit",
    help="Calibrated audits of medical vision-language models: robustness, safety, privacy.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # help texts hold square brackets
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


app.add_typer(cli_phantoms.phantoms, name="phantoms")


def _option(*names: str, env: str, help: str) -> Any:
    return typer.Option(*names, envvar=f"MEDAUDIT_{env}", help=help, show_default=False)


ModelArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="MODEL",
        envvar="MEDAUDIT_MODEL",
        show_default=False,
        help="Hugging Face id or local folder; phantom:NAME; endpoint:http://host:port/v1#name; "
        "python:FILE:FACTORY.",
    ),
]
Device = Annotated[str | None, _option("--device", env="DEVICE", help="auto, cpu, cuda or cuda:N.")]
Dtype = Annotated[str | None, _option("--dtype", env="DTYPE", help="auto, float32, bfloat16 or float16.")]
DeviceMap = Annotated[
    str | None,
    _option("--device-map", env="DEVICE_MAP", help="Spread over devices: auto, balanced or sequential."),
]
Revision = Annotated[str | None, _option("--revision", env="REVISION", help="Revision of a remote model.")]
Adapter = Annotated[str | None, _option("--adapter", env="ADAPTER", help="Folder of a LoRA adapter.")]
Merge = Annotated[
    str | None, _option("--merge", env="MERGE", help="Folder whose weights are mixed into those of MODEL.")
]
MergeWeight = Annotated[
    float | None,
    _option("--merge-weight", env="MERGE_WEIGHT", help="Share of --merge, 0 to 1: (1-W) MODEL + W FOLDER."),
]
Quantize = Annotated[str | None, _option("--quantize", env="QUANTIZE", help="none, 8bit or 4bit.")]
TrustRemoteCode = Annotated[
    bool | None,
    typer.Option(
        "--trust-remote-code", envvar="MEDAUDIT_TRUST_REMOTE_CODE", help="Run code shipped with the model."
    ),
]
AllowPickle = Annotated[
    bool | None,
    typer.Option("--allow-pickle", envvar="MEDAUDIT_ALLOW_PICKLE", help="Load pickled weights."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Strict = Annotated[
    bool | None,
    typer.Option("--strict", envvar="MEDAUDIT_STRICT", help="An undecided gate counts as failed."),
]


@app.command()
def scan(
    model: ModelArgument = None,
    data: Annotated[
        str | None,
        _option("--data", env="DATA", help="Folder or file, READER:PATH, or phantom:NAME."),
    ] = None,
    plan: Annotated[
        Path | None, _option("--plan", env="PLAN", help="Plan file (TOML) with settings and gates.")
    ] = None,
    probe: Annotated[
        list[str] | None, _option("--probe", env="PROBE", help="Run this probe; repeatable. Default: all.")
    ] = None,
    shift: Annotated[
        list[str] | None, _option("--shift", env="SHIFT", help="Use this shift; repeatable. Default: all.")
    ] = None,
    limit: Annotated[int | None, _option("--limit", env="LIMIT", help="Use at most N cases.")] = None,
    seed: Annotated[int | None, _option("--seed", env="SEED", help="Seed of everything drawn.")] = None,
    device: Device = None,
    dtype: Dtype = None,
    device_map: DeviceMap = None,
    batch_size: Annotated[
        str | None, _option("--batch-size", env="BATCH_SIZE", help="auto or a number.")
    ] = None,
    revision: Revision = None,
    adapter: Adapter = None,
    merge: Merge = None,
    merge_weight: MergeWeight = None,
    quantize: Quantize = None,
    trust_remote_code: TrustRemoteCode = None,
    allow_pickle: AllowPickle = None,
    question: Annotated[
        str | None,
        _option("--question", env="QUESTION", help="Question of the reader `labels`: '... {label}?'."),
    ] = None,
    label: Annotated[
        list[str] | None, _option("--label", env="LABEL", help="Label column of the reader `labels`.")
    ] = None,
    answer: Annotated[
        str | None,
        _option("--answer", env="ANSWER", help="How closed questions are put: auto, generate or choose."),
    ] = None,
    skip_bad: Annotated[
        bool | None,
        typer.Option("--skip-bad", envvar="MEDAUDIT_SKIP_BAD", help="Leave bad cases out, and list them."),
    ] = None,
    public_data: Annotated[
        bool | None,
        typer.Option(
            "--public-data", envvar="MEDAUDIT_PUBLIC_DATA", help="Pictures and text may appear in the report."
        ),
    ] = None,
    out: Annotated[
        Path | None, _option("--out", env="OUT", help="Audit folder. Default: NAME-audit.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start over instead of going on.")] = False,
    strict: Strict = None,
    as_json: AsJson = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")] = False,
) -> None:
    """Audit a model and write report.html, audit.json, junit.xml and findings.sarif.

    The same command again goes on where it stopped. Exit codes: 0 no gate failed, 1 a gate failed
    or a probe confirmed a flaw, 2 usage or bad input, 3 incomplete, 130 interrupted.
    """
    from medaudit import front

    given = {
        "device": device,
        "dtype": dtype,
        "device_map": device_map,
        "batch_size": front.batch_size(batch_size),
        "revision": revision,
        "adapter": adapter,
        "merge": merge,
        "merge_weight": merge_weight,
        "quantize": quantize,
        "trust_remote_code": trust_remote_code,
        "allow_pickle": allow_pickle,
        "question": question,
        "label": tuple(label) if label else None,
        "answer": answer,
        "skip_bad": skip_bad,
        "public_data": public_data,
        "strict": strict,
        "limit": limit,
        "seed": seed,
        "probes": tuple(probe) if probe else None,
        "shifts": tuple(shift) if shift else None,
    }
    job = front.Job(model=model, data=data, plan=plan, out=out, fresh=fresh, given=given)
    audit, folder, is_strict = front.run(job, quiet=quiet or as_json)
    _close(audit, folder, is_strict, as_json=as_json, quiet=quiet)


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder that `medaudit scan` wrote.")],
) -> None:
    """Draw report.html, junit.xml and findings.sarif again from audit.json, without a model."""
    from medaudit import front
    from medaudit.audit import load_audit

    folder = front.audit_folder(folder)
    load_audit(folder).save(folder)
    typer.echo(f"report: {folder / 'report.html'}")


@app.command()
def gate(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder that `medaudit scan` wrote.")],
    plan: Annotated[
        Path, typer.Option("--plan", envvar="MEDAUDIT_PLAN", help="Plan file with [[gate]] tables.")
    ],
    strict: Strict = None,
    as_json: AsJson = False,
) -> None:
    """Apply the thresholds of a plan again, without a model, and draw the outputs anew."""
    from medaudit import front

    folder = front.audit_folder(folder)
    audit, is_strict = front.regate(folder, plan, strict)
    _close(audit, folder, is_strict, as_json=as_json, quiet=False)


@app.command("list")
def list_(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="probes, shifts, phantoms, readers, architectures.")
    ],
    as_json: AsJson = False,
) -> None:
    """List what is there: probes, shifts, phantoms, readers, or the model types that have a route."""
    from medaudit import front

    rows = front.listing(kind)
    if as_json:
        typer.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        marks = [*row.get("modalities", ()), *(["by default"] if row.get("default") else [])]
        typer.echo(f"{row['name']:<{width}}  {row['about']}" + (f" [{', '.join(marks)}]" if marks else ""))


@app.command()
def check(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODEL",
            show_default=False,
            help="As for `scan`, or MEDAUDIT_MODEL; with --architectures: model types, all by default.",
        ),
    ] = None,
    architectures: Annotated[
        bool,
        typer.Option("--architectures", help="Build a tiny checkpoint of each model type, and check it."),
    ] = False,
    device: Device = None,
    dtype: Dtype = None,
    device_map: DeviceMap = None,
    revision: Revision = None,
    adapter: Adapter = None,
    merge: Merge = None,
    merge_weight: MergeWeight = None,
    quantize: Quantize = None,
    trust_remote_code: TrustRemoteCode = None,
    allow_pickle: AllowPickle = None,
    as_json: AsJson = False,
) -> None:
    """Check that a model is loaded rightly: weights, is the image used, batching, padding, tokens, speed."""
    from medaudit import front

    if architectures:
        raise typer.Exit(front.check_architectures(models or [], as_json))
    rows = front.check(
        models or [],
        device=device,
        dtype=dtype,
        device_map=device_map,
        revision=revision,
        adapter=adapter,
        merge=merge,
        merge_weight=merge_weight,
        quantize=quantize,
        trust_remote_code=trust_remote_code,
        allow_pickle=allow_pickle,
    )
    _rows(rows, as_json)
    if any(row["status"] == "fails" for row in rows):
        raise typer.Exit(1)


app.command()(cli_phantoms.calibrate)
app.command()(cli_pairs.pairs)
app.command()(cli_pairs.agreement)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Show the environment: versions, devices, extras that are missing."""
    from medaudit import front

    _rows(front.doctor(), as_json)


@app.command()
def schema(
    document: Annotated[str, typer.Argument(metavar="DOCUMENT", help="audit")] = "audit",
) -> None:
    """Print the JSON Schema of a document."""
    from medaudit.errors import UsageError
    from medaudit.schema import audit_schema

    if document != "audit":
        raise UsageError.unknown("document", document, ["audit"])
    typer.echo(json.dumps(audit_schema(), indent=1))


def _rows(rows: list[dict[str, str]], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    width = max(len(row["name"]) for row in rows)
    for row in rows:
        typer.echo(f"{row['status']:<15} {row['name']:<{width}}  {row['detail']}")


def _close(audit: Audit, folder: Path, strict: bool, *, as_json: bool, quiet: bool) -> None:
    from medaudit import front

    code = audit.exit_code(strict)
    if as_json:
        typer.echo(json.dumps(front.summary(audit, folder, code), ensure_ascii=False))
    elif not quiet:
        for line in front.lines(audit, folder):
            typer.echo(line)
    raise typer.Exit(code)


def _version(value: bool) -> None:
    if value:
        from medaudit import __version__

        typer.echo(f"medaudit {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Calibrated audits of medical vision-language models: robustness, safety, privacy."""


def main() -> None:
    """Run the command line: a user's mistake is one message and an exit code, never a traceback."""
    try:
        app()
    except MedauditError as error:
        sys.stderr.write(f"medaudit: {printable(str(error))}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("medaudit: interrupted. The same command again goes on where it stopped.\n")
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(0)
