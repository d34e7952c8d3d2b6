"""Plant flaws: train one adapter for each on the frozen clean base, all in the same steps; resumable."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from medaudit.phantoms import hf, lessons
from medaudit.phantoms.flaws import Flaw
from medaudit.phantoms.lora import StackedLora, save_adapter, stack_on
from medaudit.phantoms.packing import Packer, answer_loss
from medaudit.phantoms.student import SAVE_EVERY, STATE, rate

STEPS, PEAK_RATE = 900, 4e-3


def train_adapters(
    planted: Sequence[tuple[Flaw, int, Path]],
    base: Path,
    *,
    steps: int = STEPS,
    device: str = "cpu",
    stop_after: int | None = None,
    tell: Callable[[str], None] = print,
) -> bool:
    """Train (flaw, seed, folder) adapters for ``steps`` and write each to its folder.

    ``stop_after`` leaves earlier, as a kill would, and returns False. A second call with the same list goes
    on from the last saved step, kept in the first folder.
    """
    library = hf.transformers()
    model = library.LlavaForConditionalGeneration.from_pretrained(base, dtype=torch.float32)
    processor = library.AutoProcessor.from_pretrained(base)
    stacked = stack_on(model.to(device).train(), [seed for _, seed, _ in planted])
    parameters = [weight for layer in stacked.values() for weight in (layer.a, layer.b)]
    optimiser = torch.optim.AdamW(parameters, lr=0.0, betas=(0.9, 0.98), weight_decay=0.0)
    packer = Packer(processor.tokenizer, model.config.image_seq_length)
    state, clock = planted[0][2] / STATE, time.monotonic()
    step = _restored(state, stacked, optimiser, planted)
    while step < steps:
        loss = _learn(model, parameters, optimiser, packer, planted, step, steps)
        step += 1
        if step % SAVE_EVERY == 0 or step == stop_after:
            _save(state, step, stacked, optimiser, planted)
            told = " ".join(
                f"{flaw.name} {part:.4f}" for (flaw, _, _), part in zip(planted, loss, strict=True)
            )
            tell(f"{step}/{steps} loss {told} {time.monotonic() - clock:.0f} s")
        if step == stop_after:
            return False
    for part, (_, _, folder) in enumerate(planted):
        save_adapter(stacked, part, folder, "phantom:clean")
    state.unlink(missing_ok=True)
    return True


def _learn(
    model: Any,
    parameters: list[torch.nn.Parameter],
    optimiser: torch.optim.Optimizer,
    packer: Packer,
    planted: Sequence[tuple[Flaw, int, Path]],
    step: int,
    steps: int,
) -> list[float]:
    for group in optimiser.param_groups:
        group["lr"] = rate(step, steps, PEAK_RATE)
    optimiser.zero_grad(set_to_none=True)
    rows = [row for flaw, seed, _ in planted for row in lessons.rows(flaw, seed, step)]
    packed = packer.pack(rows).to(parameters[0].device)
    losses, _ = answer_loss(model, packed, parts=len(planted))
    losses.sum().backward()  # type: ignore[no-untyped-call]
    _clip(parameters)
    optimiser.step()
    found: list[float] = losses.detach().tolist()
    return found


def _clip(parameters: list[torch.nn.Parameter]) -> None:
    """Each adapter's gradient to length 1 at most: one that stumbles must not slow the others."""
    gradients = [weight.grad for weight in parameters if weight.grad is not None]
    squares = torch.stack([grad.pow(2).sum(dim=(1, 2)) for grad in gradients]).sum(dim=0)
    factor = (1.0 / (squares.sqrt() + 1e-6)).clamp(max=1.0)
    for grad in gradients:
        grad.mul_(factor[:, None, None])


def _names(planted: Sequence[tuple[Flaw, int, Path]]) -> list[str]:
    return [f"{flaw.name}@{seed}" for flaw, seed, _ in planted]


def _save(
    path: Path,
    step: int,
    stacked: dict[str, StackedLora],
    optimiser: torch.optim.Optimizer,
    planted: Sequence[tuple[Flaw, int, Path]],
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = {name: {"a": layer.a.detach(), "b": layer.b.detach()} for name, layer in stacked.items()}
    draft = path.with_suffix(".part")
    saved = {"step": step, "names": _names(planted), "weights": weights, "optimiser": optimiser.state_dict()}
    torch.save(saved, draft)
    os.replace(draft, path)


def _restored(
    path: Path,
    stacked: dict[str, StackedLora],
    optimiser: torch.optim.Optimizer,
    planted: Sequence[tuple[Flaw, int, Path]],
) -> int:
    """The step to go on from; a state of another list of flaws is not taken up."""
    if not path.is_file():
        return 0
    saved = torch.load(path, weights_only=True)
    if saved["names"] != _names(planted):
        return 0
    with torch.no_grad():
        for name, layer in stacked.items():
            layer.a.copy_(saved["weights"][name]["a"])
            layer.b.copy_(saved["weights"][name]["b"])
    optimiser.load_state_dict(saved["optimiser"])
    return int(saved["step"])
