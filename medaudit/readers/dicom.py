"""DICOM: one file or a folder of them becomes closed questions about what the headers say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from medaudit.case import Case, CaseSet
from medaudit.errors import DataError, UsageError
from medaudit.readers.dicom_questions import ATTRIBUTES, Question, questions_about
from medaudit.readers.drafts import Drafts
from medaudit.readers.manifest import manifest_of
from medaudit.readers.options import ReadOptions
from medaudit.readers.paths import DICOM_SUFFIXES, inside
from medaudit.registry import reader

if TYPE_CHECKING:
    from medaudit.readers.dicom_header import Header

_PREFIX = 132
_LOOKED_AT = 2000


def _has_magic(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(_PREFIX)[128:] == b"DICM"
    except OSError:
        return False


def _is_dicom(path: Path) -> bool:
    if not path.is_file() or path.name.upper() == "DICOMDIR":
        return False
    return path.suffix.lower() in DICOM_SUFFIXES or _has_magic(path)


def _walk(root: Path) -> Iterator[Path]:
    return (path for path in root.rglob("*") if path.is_file())


def recognises(path: Path) -> bool:
    """A DICOM file, or a folder with one among its first 2,000 files."""
    if path.is_file():
        return _is_dicom(path)
    looked = (found for found, _ in zip(_walk(path), range(_LOOKED_AT), strict=False))
    return any(_is_dicom(found) for found in looked)


@reader("dicom", recognises=recognises)
def read_dicom(path: Path, options: ReadOptions) -> CaseSet:
    """A DICOM file (by suffix .dcm or its DICM mark), or a folder with such files at any depth."""
    _check(options)
    root = (path if path.is_dir() else path.parent).resolve()
    study = _Study(root, alone=path.is_file(), drafts=Drafts(options))
    files = sorted(_walk(root)) if path.is_dir() else [root / path.name]
    for file in files:
        if path.is_file() or _is_dicom(file):
            study.take(file)
    manifest = manifest_of(root, options)
    return study.drafts.case_set(manifest.name, "dicom", manifest.public)


def _check(options: ReadOptions) -> None:
    for name in options.label:
        if name not in ATTRIBUTES:
            raise UsageError.unknown("DICOM label", name, ATTRIBUTES)
    rest = (options.question or "").replace("{label}", "")
    if "{" in rest or "}" in rest:
        raise DataError("the question template may hold {label} and no other braces.")
    if options.question and "{label}" not in options.question and len(options.label) != 1:
        raise DataError("the question has no {label}; name the one header attribute that it is about.")


def _name(where: str) -> str:
    path = Path(where)
    return path.with_suffix("").as_posix() if path.suffix.lower() in DICOM_SUFFIXES else where


class _Study:
    """Files of one folder on their way to cases; patients are numbered as they appear.

    A file goes by its path, or by its number in the sorted folder where the path repeats what the header
    keeps private or the header cannot be read.
    """

    def __init__(self, root: Path, *, alone: bool, drafts: Drafts) -> None:
        self.root = root
        self.alone = alone
        self.drafts = drafts
        self._patients: dict[str, str] = {}
        self._files = 0

    def take(self, file: Path) -> None:
        """Read one header and add its cases, or say why there are none."""
        from medaudit.readers.dicom_header import no_picture, read_header

        path = file.relative_to(self.root).as_posix()
        # Counted whether or not it is read: a file keeps its number when another is mended.
        self._files += 1
        try:
            header = read_header(inside(self.root, path))
        except DataError as error:
            # Without a header nobody knows whether the path names the patient.
            number = f"It is number {self._files} of the DICOM files sorted by path."
            self.drafts.refuse(f"file-{self._files}", f"{error} {number}")
            return
        where = f"file-{self._files}" if header.names_someone(path) else path
        if reason := no_picture(header):
            (self.drafts.refuse if self.alone else self.drafts.leave_out)(where, reason)
            return
        questions = self._questions(header)
        if not questions:
            self.drafts.leave_out(where, "the header gives nothing to ask about.")
            return
        self._add(where, header, questions)

    def _questions(self, header: Header) -> list[Question]:
        options = self.drafts.options
        asked = questions_about(header.meta)
        kept = [question for question in asked if not options.label or question.about in options.label]
        return [question.reworded(options.question) for question in kept]

    def _add(self, where: str, header: Header, questions: list[Question]) -> None:
        from medaudit.readers.dicom_image import DicomImage

        name = _name(where)
        for frame in header.frames_of(self.drafts.options.frames):
            if frame > header.frames:
                self.drafts.refuse(where, f"has {header.frames} frames; frame {frame} was asked for.")
                continue
            image = DicomImage(header.path, frame, name)
            meta = {**header.meta, "frame": frame, "frames": header.frames}
            stated = f":f{frame}" if self.drafts.options.frames and header.frames > 1 else ""
            for question in questions:
                case = Case(
                    id=f"{name}{stated}:{question.about}",
                    images=(image,),
                    question=question.text,
                    answer=question.answer,
                    options=question.options,
                    group=self._group(header),
                    meta=meta,
                )
                self.drafts.add(where, case)

    def _group(self, header: Header) -> str:
        if not header.patient:
            return ""
        return self._patients.setdefault(header.patient, f"patient-{len(self._patients) + 1}")
