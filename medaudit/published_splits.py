"""The splits of published studies, as text for :func:`medaudit.splitting.build`, by reader and name."""

from __future__ import annotations

from collections.abc import Mapping

from medaudit.errors import UsageError

#: SURE-VQA (Kahl et al. 2024, arXiv:2411.19688): what is held out of each field.
PUBLISHED: Mapping[str, Mapping[str, str]] = {
    "slake": {"modality": "modality == X-Ray", "question_type": "content_type == Size"},
    "ovqa": {"organ": "organ == leg", "question_type": 'question_type == "organ system"'},
    "mimic_cxr_vqa": {
        # The answer to a question about sex would be constant on either side.
        "gender": "gender == F vs gender == M without content_type == gender",
        "ethnicity": "ethnicity != white vs ethnicity == white",
        "age": "age < 40 vs age >= 60",
    },
}


def published(reader: str, name: str) -> str:
    """The split of that name for data of that reader. UsageError names what there is."""
    if reader not in PUBLISHED:
        raise UsageError.unknown("data set with published splits", reader, PUBLISHED)
    if name not in PUBLISHED[reader]:
        raise UsageError.unknown(f"published split of {reader}", name, PUBLISHED[reader])
    return PUBLISHED[reader][name]
