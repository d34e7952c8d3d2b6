"""The models of ``benchmarks/spurious.py``: tiny contrastive encoders, trained side by side in one program.

Two convolutions, a mean over the map, a projection; ten fixed orthonormal class vectors are the locked text
tower, tau = 0.07. Models lie in the groups of one convolution: each sees its own pictures and nothing of the
others. The same code runs on a GPU, several hundred at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from spurious_scenes import CLASSES, SIDE, TRAIN_GLYPHS, Scenes, render, scenes

from medaudit.image import keyed_rng
from medaudit.regions.scores import TEMPERATURE

if TYPE_CHECKING:
    from torch import Tensor

WIDTHS, VECTOR, KERNEL = (16, 32), 32, 5
TRAINING, STEPS, BATCH, RATE = 4_000, 300, 64, 5e-3
MAP = SIDE // 4


@dataclass(frozen=True, order=True)
class Spec:
    """One model: the mark's association with its class in training, and which of its kind it is."""

    v: float
    number: int

    @property
    def name(self) -> str:
        """File name without suffix."""
        return f"v{self.v:.1f}-{self.number:03d}"

    @property
    def target(self) -> int:
        """The class that the mark goes with; at V = 0 the class that it is taken to go with."""
        return int(keyed_rng("spurious bench", "target", self.v, self.number).integers(CLASSES))

    def seed(self, what: str) -> int:
        """A seed of torch."""
        return int(keyed_rng("spurious bench", what, self.v, self.number).integers(2**62))

    def training(self) -> Scenes:
        """Its training set."""
        rng = keyed_rng("spurious bench", "training", self.v, self.number)
        return scenes(TRAINING, self.target, self.v, rng, (0, TRAIN_GLYPHS))


Stack = dict[str, "Tensor"]


def texts() -> Any:
    """The locked text tower: orthonormal class vectors ``(10, d)``."""
    square = keyed_rng("spurious bench", "texts").normal(size=(VECTOR, VECTOR))
    return np.linalg.qr(square)[0][:CLASSES].astype(np.float32)


def fresh(specs: Sequence[Spec], device: str) -> Stack:
    """Untrained weights of models side by side: a leading axis of models."""
    import torch

    shapes = {
        "first": (WIDTHS[0], 3, KERNEL, KERNEL),
        "second": (WIDTHS[1], WIDTHS[0], KERNEL, KERNEL),
        "head": (VECTOR, WIDTHS[1]),
    }
    # A head that starts small lets its bias, the same for all pictures, rule at first: no class is preferred.
    gain = {"first": 2.0, "second": 2.0, "head": 0.03}
    stack = {}
    for name, shape in shapes.items():
        fan = int(np.prod(shape[1:]))
        drawn = [
            torch.randn(shape, generator=torch.Generator().manual_seed(spec.seed(name))) for spec in specs
        ]
        stack[name] = (torch.stack(drawn) * (gain[name] / fan) ** 0.5).to(device)
        stack[f"{name} bias"] = torch.zeros((len(specs), shape[0]), device=device)
    stack["head bias"] += 0.1
    return stack


