"""From what a user typed to cases: which reader, and what to say when none or several fit."""

from __future__ import annotations

from pathlib import Path

from medaudit.case import CaseSet
from medaudit.errors import DataError, UsageError
from medaudit.readers.drafts import Drafts, OpenedCaseSet
from medaudit.readers.options import ReadOptions
from medaudit.registry import Reader, available

#: Cases of a phantom data set when no limit is given.
PHANTOM_CASES = 240


def load_cases(spec: str | Path | CaseSet, options: ReadOptions | None = None) -> CaseSet:
    """Read the cases that ``spec`` names: ``phantom:NAME``, ``READER:PATH``, or a path that one reader knows.

    Every kept image is decoded and digested once, so a run does not meet a broken file in its middle;
    that holds for a CaseSet made in Python too.
    Raises DataError for missing paths, unknown or ambiguous formats and unreadable cases.
    """
    options = options or ReadOptions()
    if isinstance(spec, CaseSet):
        return _completed(spec, options)
    text = str(spec)
    prefix, colon, rest = text.partition(":")
    if colon and isinstance(spec, str) and prefix == "phantom":
        return _phantom(rest, options)
    readers = available("reader")
    # A path that exists wins over READER:PATH, so that a colon in a file name does no harm.
    if colon and isinstance(spec, str) and not Path(text).exists():
        if prefix not in readers:
            raise UsageError.unknown("reader", prefix, [*readers, "phantom"])
        return _read(readers[prefix], _existing(rest), options)
    path = _existing(text)
    return _read(_recogniser(path, readers), path, options)


def _phantom(name: str, options: ReadOptions) -> CaseSet:
    from medaudit.phantoms import case_set

    cases: CaseSet = case_set(name, n=options.limit or PHANTOM_CASES, seed=options.seed)
    return cases


def _existing(text: str) -> Path:
    path = Path(text).expanduser()
    try:
        exists = bool(text) and path.exists()
    except (OSError, ValueError) as error:
        raise DataError(f"{text[:80]!r} is no usable path.") from error
    if not exists:
        raise DataError(f"{text!r}: no such file or folder. Give a path, READER:PATH, or phantom:NAME.")
    return path


def _recogniser(path: Path, readers: dict[str, Reader]) -> Reader:
    fitting = [found for found in readers.values() if found.recognises(path)]
    if len(fitting) == 1:
        return fitting[0]
    name = path.name or str(path)
    if not fitting:
        known = " ".join(f"{found.name}: {found.describes}" for found in readers.values())
        raise DataError(f"{name}: no reader recognises this. What they look for: {known}")
    names = [found.name for found in fitting]
    raise DataError(
        f"{name}: more than one reader recognises this: {', '.join(names)}. "
        f"Say which, for example {names[0]}:{path}."
    )


def _read(chosen: Reader, path: Path, options: ReadOptions) -> CaseSet:
    """Run a reader; the limit and the opening of images hold for third-party readers too."""
    try:
        cases: CaseSet = chosen.read(path, options)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DataError(f"{path.name}: cannot be read ({reason}).") from error
    return cases if isinstance(cases, OpenedCaseSet) else _completed(cases, options)


def _completed(cases: CaseSet, options: ReadOptions) -> CaseSet:
    """Draw the cases to keep; what users and third-party readers make has unopened images, empty groups."""
    if isinstance(cases, OpenedCaseSet):
        return cases.limited(options.limit, options.seed)
    drafts = Drafts(options, skipped=list(cases.skipped))
    for case in cases.cases:
        drafts.add(cases.name, case)
    return drafts.case_set(cases.name, cases.reader, cases.public)
