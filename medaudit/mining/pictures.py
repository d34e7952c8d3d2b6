"""The two pictures of each pair as files and one page beside the table, for people who judge by looking."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from medaudit.errors import UsageError
from medaudit.mining.review import row_of

if TYPE_CHECKING:
    from medaudit.mining.result import MinedPair

PAGE = "index.html"
#: Files are named after pairs alone: names from the data may be hostile, or name patients.
_OURS = re.compile(r"(mined-[0-9a-f]{12}-[12]\.png|index\.html)\Z")
_TOP = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Pairs to judge</title><style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem }
section { border-top: 1px solid #bbb; padding: 1rem 0 }
h2 { font-size: 1rem } div { display: flex; gap: 1rem }
figure { margin: 0; flex: 1 } img { width: 100%; image-rendering: auto; background: #000 }
</style></head><body><h1>Pairs to judge</h1>
<p>Write a decision for each pair into its line of the table: <b>approve</b>; <b>edit</b>, and change the
question, options or answers; <b>reject</b>; or <b>undecidable</b> where the pictures do not show the
answer.</p>
"""


def check_folder(folder: Path) -> None:
    """UsageError where the folder holds anything but pictures of an earlier run."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--pictures {folder}: is no folder. Name another.")
    if not folder.is_dir():
        return
    others = sorted(path.name for path in folder.iterdir() if not _OURS.match(path.name))
    if others:
        raise UsageError(
            f"--pictures {folder}: holds other files ({others[0]!r}). Name a new folder: pictures of "
            "patients should lie by themselves."
        )


def write_pictures(folder: Path, pairs: Sequence[MinedPair]) -> None:
    """Write ``PAIR-1.png``, ``PAIR-2.png`` as the model is given them, and ``index.html`` that shows them.

    Pictures of an earlier run are removed. Only ids of pairs name files; texts are escaped. Raises UsageError
    where the folder cannot be written, or holds other files.
    """
    from PIL import Image as Pillow

    check_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for pair in pairs:
            for place, case in enumerate((pair.first, pair.second), start=1):
                Pillow.fromarray(case.images[0].pixels()).save(folder / f"{pair.id}-{place}.png")
        (folder / PAGE).write_text(page(pairs), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--pictures {folder}: cannot be written ({error.strerror}).") from error


def page(pairs: Sequence[MinedPair]) -> str:
    """One section per pair: its id, the question, and each picture above its answer."""
    return _TOP + "".join(map(_section, pairs)) + "</body></html>\n"


def _section(pair: MinedPair) -> str:
    first, second = pair.first, pair.second
    # Spelt as in the table, without the mark that keeps spreadsheets from computing.
    answers = [row_of(pair)[name].removeprefix("'") for name in ("answer_1", "answer_2")]
    figures = "".join(
        f'<figure><img src="{pair.id}-{place}.png" alt="picture {place} of {pair.id}">'
        f"<figcaption>{html.escape(answer)}</figcaption></figure>"
        for place, answer in enumerate(answers, start=1)
    )
    options = html.escape(" / ".join(first.options or second.options))
    return (
        f'<section id="{pair.id}"><h2>{pair.id}</h2><p>{html.escape(first.question)} ({options})</p>'
        f"<div>{figures}</div></section>\n"
    )
