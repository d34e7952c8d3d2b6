"""VQA-RAD (Lau et al. 2018): clinicians' questions about radiology images, in its public JSON layouts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medaudit.case import Case, CaseSet
from medaudit.errors import DataError
from medaudit.readers.drafts import Drafts
from medaudit.readers.json_rows import kind
from medaudit.readers.json_tables import head_of, rows_of, tables_in, text_of
from medaudit.readers.manifest import manifest_of
from medaudit.readers.options import ReadOptions
from medaudit.readers.paths import ImagePool
from medaudit.registry import reader

IMAGE_FOLDERS = ("", "images", "VQA_RAD Image Folder")
_KEYS = (b'"qid"', b'"question"', b'"answer"', b'"answer_type"')
_IMAGE_KEYS = (b'"image"', b'"image_name"')
_LIMBS = re.compile(rb'"image_organ"\s*:\s*"\s*(hand|leg)', re.IGNORECASE)
_CHOICE = re.compile(r"\b([a-z][\w-]*) or (?:an? |the )?([a-z][\w-]*)", re.IGNORECASE)
#: "contrast or no contrast" names no two options.
_NEGATIONS = frozenset({"no", "not", "non", "without"})


def looks_right(path: Path) -> bool:
    """Whether a file begins like a list of VQA-RAD rows, or of OVQA rows, which have the same keys."""
    head = head_of(path)
    return all(key in head for key in _KEYS) and any(key in head for key in _IMAGE_KEYS)


def orthopaedic(path: Path) -> bool:
    """Whether the rows are about hands or legs: OVQA. VQA-RAD has heads, chests and abdomens."""
    return _LIMBS.search(head_of(path, 1 << 20)) is not None


def _tables(path: Path) -> list[Path]:
    return tables_in(path, looks_right)


def recognises(path: Path) -> bool:
    """A JSON file of VQA-RAD rows, or a folder with one."""
    tables = _tables(path)
    return bool(tables) and not any(map(orthopaedic, tables))


@reader("vqa_rad", recognises=recognises)
def read_vqa_rad(path: Path, options: ReadOptions) -> CaseSet:
    """A JSON list with qid, image or image_name, question, answer and answer_type, with images beside it."""
    tables = _tables(path)
    if not tables:
        raise DataError(f"{path.name}: no JSON list of VQA-RAD rows was found.")
    root = (path if path.is_dir() else path.parent).resolve()
    drafts = Drafts(options)
    rows = _Rows(ImagePool(root))
    for table in tables:
        for number, row in enumerate(rows_of(table), start=1):
            where = f"{table.name}:row {number}"
            try:
                case = rows.case(row, table.stem)
            except DataError as error:
                drafts.refuse(where, str(error))
            else:
                drafts.add(where, case)
    # MedPix file names mark the CC0 original; hospital data in the same layout stays private.
    original = all(image.name.startswith("synpic") for c in drafts.cases.values() for image in c.images)
    manifest = manifest_of(root, options, public=original)
    return drafts.case_set(manifest.name, "vqa_rad", manifest.public)


@dataclass(frozen=True)
class _Rows:
    pool: ImagePool

    def case(self, row: Any, table: str) -> Case:
        if not isinstance(row, dict):
            raise DataError(f"a row must be an object, is {kind(row)}.")
        question, answer = text_of(row, "question"), text_of(row, "answer")
        # Some public copies pad the type and the answer with blanks.
        closed = str(row.get("answer_type", "")).strip().upper() == "CLOSED"
        options = options_from(question, answer) if closed else ()
        found = (option for option in options if option.casefold() == answer.casefold())
        return Case(
            id=text_of(row, "qid"),
            images=(self.pool.find(self._image(text_of(row, "image" if "image" in row else "image_name"))),),
            question=question,
            answer=next(found, answer),
            options=options,
            group=str(row.get("image_group") or ""),
            meta=_meta(row),
            split=str(row.get("orig_split") or "") or _split(table),
        )

    def _image(self, name: str) -> str:
        for folder in IMAGE_FOLDERS:
            relative = f"{folder}/{name}" if folder else name
            if ".." not in Path(name).parts and (self.pool.root / relative).is_file():
                return relative
        return name


def options_from(question: str, answer: str) -> tuple[str, ...]:
    """Options of a closed question: yes and no, or the two words of its one "A or B" if the answer is one.

    Empty, which makes the question an open one, where the wording does not give exactly two single words
    ("left, right, or both", "contrast or no contrast") or the answer is neither of them.
    """
    said = answer.casefold()
    if said in {"yes", "no"}:
        return ("yes", "no")
    found = _CHOICE.search(question)
    listed = found and question[: found.start()].rstrip().endswith(",")
    if not found or listed or len(re.findall(r"\bor\b", question, re.IGNORECASE)) != 1:
        return ()
    first, second = found.groups()
    if second.casefold() in _NEGATIONS or said not in {first.casefold(), second.casefold()}:
        return ()
    return (first, second)


def _meta(row: dict[str, Any]) -> dict[str, str | int | float | bool | None]:
    organ = str(row.get("organ") or row.get("image_organ") or "").strip().casefold()
    parts = str(row.get("question_type") or "").upper().split(",")
    return {
        "organ": organ or None,
        "question_type": "+".join(sorted(part.strip() for part in parts if part.strip())) or None,
        "phrase_type": str(row.get("phrase_type") or "").strip().casefold() or None,
        "answer_type": str(row.get("answer_type") or "").strip().upper() or None,
    }


def _split(table: str) -> str | None:
    return next((split for split in ("train", "test") if split in table.casefold()), None)
