"""Mining confusing pairs from any pool of cases: pictures that a model holds to be alike and that are not.

Pure functions on arrays and cases; only :mod:`medaudit.mining.seeking` asks the model.
"""

from __future__ import annotations

from medaudit.mining.agreement import Agreement, reader_agreement, table_agreement
from medaudit.mining.behaviour import behaviour_vectors
from medaudit.mining.by_question import mine_by_question
from medaudit.mining.duplicates import deduplicated, perceptual_hashes
from medaudit.mining.halves import Halves, halves, mine_halves, question_halves
from medaudit.mining.pipeline import mine
from medaudit.mining.pool import images_of
from medaudit.mining.reference import reference_vectors
from medaudit.mining.result import Mined, MinedPair, MiningFacts
from medaudit.mining.review import write_review
from medaudit.mining.reviewed import Reviewed, read_review
from medaudit.mining.rules import Rules
from medaudit.mining.templates import Template

__all__ = [
    "Agreement",
    "Halves",
    "Mined",
    "MinedPair",
    "MiningFacts",
    "Reviewed",
    "Rules",
    "Template",
    "behaviour_vectors",
    "deduplicated",
    "halves",
    "images_of",
    "mine",
    "mine_by_question",
    "mine_halves",
    "perceptual_hashes",
    "question_halves",
    "read_review",
    "reader_agreement",
    "reference_vectors",
    "table_agreement",
    "write_review",
]