def maps(stack: Stack, pictures: Tensor) -> Tensor:
    """Final maps ``(M, n, channels, 8, 8)`` of each model's own pictures ``(M, n, 3, 32, 32)``."""
    from torch.nn.functional import conv2d, relu

    models, n = pictures.shape[:2]
    wide = ((pictures - 0.2) / 0.25).transpose(0, 1).reshape(n, models * 3, SIDE, SIDE)
    for name in ("first", "second"):
        weight, bias = stack[name].flatten(0, 1), stack[f"{name} bias"].flatten()
        wide = relu(conv2d(wide, weight, bias, stride=2, padding=KERNEL // 2, groups=models))
    return wide.view(n, models, WIDTHS[1], MAP, MAP).transpose(0, 1)


def projected(stack: Stack, means: Tensor) -> Tensor:
    """Unit vectors ``(M, m, d)`` from means over parts of the map ``(M, m, channels)``."""
    import torch
    from torch.nn.functional import normalize

    return normalize(torch.baddbmm(stack["head bias"][:, None], means, stack["head"].transpose(1, 2)), dim=-1)


def train(specs: Sequence[Spec], pool: Any, device: str, steps: int = STEPS) -> Stack:
    """Train models side by side, Adam, rising then falling; each by its own set, order and noise."""
    import torch

    digits, tower = torch.as_tensor(pool, device=device), torch.as_tensor(texts(), device=device)
    stack = {name: part.requires_grad_() for name, part in fresh(specs, device).items()}
    sets = [spec.training() for spec in specs]
    orders = [keyed_rng("spurious bench", "order", spec.name) for spec in specs]
    noises = [torch.Generator(device).manual_seed(spec.seed("noise")) for spec in specs]
    adam = torch.optim.Adam(list(stack.values()), lr=RATE)
    plan = torch.optim.lr_scheduler.OneCycleLR(adam, RATE, total_steps=steps, pct_start=0.2)
    for _ in range(steps):
        rows = [order.integers(TRAINING, size=BATCH) for order in orders]
        batches = [own.at(row) for own, row in zip(sets, rows, strict=True)]
        pictures = torch.stack([render(b, digits, g) for b, g in zip(batches, noises, strict=True)])
        vectors = projected(stack, maps(stack, pictures).mean(dim=(3, 4)))
        labels = torch.as_tensor(np.stack([b.label for b in batches]), device=device)
        logits = vectors @ tower.T / TEMPERATURE
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum")
        adam.zero_grad()
        (loss / BATCH).backward()
        adam.step()
        plan.step()
    return {name: part.detach() for name, part in stack.items()}


def box_means(found: Tensor, image: Any, boxes: Any) -> Tensor:
    """Means of maps ``(n, channels, 8, 8)`` over boxes ``(R, 4)`` in pixels, cells weighted by cover.

    ``image`` ``(R,)`` is the picture of each box; returns ``(R, channels)``.
    """
    import torch

    given = torch.as_tensor(np.asarray(boxes, np.float32), device=found.device) * MAP / SIDE
    cells = torch.arange(MAP, device=found.device)

    def covered(first: Tensor, last: Tensor) -> Tensor:
        return (torch.minimum(last[:, None], cells + 1) - torch.maximum(first[:, None], cells)).clamp(min=0)

    across, down = covered(given[:, 0], given[:, 2]), covered(given[:, 1], given[:, 3])
    weights = down[:, :, None] * across[:, None, :]
    weights = weights / weights.sum(dim=(1, 2), keepdim=True)
    return torch.einsum("rcyx,ryx->rc", found[torch.as_tensor(image)], weights)


def recipe() -> str:
    """Names the folder of models that this code makes; other settings, another folder."""
    code = b"".join(
        Path(__file__).with_name(f"spurious_{each}.py").read_bytes() for each in ("scenes", "models")
    )
    return hashlib.sha256(code).hexdigest()[:12]


def save(specs: Sequence[Spec], stack: Stack, folder: Path) -> None:
    """One file a model, so that a run resumes and models can be tuned further."""
    folder.mkdir(parents=True, exist_ok=True)
    for at, spec in enumerate(specs):
        part = folder / f"{spec.name}.part.npz"
        np.savez(part, **{name: weights[at].cpu().numpy() for name, weights in stack.items()})
        part.replace(folder / f"{spec.name}.npz")


def load(spec: Spec, folder: Path, device: str = "cpu") -> Stack:
    """A stack of one model from its file."""
    import torch

    with np.load(folder / f"{spec.name}.npz") as held:
        return {name: torch.as_tensor(held[name][None], device=device) for name in held.files}


def joined(stacks: Sequence[Stack]) -> Stack:
    """Models side by side again."""
    import torch

    return {name: torch.cat([each[name] for each in stacks]) for name in stacks[0]}
