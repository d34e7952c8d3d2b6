"""Readers: from files to cases. Importing this registers the built-in ones and loads nothing heavy."""

from __future__ import annotations

from medaudit.readers import dicom as dicom
from medaudit.readers import folder as folder
from medaudit.readers import labels as labels
from medaudit.readers import mediconfusion as mediconfusion
from medaudit.readers import mimic_cxr_vqa as mimic_cxr_vqa
from medaudit.readers import ovqa as ovqa
from medaudit.readers import slake as slake
from medaudit.readers import vqa_rad as vqa_rad
from medaudit.readers.loading import load_cases
from medaudit.readers.options import ReadOptions

__all__ = ["ReadOptions", "load_cases"]
