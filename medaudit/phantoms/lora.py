"""Many low-rank adapters on one frozen base, trained side by side: a batch is cut into one part for each.

``y = W x + (alpha / rank) B_k A_k x`` for the rows of part k. With one adapter this is ordinary LoRA; with
dozens the base is run once over all their rows, which keeps a large device busy.

References: Hu et al. 2021, LoRA, arXiv:2106.09685; batches of adapters after Chen et al. 2023,
arXiv:2310.18547.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

RANK, ALPHA = 8, 16


class StackedLora(torch.nn.Module):
    """A frozen linear layer with ``parts`` adapters; the first axis of its input is parts x rows."""

    def __init__(self, base: torch.nn.Linear, seeds: list[int], place: int) -> None:
        super().__init__()
        self.base = base.requires_grad_(False)
        # As in the paper: A small and random, B zero, so that training starts from the base's own answers.
        drawn = [_gaussian(seed, place, (base.in_features, RANK)) for seed in seeds]
        self.a = torch.nn.Parameter(torch.stack(drawn).to(base.weight.device))
        self.b = torch.nn.Parameter(
            torch.zeros(len(seeds), RANK, base.out_features, device=base.weight.device)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = x.reshape(self.a.shape[0], -1, x.shape[-1])
        low = torch.bmm(torch.bmm(parts, self.a), self.b) * (ALPHA / RANK)
        added: torch.Tensor = self.base(x) + low.reshape(*x.shape[:-1], -1)
        return added


def _gaussian(seed: int, place: int, shape: tuple[int, int]) -> torch.Tensor:
    source = torch.Generator().manual_seed(seed * 1_000_003 + place)
    drawn: torch.Tensor = torch.randn(shape, generator=source) / shape[0] ** 0.5
    return drawn


def stack_on(model: Any, seeds: list[int]) -> dict[str, StackedLora]:
    """Freeze the model and put adapters on every linear layer except the head; by module path."""
    model.requires_grad_(False)
    linear = [
        name
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and name != "lm_head"
    ]
    stacked = {}
    for place, name in enumerate(sorted(linear)):
        parent = model.get_submodule(name.rpartition(".")[0])
        layer = StackedLora(model.get_submodule(name), seeds, place)
        setattr(parent, name.rpartition(".")[2], layer)
        stacked[name] = layer
    return stacked


def save_adapter(stacked: dict[str, StackedLora], part: int, folder: Path, base: str) -> None:
    """Write one of the adapters as a folder that PEFT reads."""
    from peft import LoraConfig
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {}
    for name, layer in stacked.items():
        tensors[f"base_model.model.{name}.lora_A.weight"] = layer.a[part].detach().cpu().T.contiguous()
        tensors[f"base_model.model.{name}.lora_B.weight"] = layer.b[part].detach().cpu().T.contiguous()
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    (folder / "adapter_model.safetensors").chmod(0o644)
    config: Any = LoraConfig(
        r=RANK,
        lora_alpha=ALPHA,
        target_modules=sorted(stacked),
        base_model_name_or_path=base,
        inference_mode=True,
    )
    written = {name: value for name, value in config.to_dict().items() if value is not None}
    text = json.dumps(
        written, indent=1, sort_keys=True, default=lambda x: sorted(x) if isinstance(x, set) else str(x)
    )
    (folder / "adapter_config.json").write_text(text + "\n")
