"""What does a model become when it learns from a few examples? Bounded tuning of a copy.

Low-rank adapters are trained on a copy of the network with AdamW, in evaluation mode (no dropout), then added
into the copy's weights. The model that was given is not touched, which digests before and after prove.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from medaudit.errors import ModelError, UsageError
from medaudit.model import Model, Request
from medaudit.whitebox.answer_loss import answer_loss
from medaudit.whitebox.lora import attach, digest, linear_layers

#: A tuned model is of the class of the model that it was made from, and is asked in the same way.
TunedModel = Model

#: From a model and places of examples to parts of their mean loss, which are added up: scalar tensors.
Objective: TypeAlias = Callable[[Any, Sequence[int]], Iterable[Any]]

MAX_STEPS = 1000
MAX_RANK = 64
MAX_BATCH = 256
#: Examples of one step, each run alone: padding would make a step depend on its companions.
STEP_EXAMPLES = 8


@dataclass(frozen=True)
class TuningReport:
    """What was trained, how far it went, and that nothing else changed.

    ``losses`` are means over each step's examples, before that step; ``loss_before`` and ``loss_after`` over
    all examples, taken in batches of a step's size. ``share`` = trained / all parameters. Digests are sha256
    over state dicts.
    """

    steps: int
    rank: int
    learning_rate: float
    seed: int
    target: str
    examples: int
    layers: int
    trained: int
    share: float
    losses: tuple[float, ...]
    loss_before: float
    loss_after: float
    base_digest: str
    adapter_digest: str
    seconds: float


def tune(
    model: Any,
    examples: Sequence[tuple[Request, str]],
    *,
    steps: int,
    rank: int = 4,
    learning_rate: float = 1e-3,
    seed: int = 0,
    target: str = "decoder",
) -> tuple[TunedModel, TuningReport]:
    """Train a copy of a local ``model`` to give each example's answer, and say what was done.

    The loss is the cross-entropy of the answer (:func:`~medaudit.whitebox.answer_loss.answer_loss`). The
    result is an ordinary model with a fingerprint of its own; the same seed gives the same weights on one
    device. ``target``: ``decoder``, ``vision`` or ``both``. Zero steps give a model with identical answers.
    Raises :class:`UsageError` for settings out of bounds and :class:`ModelError` for a model that cannot be
    tuned, or whose loss ceases to be a number.
    """

    def objective(learner: Any, chosen: Sequence[int]) -> Iterator[Any]:
        return (answer_loss(learner, *examples[place]) / len(chosen) for place in chosen)

    return tune_by(
        model, objective, len(examples), steps=steps, rank=rank, learning_rate=learning_rate, seed=seed,
        target=target,
    )  # fmt: skip


def tune_by(
    model: Any,
    objective: Objective,
    examples: int,
    *,
    steps: int,
    rank: int = 4,
    learning_rate: float = 1e-3,
    seed: int = 0,
    target: str = "decoder",
    batch: int = STEP_EXAMPLES,
) -> tuple[TunedModel, TuningReport]:
    """Train a copy of a local ``model`` to lower an ``objective`` over numbered examples; see :func:`tune`.

    The objective is called with the copy and the places of ``batch`` examples, those of a step; its parts are
    differentiated one by one, so that no more than one of them is held at a time.
    """
    check_bounds(steps, rank, learning_rate, examples, batch)
    _check_tunable(model)
    started, before = time.perf_counter(), digest(model.network.state_dict())
    network = copy.deepcopy(model.network).requires_grad_(False)
    layers = linear_layers(network, target)
    adapter = attach(network, layers, rank, seed)
    learner = _like(model, network)
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    first = _mean_loss(learner, objective, examples, batch)
    steps_drawn = _drawn(examples, steps, seed, batch)
    losses = _train(learner, trained, objective, steps_drawn, learning_rate)
    last = _mean_loss(learner, objective, examples, batch)
    said = digest({name: tensor for name, tensor in network.state_dict().items() if "lora_" in name})
    merged = adapter.merge_and_unload().requires_grad_(True)
    if digest(model.network.state_dict()) != before:
        raise ModelError(f"{model.info.id!r}: tuning a copy changed the model itself.")
    numbers = {"trained": sum(p.numel() for p in trained), "layers": len(layers), "examples": examples}
    report = TuningReport(
        steps=steps, rank=rank, learning_rate=learning_rate, seed=seed, target=target, **numbers,
        share=numbers["trained"] / sum(p.numel() for p in model.network.parameters()),
        losses=tuple(losses), loss_before=first, loss_after=last, base_digest=before, adapter_digest=said,
        seconds=time.perf_counter() - started,
    )  # fmt: skip
    return _like(model, merged, report), report


def check_bounds(steps: int, rank: int, rate: float, examples: int, batch: int) -> None:
    """Raise UsageError for settings out of bounds."""
    if not 0 <= steps <= MAX_STEPS:
        raise UsageError(f"steps {steps}: give 0 to {MAX_STEPS}.")
    if not 1 <= rank <= MAX_RANK:
        raise UsageError(f"rank {rank}: give 1 to {MAX_RANK}.")
    if not 0 < rate < math.inf:
        raise UsageError(f"learning rate {rate}: give a positive number.")
    if not 1 <= batch <= MAX_BATCH:
        raise UsageError(f"batch {batch}: give 1 to {MAX_BATCH} examples a step.")
    if not examples:
        raise UsageError("tuning needs at least one example.")


def _check_tunable(model: Any) -> None:
    network = getattr(model, "network", None)
    if network is None or not hasattr(network, "state_dict"):
        raise ModelError(f"{model.info.id!r} has no weights here: tuning works on local checkpoints only.")
    if getattr(network, "is_quantized", False):
        raise ModelError(f"{model.info.id!r} is quantised. Leave --quantize out to tune it.")
    if len(getattr(network, "hf_device_map", None) or ()) > 1:
        raise ModelError(f"{model.info.id!r} is spread over devices. Leave --device-map out to tune it.")


def _train(
    learner: Any, trained: list[Any], objective: Objective, drawn: Iterable[Sequence[int]], rate: float
) -> list[float]:
    import torch

    optimiser = torch.optim.AdamW(trained, lr=rate, weight_decay=0.0)
    losses: list[float] = []
    for chosen in drawn:
        optimiser.zero_grad()
        total = 0.0
        for part in objective(learner, chosen):
            if part.requires_grad:
                part.backward()
            total += float(part.detach())
        if not math.isfinite(total):
            raise ModelError(f"{learner.info.id!r}: the loss is not a number. Lower the learning rate.")
        if not losses and not any(p.grad is not None and bool(p.grad.any()) for p in trained):
            raise ModelError(f"{learner.info.id!r}: the layers to be tuned have no part in its answers.")
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        losses.append(total)
    return losses


def _drawn(number: int, steps: int, seed: int, batch: int) -> Iterator[list[int]]:
    """Places of each step's examples: every example once before any comes again."""
    from medaudit.image import keyed_rng

    waiting: list[int] = []
    for step in range(steps):
        if not waiting:
            waiting = [int(place) for place in keyed_rng(seed, "tuning", step).permutation(number)]
        yield waiting[:batch]
        waiting = waiting[batch:]


def _mean_loss(learner: Any, objective: Objective, number: int, batch: int) -> float:
    import torch

    total = 0.0
    with torch.no_grad():
        for start in range(0, number, batch):
            chosen = range(start, min(start + batch, number))
            total += len(chosen) * sum(float(part) for part in objective(learner, chosen))
    return total / number


def _like(model: Any, network: Any, report: TuningReport | None = None) -> Any:
    """An ordinary model around another network, with everything else as ``model`` has it."""
    from medaudit.models.loading import Parts

    info = model.info
    settings = {"base": info.fingerprint}
    notes = tuple(note for note in info.notes if not note.startswith("option scores"))
    if report is not None:
        settings["adapter"] = report.adapter_digest
        notes += (f"tuned: {report.steps} steps on {report.examples} examples, {report.layers} layers",)
    parts = Parts(
        network.eval(), copy.deepcopy(model.processor), info.id, tuple(info.files), settings,
        info.device, info.dtype, info.revision, notes,
    )  # fmt: skip
    return type(model)(parts)
