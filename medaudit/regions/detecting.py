"""How small an effect could these data have shown?"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from medaudit.regions.family import Family
from medaudit.regions.gaps import Tables
from medaudit.regions.outputs import Detectable
from medaudit.stats.estimate import Floats

POWER = 0.8
# Mean size of a standard normal number.
_FOLDED = float(np.sqrt(2 / np.pi))


def differences(found: Tables, family: Family, *, both_signs: bool, power: float = POWER) -> Floats:
    """What difference in accuracy would each feature have shown with this ``power``? ``(C,)``.

    Present less absent, up in one class and down in another, the others by chance; normal approximations. The
    gap shows where ``G = d (w_a + w_b) + noise of the others`` exceeds ``null_mean + critical null_sd`` by
    z_power standard deviations of G, its own and those of both classes, which chance folds and an effect does
    not. With ``both_signs`` gain and loss must each exceed what chance gives, both with this power. Above 1
    nothing could have been seen; infinite where deals do not change G.
    """
    result = np.full(len(family.gap), np.inf)
    for at in np.flatnonzero(family.null_sd > 0).tolist():
        classes = np.flatnonzero(found.compared[at])
        weights, noise = found.weights[at, classes], family.noise[at, classes]
        # The classes in which a difference weighs most for the noise that it must drown.
        pair = np.argsort(-weights / np.maximum(noise, 1e-12), kind="stable")[:2]
        weights, noise = weights[pair], noise[pair]
        spread = float(np.hypot(family.null_sd[at], np.hypot(*noise)))
        needed = family.critical * family.null_sd[at] + float(ndtri(power)) * spread
        result[at] = (needed + noise.sum()) / weights.sum()
        if both_signs:
            side = family.critical_side[at] + float(ndtri(np.sqrt(power))) * noise / _FOLDED
            result[at] = max(result[at], float((side / weights).max()))
    return result


def detectable(found: Tables, family: Family, *, both_signs: bool, power: float = POWER) -> Detectable | None:
    """The same for the median feature: half of those tested show less. None where deals change none."""
    each = np.sort(differences(found, family, both_signs=both_signs, power=power))
    each = each[np.isfinite(each)]
    return Detectable(float(each[(len(each) - 1) // 2]), power) if len(each) else None
