"""Spurious regions: which part of an image do a model's errors hang on, and is it more than chance?

::

    regions = Regions(vectors, image, class_scores(vectors, texts), class_scores(images, texts), labels)
    found = discover(regions)
    found.verdict, found.reason, found.top

Arrays only: where vectors come from is another's business.
"""

from medaudit.regions.discovery import discover
from medaudit.regions.inputs import Regions
from medaudit.regions.outputs import ClassRow, Cluster, Discovery, Verdict
from medaudit.regions.precision import precision_at
from medaudit.regions.scores import class_scores

__all__ = [
    "ClassRow",
    "Cluster",
    "Discovery",
    "Regions",
    "Verdict",
    "class_scores",
    "discover",
    "precision_at",
]
