"""Findings of a histology phantom: other tissue in the place of the normal one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from medaudit.image import keyed_rng
from medaudit.phantoms.canvas import lump, patch, soft, stamp
from medaudit.phantoms.modalities.histology_tissue import BANKS, bank

if TYPE_CHECKING:
    from medaudit.phantoms.canvas import Field, Where
    from medaudit.phantoms.modalities.histology_tissue import Stains
    from medaudit.phantoms.picture import Lesion, Picture

_FAINTEST = 0.08
#: Sites below each other in either half; which finding takes which is drawn by patient.
_ROWS = (0.245, 0.505, 0.765)
_COLUMNS = {"left": 0.26, "right": 0.74}
_KINDS = ("infiltrate", "necrosis", "tumour")


def layer(lesion: Lesion, picture: Picture, normal: Stains) -> tuple[Field, Field, Where]:
    """Change of haematoxylin and of eosin by one finding, in a patch around it, and where that lies."""
    patient, size = picture.patient, picture.size
    order = keyed_rng("medaudit.histology/1", "sites", patient, lesion.place).permutation(3).tolist()
    rng = keyed_rng("medaudit.histology/1", patient, lesion.kind, lesion.place)
    x = _COLUMNS[lesion.place] + rng.uniform(-0.06, 0.06)
    y = _ROWS[order[_KINDS.index(lesion.kind)]] + rng.uniform(-0.004, 0.004)
    radius = rng.uniform(0.062, 0.066) + 0.044 * lesion.extent
    phases = (rng.uniform(0, 2 * np.pi), rng.uniform(0, 2 * np.pi))
    rows, columns, where = patch(size, (x, y), radius + 0.03)
    cover = soft(lump(rows, columns, (x, y), radius, 0.008, phases), size)
    other = bank(lesion.kind, int(rng.integers(BANKS)), picture.view, size)
    height, width = cover.shape
    haematoxylin, eosin = (
        stamp(under[where], stain[:height, :width], cover, faintest)
        for under, stain, faintest in zip(normal, other, (_FAINTEST, 0.0), strict=True)
    )
    return haematoxylin, eosin, where
