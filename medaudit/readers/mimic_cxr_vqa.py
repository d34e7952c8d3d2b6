"""MIMIC-CXR-VQA (Bae et al. 2023, arXiv:2310.18652): questions about chest X-rays."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from medaudit.case import Case, CaseSet, MetaValue
from medaudit.errors import DataError
from medaudit.readers.drafts import Drafts
from medaudit.readers.json_rows import kind
from medaudit.readers.json_tables import (
    add,
    folded,
    group_of,
    head_of,
    located,
    numbered,
    rows_of,
    split_of,
    tables_in,
    text_of,
)
from medaudit.readers.manifest import manifest_of
from medaudit.readers.mimic_patients import subjects
from medaudit.readers.options import ReadOptions
from medaudit.readers.paths import ImagePool
from medaudit.readers.tables import read_header, read_table
from medaudit.registry import reader

IMAGE_FOLDERS = ("", "files", "images")
SEXES = {"f": "female", "m": "male"}
PAIRS = (("female", "male"), ("ap", "pa"))
_KEYS = ("subject_id", "study_id", "question", "semantic_type", "answer")
_CHOICE = re.compile(r"[:,]\s*([^:,?]+?) or ([^:,?]+?)\s*\??\s*$")


def _looks_right(path: Path) -> bool:
    head = head_of(path)
    return all(f'"{key}"'.encode() in head for key in _KEYS)


def _tables(path: Path) -> list[Path]:
    csvs = [path] if path.is_file() else sorted(path.glob("*.csv"))
    named = [found for found in csvs if found.suffix == ".csv" and set(_KEYS) <= set(read_header(found))]
    return tables_in(path, _looks_right) + named


def recognises(path: Path) -> bool:
    """A JSON or CSV file of MIMIC-CXR-VQA rows, or a folder with one."""
    return bool(_tables(path))


@reader("mimic_cxr_vqa", recognises=recognises)
def read_mimic_cxr_vqa(path: Path, options: ReadOptions) -> CaseSet:
    """A JSON list or CSV with subject_id, study_id, semantic_type and a list of answers, images in files.

    Sex, age and ethnicity come from patients.csv and admissions.csv beside it, where they lie there. Subject
    and study numbers are not kept: subjects become groups.
    """
    tables = _tables(path)
    if not tables:
        raise DataError(f"{path.name}: no JSON list or CSV of MIMIC-CXR-VQA rows was found.")
    root = (path if path.is_dir() else path.parent).resolve()
    drafts, rows = Drafts(options), _Rows(ImagePool(root), subjects(root))
    for table in tables:
        found = rows_of(table) if table.suffix == ".json" else [row.cells for row in read_table(table).rows]
        for where, row in numbered(table, found):
            add(drafts, where, row, partial(rows.case, table=table))
    manifest = manifest_of(root, options)
    return drafts.case_set(manifest.name, "mimic_cxr_vqa", manifest.public)


@dataclass(frozen=True)
class _Rows:
    pool: ImagePool
    people: Mapping[str, dict[str, MetaValue]]

    def case(self, row: dict[str, Any], table: Path) -> Case:
        question, semantic = text_of(row, "question"), folded(row, "semantic_type") or ""
        answer, options = answered(question, semantic, _listed(row), _arguments(row))
        subject = text_of(row, "subject_id")
        place = split_of(str(row.get("split") or "")) or split_of(table.stem)
        number = text_of(row, "idx") if row.get("idx") not in (None, "") else None
        unnamed = {"gender": None, "age": None, "ethnicity": None}
        return Case(
            id=f"{place or table.stem}-{number}" if number else _id(row, question),
            images=(self._image(row),),
            question=question,
            answer=answer,
            options=options,
            group=group_of(subject),
            meta={
                "content_type": folded(row, "content_type"),
                "semantic_type": semantic or None,
                **self.people.get(subject, unnamed),
            },
            split=place,
        )

    def _image(self, row: dict[str, Any]) -> Any:
        name = str(row.get("image_path") or "").strip() or f"{text_of(row, 'image_id')}.jpg"
        return self.pool.find(located(self.pool.root, name, IMAGE_FOLDERS))


def answered(
    question: str, semantic: str, answers: list[str], arguments: tuple[str, ...] = ()
) -> tuple[str, tuple[str, ...]]:
    """The reference and the options of a question, from its list of right answers.

    ``verify``: yes and no. ``choose``: the two that the question names (its template's ``arguments``, or the
    "A or B" at its end), none, both; or female and male, AP and PA, which exclude one another. Where the two
    cannot be told without looking at the answer it is an open question. ``query``: an open question, its
    answers joined by commas. An empty list is "none" for the last two; f and m are female and male.
    """
    said = [SEXES.get(answer.casefold(), answer) for answer in answers]
    if semantic == "verify":
        if len(said) != 1 or said[0].casefold() not in {"yes", "no"}:
            raise DataError("a question to verify needs the one answer yes or no.")
        return said[0].casefold(), ("yes", "no")
    joined = ", ".join(said) or "none"
    if semantic != "choose":
        return joined, ()
    for pair in PAIRS:
        if len(said) == 1 and said[0].casefold() in pair:
            spelled = pair if pair[0] != "ap" else ("AP", "PA")
            return spelled[pair.index(said[0].casefold())], spelled
    named = arguments if len(arguments) == 2 else _named(question)
    spellings = {name.casefold(): name for name in named}
    if len(spellings) != 2 or not {answer.casefold() for answer in said} <= set(spellings):
        return joined, ()
    right = [spellings[answer.casefold()] for answer in said] or ["none"]
    return (right[0] if len(right) == 1 else "both"), (*named, "none", "both")


def _named(question: str) -> tuple[str, ...]:
    """The two sides of the "A or B" that ends a question, none where the wording does not set it apart."""
    found = _CHOICE.search(question)
    return tuple(_bare(part) for part in found.groups()) if found else ()


def _arguments(row: dict[str, Any]) -> tuple[str, ...]:
    """The two attributes (else the two objects) that fill the question's template, where it says so."""
    given = row.get("template_arguments")
    if isinstance(given, str):
        given = _parsed(given)
    if not isinstance(given, dict):
        return ()
    for key in ("attribute", "object"):
        names = tuple(dict.fromkeys(_texts(given.get(key))))
        if len(names) == 2:
            return names
    return ()


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str) and value.strip():
        yield " ".join(value.split())
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _bare(part: str) -> str:
    return re.sub(r"^(?:an?|the)\s+", "", " ".join(part.split()), flags=re.IGNORECASE)


def _listed(row: dict[str, Any]) -> list[str]:
    value = row.get("answer")
    if isinstance(value, str):
        value = _parsed(value)
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise DataError(f"'answer' must be a list of text, is {kind(value)}.")
    return [" ".join(each.split()) for each in value if each.strip()]


def _parsed(text: str) -> Any:
    """A list as CSV tables spell it, or one answer as plain text."""
    if text.strip()[:1] not in {"[", "{"}:
        return [text]
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise DataError("a list or table in a cell cannot be read; write it like ['atelectasis'].") from error


def _id(row: dict[str, Any], question: str) -> str:
    """An id from what a row asks about, from which no number of a person can be read off."""
    asked = "|".join([*(str(row.get(key, "")) for key in ("subject_id", "study_id", "image_id")), question])
    return group_of(asked).replace("patient", "question")
