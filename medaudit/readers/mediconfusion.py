"""MediConfusion (Sepehri et al. 2024, arXiv:2409.15477): pairs of images that look alike, one question each.

Published are a JSON object of pairs and a CSV twin. The images have to be fetched by the user; without them
the questions are cases without an image, which text-only controls can be asked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from medaudit.case import Case, CaseSet
from medaudit.errors import DataError
from medaudit.readers.drafts import Drafts
from medaudit.readers.json_rows import kind, parse_json
from medaudit.readers.json_tables import head_of
from medaudit.readers.manifest import Manifest, manifest_of
from medaudit.readers.mediconfusion_rows import NAMES, PairRow, groups_of, pair_row
from medaudit.readers.options import ReadOptions
from medaudit.readers.paths import ImagePool
from medaudit.readers.tables import read_header, read_table
from medaudit.registry import reader

if TYPE_CHECKING:
    from medaudit.image import Image

IMAGE_FOLDERS = ("images", "", "ROCO", "roco")
_NEEDED = ("question", "option_A", "option_B")


def recognises(path: Path) -> bool:
    """A JSON or CSV file of pairs, or a folder with one."""
    return bool(_tables(path))


@reader("mediconfusion", recognises=recognises)
def read_mediconfusion(path: Path, options: ReadOptions) -> CaseSet:
    """Pairs of MediConfusion, dataset.json or dataset.csv, with the folder images beside it or without.

    Each pair is two cases with one question, the same options and different answers, grouped by the
    connected component of the graph of images. A limit keeps whole pairs.
    """
    tables = _tables(path)
    if not tables:
        raise DataError(f"{path.name}: no table of MediConfusion pairs was found.")
    table, root = tables[0], (path if path.is_dir() else path.parent).resolve()
    drafts, rows = Drafts(options), []
    for where, columns in _columns(table):
        try:
            rows.append(pair_row(where, columns))
        except DataError as error:
            drafts.refuse(where, str(error))
    pool = ImagePool(root)
    illustrated = any(_located(root, row, side) for row in rows for side in (0, 1))
    for row, group in _whole_pairs(list(zip(rows, groups_of(rows), strict=True)), options):
        try:
            cases = [_case(row, side, group, pool if illustrated else None) for side in (0, 1)]
        except DataError as error:
            drafts.refuse(row.where, str(error))
        else:
            for case in cases:
                drafts.add(row.where, case)
    manifest = _manifest(root, options)
    return drafts.case_set(manifest.name, "mediconfusion", manifest.public)


def _tables(path: Path) -> list[Path]:
    """Tables that look right, the JSON first: its CSV twin says the same."""
    found = [path] if path.is_file() else [*sorted(path.glob("*.json")), *sorted(path.glob("*.csv"))]
    return [table for table in found if table.is_file() and _looks_right(table)]


def _looks_right(table: Path) -> bool:
    if table.suffix == ".csv":
        header = set(read_header(table))
        return any({*_NEEDED, f"{one}_correct", f"{other}_correct"} <= header for one, other in NAMES)
    if table.suffix != ".json":
        return False
    head = head_of(table)
    answered = any(f'"{one}_correct"'.encode() in head for one, _ in NAMES)
    return answered and all(f'"{key}"'.encode() in head for key in _NEEDED)


def _columns(table: Path) -> Iterator[tuple[str, Any]]:
    """Rows with their place; the keys of an object are the ids of its pairs."""
    if table.suffix == ".csv":
        for row in read_table(table).rows:
            yield f"{table.name}:{row.line}", row.fault or row.cells
        return
    try:
        found = parse_json(table.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(f"{table.name}: not UTF-8 text.") from error
    except DataError as error:
        raise DataError(f"{table.name}: {error}") from error
    if isinstance(found, dict):
        for name, row in found.items():
            yield f"{table.name}:{name}", {"id": name, **row} if isinstance(row, dict) else row
    elif isinstance(found, list):
        yield from ((f"{table.name}:row {number}", row) for number, row in enumerate(found, start=1))
    else:
        raise DataError(f"{table.name}: an object or a list of pairs was expected, found {kind(found)}.")


def _whole_pairs(rows: list[tuple[PairRow, str]], options: ReadOptions) -> list[tuple[PairRow, str]]:
    """As many pairs as a limit on cases leaves room for, drawn by a hash of (seed, id)."""
    if options.limit is None or 2 * len(rows) <= options.limit:
        return rows

    def rank(item: tuple[PairRow, str]) -> bytes:
        return hashlib.blake2b(f"{options.seed}|{item[0].id}".encode(), digest_size=8).digest()

    kept = {row.id for row, _ in sorted(rows, key=rank)[: max(1, options.limit // 2)]}
    return [item for item in rows if item[0].id in kept]


def _case(row: PairRow, side: int, group: str, pool: ImagePool | None) -> Case:
    return Case(
        id=f"{row.id}-{side + 1}",
        images=() if pool is None else (_image(row, side, pool),),
        question=row.question,
        answer=row.answers[side],
        options=row.options,
        group=group,
        meta=row.meta[side],
        pair=row.id,
    )


def _image(row: PairRow, side: int, pool: ImagePool) -> Image:
    relative = _located(pool.root, row, side)
    if relative is None:
        raise DataError(
            f"image {side + 1} of the pair was not found; other images were. Put it into the folder images, "
            "as <local number>.jpg or under its path in ROCO."
        )
    return pool.find(relative)


def _located(root: Path, row: PairRow, side: int) -> str | None:
    """The image's path below the root: by its local number, else by its path in ROCO."""
    local, path = row.local[side], PurePosixPath(row.pictures[side])
    names = [f"{local}.jpg"] if local else []
    if not path.is_absolute() and ".." not in path.parts:
        names.append(str(path))
    folders = (f"{folder}/" if folder else "" for folder in IMAGE_FOLDERS)
    places = (f"{folder}{name}" for folder in folders for name in names)
    return next((place for place in places if (root / place).is_file()), None)


def _manifest(root: Path, options: ReadOptions) -> Manifest:
    """What the folder says about itself, unless the published table bears the name of that file."""
    own = root / "dataset.json"
    if own.is_file() and _looks_right(own):
        return Manifest(root.name or "data", bool(options.public))
    return manifest_of(root, options)
