r"""Losses that turn an image encoder away from one kind of region, on plain tensors.

With cosines over a temperature, ``s(r, y) = <f(r), g(y)> / tau``, of regions r and class texts y; the regions
of image i parted into spurious ones and the others, ``R_i``; and all spurious regions of the batch, ``R^s``::

    m(i, y) = max over r in R_i of s(r, y)
    L_R_i = -m(i, y_i) + log( sum_{y in Y_B} exp m(i, y) + sum_{r in R^s} max_{y in Y_B} exp s(r, y) )
    L_A_i = -m(i, y_i) + log( exp m(i, y_i) + sum_{j: y_j != y_i} exp m(j, y_i)
                              + sum_{r in R^s} exp s(r, y_i) )
    L     = lambda L_CL + (1 - lambda) mean_i (L_R_i + L_A_i)

The maximum over regions asks that one region that is not spurious match the class, not all of them.
Everything is computed in float32 by log-sum-exp: ``exp(1 / 0.07)`` is 1.6e6 a term, beyond float16.

What the publication leaves open is settled so:

- ``Y_B`` is the set of distinct labels of the batch. Counted by items, a class that is drawn twice would
  weigh twice in its own denominator.
- The region term is a mean over the images that count, as ``L_CL`` is: ``lambda`` then means the same at
  every size of batch.
- An image without a class (label -1) is left out of ``L_R``, ``L_A`` and ``L_CL``; its spurious regions still
  belong to ``R^s``, which no label enters.
- An image without a region that is not spurious has nothing that could match: it does not count, as i or as
  j, but its label is in ``Y_B`` and ``L_CL`` learns from it.
- Vectors are made unit here; a zero vector is alike to nothing.

Varma et al., RaVL, NeurIPS 2024, section 4 (arXiv:2411.04097).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medaudit.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

#: Temperature of all similarities, and the share of ``L_CL``, as published.
TAU, LAMBDA = 0.07, 0.8


def choice_loss(images: Tensor, texts: Tensor, labels: Tensor, *, tau: float = TAU) -> Tensor:
    """``L_CL`` of a closed task: mean cross-entropy of each image's class among all class texts, a scalar.

    ``images`` (B, d), ``texts`` (Y, d), ``labels`` (B,), -1 for none. 0 where no image has a class.
    """
    import torch

    known = labels >= 0
    if not known.any():
        return _nothing(texts)
    logits = cosines(images, texts) / tau
    return torch.nn.functional.cross_entropy(logits[known], labels[known])


def relevance_loss(
    regions: Tensor, owners: Tensor, spurious: Tensor, texts: Tensor, labels: Tensor, *, tau: float = TAU
) -> Tensor:
    """Mean ``L_R``: the class is found in a region that is not spurious, and no class in one that is.

    ``regions`` (R, d), ``owners`` (R,) places of their images in the batch, ``spurious`` (R,) bool,
    ``texts`` (Y, d), ``labels`` (B,). A scalar, 0 where no image counts.
    """
    import torch

    scores, best, counted = _scored(regions, owners, spurious, texts, labels, tau)
    if not counted.any():
        return _nothing(texts)
    present = torch.unique(labels[labels >= 0])
    own = best[counted, labels[counted]]
    loudest = scores[spurious][:, present].amax(dim=1)
    beside = loudest.expand(len(own), -1)
    return (torch.cat([best[counted][:, present], beside], dim=1).logsumexp(dim=1) - own).mean()


def alignment_loss(
    regions: Tensor, owners: Tensor, spurious: Tensor, texts: Tensor, labels: Tensor, *, tau: float = TAU
) -> Tensor:
    """Mean ``L_A``: a class's text is nearer to its own images' regions than to others' and spurious ones.

    Arguments as for :func:`relevance_loss`. A scalar, 0 where no image counts.
    """
    import torch

    scores, best, counted = _scored(regions, owners, spurious, texts, labels, tau)
    if not counted.any():
        return _nothing(texts)
    classes = labels[counted]
    own = best[counted, classes]
    rivals = best[counted][:, classes].T  # (i, j): m(j, y_i)
    rivals = rivals.masked_fill(classes[:, None] == classes[None, :], -torch.inf)
    beside = scores[spurious][:, classes].T
    return (torch.cat([own[:, None], rivals, beside], dim=1).logsumexp(dim=1) - own).mean()


def region_aware_loss(
    images: Tensor,
    regions: Tensor,
    owners: Tensor,
    spurious: Tensor,
    texts: Tensor,
    labels: Tensor,
    *,
    tau: float = TAU,
    lam: float = LAMBDA,
) -> Tensor:
    """``L``, a scalar; with ``lam`` 1 it is ``L_CL`` alone: plain tuning.

    ``images`` (B, d), the others as for :func:`relevance_loss`. Raises UsageError for ``tau`` or ``lam`` out
    of bounds, or shapes that do not fit.
    """
    if not 0 <= lam <= 1 or not tau > 0:
        raise UsageError(f"lambda {lam}, tau {tau}: give lambda from 0 to 1 and tau above 0.")
    whole = choice_loss(images, texts, labels, tau=tau)
    if lam == 1:
        return whole
    parts = (regions, owners, spurious, texts, labels)
    return lam * whole + (1 - lam) * (relevance_loss(*parts, tau=tau) + alignment_loss(*parts, tau=tau))


def cosines(a: Tensor, b: Tensor) -> Tensor:
    """(n, d) and (m, d) to (n, m), in float32."""
    import torch

    unit = torch.nn.functional.normalize
    return unit(a.float(), dim=-1) @ unit(b.float(), dim=-1).T


def _scored(
    regions: Tensor, owners: Tensor, spurious: Tensor, texts: Tensor, labels: Tensor, tau: float
) -> tuple[Tensor, Tensor, Tensor]:
    """s (R, Y); m (B, Y), -inf where an image has no other region; and which images count, (B,)."""
    if not len(regions) == len(owners) == len(spurious):
        raise UsageError(
            f"{len(regions)} regions, {len(owners)} owners, {len(spurious)} marks: give one of each a region."
        )
    scores = cosines(regions, texts) / tau
    other = ~spurious
    best = scores.new_full((len(labels), len(texts)), float("-inf"))
    index = owners[other][:, None].expand(-1, len(texts))
    best = best.scatter_reduce(0, index, scores[other], "amax")
    return scores, best, (labels >= 0) & best.isfinite().all(dim=1)


def _nothing(like: Tensor) -> Tensor:
    return like.new_zeros((), dtype=like.float().dtype)
