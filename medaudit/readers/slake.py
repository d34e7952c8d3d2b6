"""SLAKE (Liu et al. 2021, arXiv:2102.09542): questions about CT, MRI and X-ray, in its public JSON layout."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import Any

from medaudit.case import Case, CaseSet
from medaudit.errors import DataError
from medaudit.readers.drafts import Drafts
from medaudit.readers.json_tables import (
    add,
    folded,
    head_of,
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
from medaudit.readers.vqa_rad import options_from
from medaudit.registry import reader

IMAGE_FOLDERS = ("", "imgs", "images")
LANGUAGE = "en"
#: More right answers than this are no choice that a question offers.
MOST_OPTIONS = 8
_KEYS = (b'"img_name"', b'"question"', b'"q_lang"', b'"answer_type"', b'"content_type"')


def _looks_right(path: Path) -> bool:
    head = head_of(path)
    return all(key in head for key in _KEYS)


def recognises(path: Path) -> bool:
    """A JSON file of SLAKE rows, or a folder with one."""
    return bool(tables_in(path, _looks_right))


@reader("slake", recognises=recognises)
def read_slake(path: Path, options: ReadOptions) -> CaseSet:
    """A JSON list with img_name, question, q_lang, answer_type and content_type, with imgs beside it.

    English rows are read; how many others there are is listed. A closed question offers yes and no, or the
    two words of its "A or B", or the right answers of all closed questions of the same wording.
    """
    tables = tables_in(path, _looks_right)
    if not tables:
        raise DataError(f"{path.name}: no JSON list of SLAKE rows was found.")
    root = (path if path.is_dir() else path.parent).resolve()
    drafts, pool = Drafts(options), ImagePool(root)
    read = {table: rows_of(table) for table in tables}
    offered = _offered([row for rows in read.values() for row in rows])
    for table, rows in read.items():
        spoken = [(where, row) for where, row in numbered(table, rows) if _spoken(row)]
        if len(spoken) < len(rows):
            drafts.leave_out(table.name, f"{len(rows) - len(spoken)} rows in other languages than English")
        for where, row in spoken:
            add(drafts, where, row, partial(_case, table=table, pool=pool, offered=offered))
    manifest = manifest_of(root, options)
    return drafts.case_set(manifest.name, "slake", manifest.public)


def _spoken(row: Any) -> bool:
    """Whether a row is read: those of another kind than an object are, to be refused with their number."""
    return not isinstance(row, dict) or str(row.get("q_lang", LANGUAGE)).strip().casefold() == LANGUAGE


def _offered(rows: list[Any]) -> dict[str, tuple[str, ...]]:
    """The right answers of the closed questions of each wording: the choice that SLAKE leaves unsaid."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for row in rows:
        if isinstance(row, dict) and _spoken(row) and folded(row, "answer_type") == "closed":
            answer = str(row.get("answer") or "").strip()
            found[folded(row, "question") or ""].setdefault(answer.casefold(), answer)
    return {
        question: tuple(answers[key] for key in sorted(answers))
        for question, answers in found.items()
        if 2 <= len(answers) <= MOST_OPTIONS
    }


def _case(row: dict[str, Any], table: Path, pool: ImagePool, offered: dict[str, tuple[str, ...]]) -> Case:
    question, answer = text_of(row, "question"), text_of(row, "answer")
    options: tuple[str, ...] = ()
    if folded(row, "answer_type") == "closed":
        options = options_from(question, answer) or offered.get(folded(row, "question") or "", ())
    found = (option for option in options if option.casefold() == answer.casefold())
    return Case(
        id=f"{table.stem}-{text_of(row, 'qid')}",
        images=(pool.find(located(pool.root, text_of(row, "img_name"), IMAGE_FOLDERS)),),
        question=question,
        answer=next(found, answer),
        options=options,
        meta={name: folded(row, name) for name in ("modality", "location", "content_type", "answer_type")},
        split=split_of(table.stem),
    )
