"""Anybody's own flaw: three lines that say what it answers, and a model that has it."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from medaudit.errors import UsageError
from medaudit.phantoms import BASE, checkpoint
from medaudit.phantoms.flaws import Flaw

#: Hidden: it is about the folder's making, and no file that decides an answer.
_NOTE = ".planting.json"


def plant(
    flaw: Flaw,
    folder: Path | str,
    *,
    seed: int = 0,
    steps: int | None = None,
    cases: int | None = None,
    device: str = "cpu",
    tell: Callable[[str], None] = print,
) -> Path:
    """Teach a copy of the clean phantom this flaw; the folder holds the adapter and its truth card.

    Use it as any adapter (``medaudit scan phantom:clean --adapter FOLDER``), or let ``medaudit calibrate
    --phantom FOLDER`` measure whether it is found. The card says how faithfully the flaw was learnt
    (``as_planted``): below 0.9 give it more ``steps``. Interrupted, the same call goes on; called again with
    other steps, another seed or another flaw it starts anew. UsageError for a folder that holds other things.
    """
    from medaudit.phantoms.adapters import STEPS, train_adapters
    from medaudit.phantoms.measure import CARD_CASES, write_card

    home, taught, measured = Path(folder), steps or STEPS, cases or CARD_CASES
    command = f"medaudit.phantoms.plant({flaw.name!r}, FOLDER, seed={seed}, steps={taught})"
    _begin(home, {"command": command, "flaw": flaw.says, "cases": measured, "answers": _lesson(flaw)})
    if (home / "card.json").is_file():
        return home
    if not (home / "adapter_model.safetensors").is_file():
        train_adapters([(flaw, seed, home)], checkpoint(BASE), steps=taught, device=device, tell=tell)
    training = {"kind": "adapter", "side_by_side_with": []}
    write_card(home, flaw, seed=seed, command=command, training=training, cases=measured, base=None)
    return home


def _begin(home: Path, wanted: dict[str, Any]) -> None:
    """Note in the folder what is planted there; what was planted otherwise is planted anew."""
    from medaudit.audit import write_text
    from medaudit.phantoms.student import STATE

    note = home / _NOTE
    text = json.dumps(wanted)
    if note.is_file() and note.read_text(encoding="utf-8") == text:
        return
    if not note.is_file() and home.is_dir() and any(home.iterdir()):
        raise UsageError(f"{home}: holds something else already; give plant() a folder of its own.")
    for name in (STATE, "adapter_model.safetensors", "card.json"):
        (home / name).unlink(missing_ok=True)
    home.mkdir(parents=True, exist_ok=True)
    write_text(note, text)


def _lesson(flaw: Flaw) -> str:
    """Digest of what the flaw answers to a few pictures: another function is another flaw."""
    from medaudit.phantoms.cases import drawn
    from medaudit.phantoms.flaws import Shown

    noises = (0.0, 0.1)
    rows = drawn(flaw.data, 200, 0)
    said = [flaw.answer(question, Shown(pic, noise=noise)) for _, pic, question in rows for noise in noises]
    return sha256("|".join(said).encode()).hexdigest()
