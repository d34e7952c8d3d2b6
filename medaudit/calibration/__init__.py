"""Calibration: how often does each probe raise an alarm on a clean model, and how often does it find a flaw?

Phantoms are audited like any model; what is planted in them is known. Names resolve on first use; importing
loads no numpy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medaudit.calibration.record import Record as Record
    from medaudit.calibration.record import load_record as load_record
    from medaudit.calibration.record import load_records as load_records
    from medaudit.calibration.subjects import Subject as Subject
    from medaudit.calibration.sweep import BY_NAME as BY_NAME
    from medaudit.calibration.sweep import FAST as FAST
    from medaudit.calibration.sweep import FULL as FULL
    from medaudit.calibration.sweep import MINED as MINED
    from medaudit.calibration.sweep import Tier as Tier
    from medaudit.calibration.sweep import calibrate as calibrate

_HOME = {
    "BY_NAME": "sweep",
    "FAST": "sweep",
    "FULL": "sweep",
    "MINED": "sweep",
    "Record": "record",
    "Subject": "subjects",
    "Tier": "sweep",
    "calibrate": "sweep",
    "load_record": "record",
    "load_records": "record",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"medaudit.calibration.{_HOME[name]}"), name)
    raise AttributeError(f"module 'medaudit.calibration' has no attribute {name!r}")
