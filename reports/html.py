"""report.html: one file, no script, no outside request, drawn from audit.json alone."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from medaudit.registry import report

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).with_name("templates")


@report("html", filename="report.html")
def html(document: Mapping[str, Any], folder: Path) -> str:
    """The report that people read."""
    from medaudit.reports.figures import axis, control_row, interval_row
    from medaudit.reports.view import view

    css = _style()
    page = _environment().get_template("report.html")
    return page.render(
        view(document, folder),
        css=Markup(css),  # ours, from the package
        policy=content_policy(css),
        axis=axis,
        control_row=control_row,
        interval_row=interval_row,
    )


def content_policy(css: str) -> str:
    """Content-Security-Policy under which nothing runs, nothing is fetched and one style sheet applies."""
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


@lru_cache(maxsize=1)
def _style() -> str:
    text = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", text).strip()


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
