"""OVQA (Huang et al. 2022, SIGIR): questions about orthopaedic images, in its JSON layout."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from medaudit.case import Case, CaseSet
from medaudit.errors import DataError
from medaudit.readers.drafts import Drafts
from medaudit.readers.json_tables import (
    add,
    folded,
    located,
    numbered,
    rows_of,
    split_of,
    tables_in,
    text_of,
)
from medaudit.readers.manifest import manifest_of
from medaudit.readers.options import ReadOptions
from medaudit.readers.paths import ImagePool
from medaudit.readers.vqa_rad import looks_right, options_from, orthopaedic
from medaudit.registry import reader

IMAGE_FOLDERS = ("", "img", "images")
NO_CHOICE = "a closed question whose answer is neither yes nor no nor one of two words that it names"


def _looks_right(path: Path) -> bool:
    return looks_right(path) and orthopaedic(path)


def recognises(path: Path) -> bool:
    """A JSON file of OVQA rows, or a folder with one."""
    return bool(tables_in(path, _looks_right))


@reader("ovqa", recognises=recognises)
def read_ovqa(path: Path, options: ReadOptions) -> CaseSet:
    """A JSON list like that of VQA-RAD, about hands or legs, with the folder img beside it.

    As in SURE-VQA, closed questions are kept where they offer a choice: yes and no, or two words.
    """
    tables = tables_in(path, looks_right)
    if not tables:
        raise DataError(f"{path.name}: no JSON list of OVQA rows was found.")
    root = (path if path.is_dir() else path.parent).resolve()
    drafts, pool = Drafts(options), ImagePool(root)
    for table in tables:
        for where, row in numbered(table, rows_of(table)):
            add(drafts, where, row, partial(_case, table=table, pool=pool))
    manifest = manifest_of(root, options)
    return drafts.case_set(manifest.name, "ovqa", manifest.public)


def _case(row: dict[str, Any], table: Path, pool: ImagePool) -> Case | str:
    question, answer = text_of(row, "question"), text_of(row, "answer")
    closed = folded(row, "answer_type") == "closed"
    options = options_from(question, answer) if closed else ()
    if closed and not options:
        return NO_CHOICE
    found = (option for option in options if option.casefold() == answer.casefold())
    return Case(
        id=f"{table.stem}-{text_of(row, 'qid')}",
        images=(pool.find(located(pool.root, text_of(row, "image_name"), IMAGE_FOLDERS)),),
        question=question,
        answer=next(found, answer),
        options=options,
        meta={
            "organ": folded(row, "image_organ"),
            "question_type": folded(row, "question_type"),
            "answer_type": folded(row, "answer_type"),
        },
        split=split_of(table.stem),
    )
