"""An image folder with a table of labels: each label column becomes a closed question about each image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from medaudit.case import Case, CaseSet, MetaValue
from medaudit.errors import DataError, UsageError
from medaudit.readers.drafts import Drafts
from medaudit.readers.identity import group_column
from medaudit.readers.label_columns import Label, label_columns, meta_columns
from medaudit.readers.manifest import manifest_of
from medaudit.readers.options import ReadOptions
from medaudit.readers.paths import ImagePool
from medaudit.readers.tables import Table, missing, read_header, read_table
from medaudit.registry import reader

TABLE = "metadata.csv"
FILE_COLUMNS = ("file", "image", "filename", "file_name", "path")
_LISTED = 5


def _file_column(columns: Sequence[str]) -> str | None:
    by_name = {column.casefold(): column for column in columns}
    return next((by_name[name] for name in FILE_COLUMNS if name in by_name), None)


def recognises(path: Path) -> bool:
    """A folder with metadata.csv, or a CSV, whose header names a file column."""
    table = path / TABLE if path.is_dir() else path
    if table.suffix != ".csv" or table.name == "cases.csv" or not table.is_file():
        return False
    return _file_column(read_header(table)) is not None


@dataclass(frozen=True)
class _Source:
    name: str
    table: Table
    file: str
    split: str | None
    pool: ImagePool


@reader("labels", recognises=recognises)
def read_labels(path: Path, options: ReadOptions) -> CaseSet:
    """Images and a table metadata.csv with a column file (or image, filename, path) and label columns."""
    source = _source(path, options)
    labels = label_columns(source.table, options, skip=(source.file,))
    drafts = Drafts(options)
    located = _locate(source, drafts)
    metas = meta_columns(source.table, skip=(source.file, source.split or "", options.group or ""))
    groups = _groups(source, options)
    for index, file in located.items():
        row = source.table.rows[index]
        meta = {name: values[index] for name, values in metas.items()}
        for label in labels:
            if missing(row.cells[label.column]):
                continue
            draft = _case(source, file, label, index, meta, groups[index])
            drafts.add(f"{source.name}:{row.line}", draft)
    manifest = manifest_of(source.pool.root, options)
    return drafts.case_set(manifest.name, "labels", manifest.public)


def _case(
    source: _Source, file: str, label: Label, index: int, meta: dict[str, MetaValue], group: str
) -> Case:
    cells = source.table.rows[index].cells
    return Case(
        id=f"{cells[source.file]}:{label.column}",
        images=(source.pool.find(file),),
        question=label.question,
        answer=label.answers[cells[label.column]],
        options=label.options,
        group=group,
        # A split by the answer itself would compare right answers, not patients.
        meta={name: value for name, value in meta.items() if name != label.column},
        split=(cells[source.split] or None) if source.split else None,
    )


def _source(path: Path, options: ReadOptions) -> _Source:
    root = path if path.is_dir() else path.parent
    table_path = root / (options.table or TABLE) if path.is_dir() or options.table else path
    if not table_path.is_file():
        raise DataError(f"{path.name}: no table {table_path.name}; name the one to read.")
    table = read_table(table_path)
    file = _file_column(table.columns)
    if file is None:
        raise DataError(f"{table_path.name}:1: no file column; name one of them {', '.join(FILE_COLUMNS)}.")
    if options.group and options.group not in table.columns:
        raise UsageError.unknown("group column", options.group, table.columns)
    split = next((column for column in table.columns if column.casefold() == "split"), None)
    return _Source(table_path.name, table, file, split, ImagePool(root))


def _locate(source: _Source, drafts: Drafts) -> dict[int, str]:
    """Path of every row's image; all missing files are named in one message, not one a run."""
    located: dict[int, str] = {}
    absent: list[tuple[int, str]] = []
    for index, row in enumerate(source.table.rows):
        where = f"{source.name}:{row.line}"
        if row.fault:
            drafts.refuse(where, row.fault)
            continue
        name = row.cells[source.file]
        try:
            located[index] = _found(source.pool, name)
        except DataError as error:
            absent.append((row.line, str(error)))
    if absent and not drafts.options.skip_bad:
        shown = " ".join(f"{source.name}:{line}: {why}" for line, why in absent[:_LISTED])
        more = f" And {len(absent) - _LISTED} more." if len(absent) > _LISTED else ""
        raise DataError(
            f"{len(absent)} of {len(source.table.rows)} image files cannot be used. {shown}{more}"
        )
    for line, why in absent:
        drafts.leave_out(f"{source.name}:{line}", why)
    return located


def _found(pool: ImagePool, name: str) -> str:
    beside = f"images/{name}"
    climbs = ".." in Path(name).parts
    relative = beside if not climbs and not _is_file(pool, name) and _is_file(pool, beside) else name
    pool.find(relative)
    return relative


def _is_file(pool: ImagePool, relative: str) -> bool:
    try:
        return (pool.root / relative).is_file()
    except (OSError, ValueError):
        return False


def _groups(source: _Source, options: ReadOptions) -> list[str]:
    """Patients numbered by first appearance: a table's own ids may be record numbers."""
    column = options.group or group_column(source.table.columns)
    if column is None:
        return [""] * len(source.table.rows)
    numbers: dict[str, str] = {}
    cells = source.table.column(column)
    return ["" if missing(c) else numbers.setdefault(c, f"patient-{len(numbers) + 1}") for c in cells]
