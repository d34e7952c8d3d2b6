"""What discovery answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from medaudit.regions.influence import Influence
from medaudit.stats.estimate import Codes

Verdict: TypeAlias = Literal["found", "not found", "insufficient data"]
Mode: TypeAlias = Literal["ours", "faithful"]


@dataclass(frozen=True)
class ClassRow:
    """One class: images with and without the feature, and the share of each answered right.

    An accuracy is None where there is no image, ``gap`` (``weight (accuracy_in - accuracy_out)``) where the
    class is not compared.
    """

    label: int
    n_in: int
    n_out: int
    accuracy_in: float | None
    accuracy_out: float | None
    weight: float
    gap: float | None


@dataclass(frozen=True)
class Test:
    """What chance makes of one feature's G, and how the data's own compares; see `family`."""

    __test__ = False  # not a test case, whatever its name

    null_mean: float
    null_sd: float
    p: float
    p_adjusted: float
    p_max_t: float
    p_helped: float
    p_hurt: float


@dataclass(frozen=True, eq=False)
class Cluster:
    """One feature: a cluster of regions, or a value of a covariate (``medoid`` None, ``members`` empty).

    ``members`` are regions, nearest to the medoid first; ``images`` those that hold the feature. ``gap`` is
    ``G = sum_y |G_y|`` over the compared classes and ``gap_per_class`` that over their number, which compares
    between tasks. ``helped`` and ``hurt`` are the classes with the largest gain and loss, None where none has
    one; ``helped`` is the class that the feature is taken for. ``kept``: a finding. ``test`` is None where
    nothing was tested.
    """

    name: str
    kept: bool
    gap: float
    gap_per_class: float | None
    rows: tuple[ClassRow, ...]
    helped: int | None
    hurt: int | None
    influence: Influence | None
    test: Test | None
    medoid: int | None
    members: Codes
    images: Codes

    @property
    def excess(self) -> float | None:
        """G beyond what chance makes of it."""
        return None if self.test is None else self.gap - self.test.null_mean


@dataclass(frozen=True)
class Stability:
    """Does the top cluster part the images alike with other seeds and other k? 0 to 1, by Jaccard's index."""

    median: float
    values: tuple[float, ...]
    counts: tuple[int, ...]
    seeds: int


@dataclass(frozen=True)
class Detectable:
    """The smallest effect that samples of this size show with this ``power``, at the level of the whole
    family.

    ``difference`` in accuracy, present less absent, in each of two classes, one helped and one hurt; for the
    median of the features tested. A normal approximation.
    """

    difference: float
    power: float


@dataclass(frozen=True, eq=False)
class Discovery:
    """Which feature do errors hang on? ``clusters`` are ranked, findings first.

    ``n``, ``groups`` and ``errors`` count images, patients and wrong answers that were tested; ``tests``
    features. ``lone`` is the share of images dealt by sign (see `dealing`).
    """

    mode: Mode
    verdict: Verdict
    reason: str
    clusters: tuple[Cluster, ...]
    k: int | None
    silhouette: float | None
    swept: tuple[tuple[int, float | None], ...]
    n: int
    groups: int
    errors: int
    tests: int
    resamples: int | None = None
    alpha: float | None = None
    stability: Stability | None = None
    detectable: Detectable | None = None
    lone: float | None = None

    @property
    def found(self) -> tuple[Cluster, ...]:
        """The findings, best first; none unless the verdict is `found`."""
        return tuple(each for each in self.clusters if each.kept) if self.verdict == "found" else ()

    @property
    def top(self) -> Cluster | None:
        """The best finding."""
        return next(iter(self.found), None)
