"""One half to choose on, one half to test on."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from medaudit.image import keyed_rng
from medaudit.regions.inputs import Mask
from medaudit.stats.estimate import Codes


def first_half(labels: Codes, groups: Codes, seed: object) -> Mask:
    """Images of the first half, ``(n,)``: whole patients, every other one of those with the same labels.

    Needed as soon as clusters, prompts or anything else was chosen by accuracy on the same images.
    Correctness is not looked at. ``labels`` and ``groups`` ``(n,)``.
    """
    order = np.lexsort((labels, groups))
    kinds: dict[tuple[int, ...], list[Codes]] = defaultdict(list)
    for images in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        kinds[tuple(labels[images].tolist())].append(images)
    first = np.zeros(len(labels), dtype=np.bool_)
    turn = 0
    for kind, members in sorted(kinds.items()):
        shuffled = keyed_rng("regions", seed, "half", kind).permutation(len(members))
        for at in shuffled.tolist():
            first[members[at]] = turn % 2 == 0
            # Not reset from kind to kind, or every kind of one patient would fall into the same half.
            turn += 1
    return first
