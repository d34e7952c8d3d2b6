"""Other ways to look for failing regions, restated to compare with: none of them tests or abstains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medaudit.errors import UsageError
from medaudit.image import keyed_rng
from medaudit.regions.inputs import Regions
from medaudit.regions.mixture import error_aware_mixture
from medaudit.regions.partition import partition
from medaudit.stats.estimate import Codes, Floats

# Directions of most variance that the mixture looks at.
_DIRECTIONS = 32


@dataclass(frozen=True, eq=False)
class Slice:
    """``members``: regions, the most typical first. ``score``: how badly they fare, as the method counts."""

    score: float
    members: Codes


def mixture_slices(
    regions: Regions, *, slices: int = 25, weight: float = 10.0, seed: int = 0
) -> tuple[Slice, ...]:
    """Where are regions taken for something else than their image's label? After Domino.

    An error-aware mixture over region vectors (their 32 main directions), labels and region scores; a
    slice scores half the absolute difference between its labels and what they are taken for, summed over
    classes. Members by responsibility, of slices that are the most likely one for some region; worst
    first. Eyuboglu et al. 2022, arXiv:2203.14960.
    """
    if slices < 1:
        raise UsageError(f"{slices} slices asked for; at least 1 is needed.")
    mixed = error_aware_mixture(
        _main_directions(regions.vectors.astype(np.float64)),
        regions.labels[regions.image],
        regions.scores,
        slices,
        weight,
        keyed_rng("regions", seed, "mixture"),
    )
    owner = mixed.responsibility.argmax(axis=1)
    scores = np.abs(mixed.true - mixed.taken).sum(axis=1) / 2
    found = []
    for place in np.unique(owner).tolist():
        members = np.flatnonzero(owner == place)
        order = np.argsort(-mixed.responsibility[members, place], kind="stable")
        found.append(Slice(float(scores[place]), members[order]))
    return _worst_first(found)


def class_clusters(regions: Regions, *, most: int = 10, seed: int = 0) -> tuple[Slice, ...]:
    """Which kinds of region within a class go with errors? After George.

    The regions of each class's images are clustered by themselves, 2 to ``most`` clusters by silhouette; a
    cluster scores the class's accuracy over its regions less its own. Members by similarity to the medoid;
    worst first. Sohoni et al. 2020, arXiv:2011.12945, without its robust training.
    """
    if most < 2:
        raise UsageError(f"at most {most} clusters a class asked for; 2 or more can be compared.")
    right = regions.correct[regions.image].astype(np.float64)
    found = []
    for label in range(regions.classes):
        own = np.flatnonzero(regions.labels[regions.image] == label)
        if len(own) < 4:
            continue
        parted = partition(regions.vectors[own], range(2, most + 1), seed=(seed, "class", label))
        for place in range(parted.k):
            members = own[parted.members(place)]
            if len(members):
                found.append(Slice(float(right[own].mean() - right[members].mean()), members))
    return _worst_first(found)


def _worst_first(found: list[Slice]) -> tuple[Slice, ...]:
    return tuple(sorted(found, key=lambda each: -each.score))


def _main_directions(vectors: Floats) -> Floats:
    centred = vectors - vectors.mean(axis=0)
    values, directions = np.linalg.eigh(centred.T @ centred)
    return np.asarray(centred @ directions[:, np.argsort(-values)[:_DIRECTIONS]], dtype=np.float64)
