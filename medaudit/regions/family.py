"""All features tested at once: is any gap more than chance, and which?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medaudit.regions.dealing import deals, residuals
from medaudit.regions.features import Features
from medaudit.regions.gaps import Tables, contrasts
from medaudit.regions.inputs import Mask
from medaudit.stats.estimate import Codes, Floats
from medaudit.stats.multiplicity import benjamini_hochberg

_NO_SPREAD = 1e-12
# Equal sums must stay equal after rounding.
_SLACK = 1e-9


@dataclass(frozen=True, eq=False)
class Family:
    """C features, arrays ``(C,)``. ``gap`` is G; ``null_mean`` and ``null_sd`` are what deals of it give.

    ``p`` stands for one feature alone, ``p_adjusted`` holds the false discovery rate (Benjamini and
    Hochberg), ``p_max_t`` the chance of any false alarm among all (Westfall and Young). ``p_helped`` and
    ``p_hurt`` ask whether some class gains, and some class loses, more than by chance. ``noise`` ``(C,
    Y)`` is the mean of ``|G_y|`` over deals; ``critical`` the T that max-T needs at ``alpha`` and
    ``critical_side`` the gain, or the loss, that one feature needs.
    """

    gap: Floats
    null_mean: Floats
    null_sd: Floats
    p: Floats
    p_adjusted: Floats
    p_max_t: Floats
    p_helped: Floats
    p_hurt: Floats
    noise: Floats
    critical: float
    critical_side: Floats
    resamples: int


def tested(
    features: Features,
    found: Tables,
    correct: Mask,
    labels: Codes,
    groups: Codes,
    *,
    resamples: int,
    alpha: float,
    rng: np.random.Generator,
) -> Family:
    """Is correctness, within classes, tied to any of the features? Clusters stay, correctness is dealt anew.

    ``T = (G - mean(G)) / sd(G)`` over the data's own row and ``resamples`` deals (see `dealing`);
    ``p_max_t`` is the share of rows whose largest T reaches a feature's own, never below ``1 / (resamples +
    1)``. Valid for any number of features and any dependence between them, as long as neither features nor
    tables were chosen by correctness (Westfall and Young 1993).
    """
    residual = residuals(correct, labels, found.compared.shape[1])
    known = list(contrasts(found, features, labels))
    shape = (features.count, found.compared.shape[1])
    pieces = [_sizes(residual[None], known, shape)[0]]
    noise = np.zeros(shape)
    for dealt in deals(residual, labels, groups, resamples, rng):
        rows, each = _sizes(dealt, known, shape)
        pieces.append(rows)
        noise += each
    gap, helped, hurt = np.concatenate(pieces, axis=1)
    return _judged(gap, helped, hurt, noise / max(1, resamples), alpha)


def _sizes(
    dealt: Floats, known: list[tuple[int, Codes, Floats]], shape: tuple[int, int]
) -> tuple[Floats, Floats]:
    """G, largest gain, largest loss of each row of values ``(3, b, C)``; sums of ``|G_y|`` ``(C, Y)``."""
    gap, helped, hurt = sizes = np.zeros((3, len(dealt), shape[0]))
    noise = np.zeros(shape)
    for label, images, weights in known:
        each = dealt[:, images] @ weights
        size = np.abs(each)
        gap += size
        np.maximum(helped, each, out=helped)
        np.maximum(hurt, -each, out=hurt)
        noise[:, label] = size.sum(axis=0)
    return sizes, noise


def _judged(gap: Floats, helped: Floats, hurt: Floats, noise: Floats, alpha: float) -> Family:
    """Row 0 of each ``(1 + B, C)`` is the data's own."""
    centre, spread = gap.mean(axis=0), gap.std(axis=0)
    # A feature without spread cannot stand out: its T is 0 in every row.
    scaled = (gap - centre) / np.where(spread > _NO_SPREAD, spread, np.inf)
    largest = scaled.max(axis=1)
    p_values = _reached(gap, gap[0])
    return Family(
        gap=gap[0],
        null_mean=gap[1:].mean(axis=0),
        null_sd=gap[1:].std(axis=0),
        p=p_values,
        p_adjusted=np.asarray(benjamini_hochberg(p_values.tolist()), dtype=np.float64),
        p_max_t=_reached(largest[:, None], scaled[0]),
        p_helped=_reached(helped, helped[0]),
        p_hurt=_reached(hurt, hurt[0]),
        noise=noise,
        critical=float(np.quantile(largest[1:], 1 - alpha)),
        critical_side=np.quantile([helped[1:], hurt[1:]], 1 - alpha, axis=1).max(axis=0),
        resamples=len(gap) - 1,
    )


def _reached(rows: Floats, own: Floats) -> Floats:
    """Share of rows, the data's own among them, that are at least as large."""
    return np.asarray((rows >= own - _SLACK).mean(axis=0), dtype=np.float64)
