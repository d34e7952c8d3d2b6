"""How many of the regions shown first carry the feature?"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from medaudit.errors import UsageError
from medaudit.stats.estimate import Codes


def precision_at(members: Codes, carries: npt.NDArray[np.bool_], k: int = 10) -> float:
    """Share of the first ``k`` of ``members`` that carry the planted feature.

    ``members`` are regions in the order shown, ``carries`` ``(R,)`` the truth. A cluster of fewer than ``k``
    regions leaves places empty, and an empty place is a miss. UsageError unless k is at least 1.
    """
    if k < 1:
        raise UsageError(f"precision at {k} asked for; 1 or more regions can be shown.")
    return float(carries[members[:k]].sum()) / k
