"""How requests become batches: similar cost together, the same batches on every run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from medaudit.model import ModelInfo, Request

#: Larger batches gain nothing on a CPU and cost memory.
CPU_BATCH = 32
CUDA_BATCH = 64


@dataclass(frozen=True)
class Item:
    """A request with its key."""

    key: str
    request: Request


def default_batch_size(info: ModelInfo) -> int:
    """Batch size when the user says ``auto``: fixed by device, so that a resumed run batches alike."""
    return CUDA_BATCH if (info.device or "").startswith("cuda") else CPU_BATCH


def plan_batches(items: Sequence[Item], cost: Callable[[Request], int], size: int) -> list[list[Item]]:
    """Group items into batches of one task and similar cost.

    The order depends on the items alone. Replicates are shuffled by their key, so that the same question
    meets other companions than it did at first: that is what the noise floor measures.
    """

    def order(item: Item) -> tuple[str, int, str, int, str, str]:
        request = item.request
        spread = hashlib.blake2b(item.key.encode(), digest_size=8).hexdigest() if request.replicate else ""
        picture = request.images[0].digest if request.images and not spread else ""
        has_image = len(request.images)
        size = has_image * 1_000_000 + cost(request)
        return (request.task.value, request.replicate, request.where, size, spread, picture)

    alone = [[item] for item in items if item.request.alone]
    together = sorted((item for item in items if not item.request.alone), key=order)
    batches: list[list[Item]] = []
    for item in together:
        last = batches[-1] if batches else None
        if last is None or len(last) >= size or not _compatible(last[0].request, item.request):
            batches.append([item])
        else:
            last.append(item)
    return batches + alone


def _compatible(a: Request, b: Request) -> bool:
    """Batches share task, number of images, replicate, decoding length, intervention and place."""
    return _kind(a) == _kind(b)


def _kind(request: Request) -> tuple[object, ...]:
    return (
        request.task,
        len(request.images),
        request.replicate,
        request.max_new_tokens,
        request.intervention,
        request.where,
    )
