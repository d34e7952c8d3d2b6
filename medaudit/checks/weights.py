"""Is the network in memory the one that somebody trained?"""

from __future__ import annotations

from typing import Any

from medaudit.checks.bench import Bench, Outcome
from medaudit.models.loading import NOT_LOADED
from medaudit.whitebox.reach import NotReached


def capabilities(bench: Bench) -> Outcome:
    """What the model declares that it can do."""
    offered = sorted(capability.value for capability in bench.offered)
    return ("works", ", ".join(offered)) if offered else ("fails", "the model offers nothing")


def weights(bench: Bench) -> Outcome:
    """Whether every tensor of the architecture came from the checkpoint."""
    info = bench.model.info
    lost = [note for note in info.notes if note.startswith(NOT_LOADED)]
    if lost:
        return "fails", lost[0]
    if not info.files:
        return "not_applicable", "no checkpoint files to look at"
    return "works", f"{info.parameters or 0:,} parameters, every tensor from {len(info.files)} files"


def vision_tower(bench: Bench) -> Outcome:
    """Whether anybody trained the vision tower: training moves a norm layer's weight from 1 and bias from 0.

    A tower that was initialised again before saving has every tensor in the checkpoint, and knows nothing.
    """
    network: Any = getattr(bench.model, "network", None)
    if network is None:
        return "not_applicable", "no weights to look at"
    try:
        norms = _norms(_tower(network))
    except (NotReached, AttributeError) as reason:
        return "not_applicable", str(reason) or "no vision tower"
    if not norms:
        return "not_applicable", "its vision tower has no norm layer, whose first numbers are known"
    fresh = sum(_untouched(norm) for norm in norms)
    if fresh == len(norms):
        return (
            "fails",
            "vision tower holds the numbers it was initialised with: "
            f"all {fresh} norm layers have weight 1 and bias 0 exactly",
        )
    return "works", f"{len(norms) - fresh} of {len(norms)} norm layers moved from weight 1 and bias 0"


def _tower(network: Any) -> Any:
    from medaudit.whitebox import modules

    return modules.vision_tower(network)


def _norms(tower: Any) -> list[Any]:
    return [
        part
        for part in tower.modules()
        if "norm" in type(part).__name__.lower() and getattr(part, "weight", None) is not None
    ]


def _untouched(norm: Any) -> bool:
    """Exactly the numbers of a new layer: weight 1 (or 0, where the layer adds 1 itself), bias 0."""
    kept = dict(norm.named_buffers(recurse=False)) | dict(norm.named_parameters(recurse=False))
    start = {"weight": (1.0, 0.0), "bias": (0.0,), "running_mean": (0.0,), "running_var": (1.0,)}
    return all(
        any(bool((tensor == number).all()) for number in start[name])
        for name, tensor in kept.items()
        if name in start and tensor is not None
    )


def projector(bench: Bench) -> Outcome:
    """Whether a matrix between vision tower and language model is zero throughout: nothing passes it."""
    network: Any = getattr(bench.model, "network", None)
    if network is None:
        return "not_applicable", "no weights to look at"
    between = _between(network)
    if not between:
        return "not_applicable", "no matrix between vision tower and language model"
    dead = [name for name, tensor in between.items() if not bool(tensor.any())]
    if dead:
        return "fails", f"{len(dead)} of {len(between)} matrices are zero throughout: {dead[0]}"
    return "works", f"none of {len(between)} matrices is zero throughout"


def _between(network: Any) -> dict[str, Any]:
    """Matrices outside the vision blocks and the language model, without embeddings and output heads."""
    from medaudit.whitebox import modules

    try:
        around = [modules.vision_tower(network), modules.decoder(network)]
    except (NotReached, AttributeError):
        return {}
    # A merger inside the tower (Qwen, GLM) is the projector all the same.
    blocks = modules.vision_blocks(network) if _merges_inside(around[0]) else around[0]
    outside = {id(tensor) for part in (blocks, around[1]) for tensor in part.parameters()}
    outside |= {id(tensor) for part in _vocabulary(network) for tensor in part.parameters()}
    return {
        name: tensor
        for name, tensor in network.named_parameters()
        if tensor.dim() > 1 and id(tensor) not in outside and tensor.device.type != "meta"
    }


def _vocabulary(network: Any) -> list[Any]:
    """Token embeddings and output head, where the type has them."""
    found = []
    for name in ("get_input_embeddings", "get_output_embeddings"):
        try:
            found.append(getattr(network, name)())
        except (NotImplementedError, AttributeError):
            continue
    return [part for part in found if part is not None]


def _merges_inside(tower: Any) -> bool:
    return any("merger" in name for name, _ in tower.named_children())
