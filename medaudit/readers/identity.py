"""Which columns say who a person is, and which say only that rows belong together."""

from __future__ import annotations

import re

_IDENTITY_WORDS = """
name names surname lastname firstname forename initials mrn ssn nhs dob birth birthdate birthday address
street zip postcode city phone telephone fax mail email accession insurance passport date datetime time
id ids uid uuid identifier pid studyid caseid imageid seriesid recordid personid url doi physician
doctor operator comment comments note notes report text description path file filename
"""
_IDENTITY = frozenset(_IDENTITY_WORDS.split())
_GROUP = frozenset({"patient", "patientid", "patientnumber", "patientno", "subject", "subjectid", "group"})
_GROUP_LAST = frozenset({"groupid", "imagegroup", "pid", "personid"})


def words(column: str) -> list[str]:
    """The lower-case words of a column name: ``PatientID``, ``patient_id`` and ``patient id`` agree."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", column)
    return re.findall(r"[a-z0-9]+", spaced.lower())


def identifying(column: str) -> bool:
    """Whether a column looks as if it named a person, a place, a day or a document."""
    found = words(column)
    joined = "".join(found)
    return bool(_IDENTITY.intersection(found)) or joined in _GROUP | _GROUP_LAST


def group_column(columns: tuple[str, ...]) -> str | None:
    """The column that says which rows belong to one patient, if one does."""
    for legal in (_GROUP, _GROUP_LAST):
        for column in columns:
            if "".join(words(column)) in legal:
                return column
    return None
