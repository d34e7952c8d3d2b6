"""Where phantoms go that are built on this machine and not shipped."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """``MEDAUDIT_CACHE``, else the user's cache folder, then ``phantoms``."""
    named = os.environ.get("MEDAUDIT_CACHE")
    if named:
        return Path(named).expanduser() / "phantoms"
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "medaudit" / "phantoms"


def built() -> list[str]:
    """Names of finished phantoms there: their truth card is written last."""
    return sorted(path.parent.name for path in cache_folder().glob("*/card.json"))
