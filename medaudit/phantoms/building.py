"""Build model phantoms: train what is missing, measure it, write its truth card. Resumable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medaudit.errors import UsageError
from medaudit.phantoms import BASE, checkpoint
from medaudit.phantoms.cache import cache_folder
from medaudit.phantoms.flaws import FLAWS, Flaw

CLIP = "clip-"
#: A clean adapter: planted like a flaw, with nothing planted. The control of planting itself.
TWIN = "clean-twin"


@dataclass(frozen=True)
class Order:
    """One phantom to build: its folder's name, the flaw, the seed."""

    name: str
    flaw: Flaw
    seed: int

    @property
    def kind(self) -> str:
        if self.name.startswith(CLIP):
            return "contrastive"
        return "base" if self.name.partition("@")[0] == BASE else "adapter"


def buildable() -> list[str]:
    """Names that ``medaudit phantoms build`` takes."""
    return [*FLAWS, TWIN, f"{CLIP}clean", f"{CLIP}shortcut-marker"]


def order(name: str, seed: int) -> Order:
    """What to build for a name; seeds other than 0 show in the folder's name."""
    if name not in buildable():
        raise UsageError.unknown("phantom to build", name, buildable())
    flaw = FLAWS["clean" if name == TWIN else name.removeprefix(CLIP)]
    return Order(name if seed == 0 else f"{name}@{seed}", flaw, seed)


def build(
    names: Sequence[str],
    *,
    seeds: Sequence[int] = (0,),
    out: Path | None = None,
    base: Path | None = None,
    device: str = "cpu",
    steps: int | None = None,
    card_cases: int | None = None,
    tell: Callable[[str], None] = print,
) -> list[Path]:
    """Build each name with each seed into ``out`` (the cache, unless given) and return the folders.

    All adapters are trained in one go, side by side. A folder that has its truth card is left as it is; one
    without goes on from where it stopped.
    """
    home = out or cache_folder()
    wanted = [order(name, seed) for seed in seeds for name in dict.fromkeys(names)]
    ready = [each for each in wanted if (home / each.name / "card.json").is_file()]
    for each in ready:
        tell(f"{each.name} is there already: {home / each.name}")
    missing = [each for each in wanted if each not in ready]
    trained = {"steps": steps} if steps else {}
    for each in missing:
        if each.kind != "adapter":
            _train_alone(each, home, base, device, trained, tell)
    together = [each for each in missing if each.kind == "adapter" and not _has_weights(home / each.name)]
    if together:
        from medaudit.phantoms.adapters import train_adapters

        planted = [(each.flaw, each.seed, home / each.name) for each in together]
        train_adapters(planted, base or checkpoint(BASE), device=device, tell=tell, **trained)
    for each in missing:
        _card(each, home, base, steps, card_cases, [x.name for x in together])
        tell(f"{each.name} built: {home / each.name}")
    return [home / each.name for each in wanted]


def _has_weights(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("model.safetensors", "adapter_model.safetensors"))


def _train_alone(
    wanted: Order,
    home: Path,
    base: Path | None,
    device: str,
    trained: dict[str, int],
    tell: Callable[[str], None],
) -> None:
    folder = home / wanted.name
    if _has_weights(folder):
        return
    if wanted.kind == "base":
        from medaudit.phantoms.train import train_base

        train_base(folder, seed=wanted.seed, device=device, tell=tell, **trained)
        return
    from medaudit.phantoms.contrastive import train_contrastive

    start = base or checkpoint(BASE)
    train_contrastive(wanted.flaw, folder, base=start, seed=wanted.seed, device=device, tell=tell, **trained)


def _card(
    wanted: Order, home: Path, base: Path | None, steps: int | None, cases: int | None, together: list[str]
) -> None:
    from medaudit.phantoms.measure import CARD_CASES, write_card

    name = wanted.name.partition("@")[0]
    typed = f"medaudit phantoms build {name} --seed {wanted.seed}" + (f" --steps {steps}" if steps else "")
    training: dict[str, Any] = {"kind": wanted.kind}
    if wanted.kind == "adapter":
        # Side by side, sums round in another order: the same flaw, other last bits.
        training["side_by_side_with"] = [each for each in together if each != wanted.name]
    write_card(
        home / wanted.name,
        wanted.flaw,
        seed=wanted.seed,
        command=typed,
        training=training,
        cases=cases or CARD_CASES,
        base=base,
    )
