"""How strong a model phantom's flaw is, on fresh pictures: the numbers of its truth card."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from medaudit.case import Case
from medaudit.phantoms import hf
from medaudit.phantoms.cases import case_set
from medaudit.prompting import prompt_for

#: Far from the seeds that audits use by default: the card's pictures are nobody's test set.
CARD_SEED = 90_001
CARD_CASES = 2_000


class Examinee:
    """A model folder, loaded as any user would load it, and asked in batches."""

    def __init__(self, folder: Path, batch: int = 64) -> None:
        library = hf.transformers()
        self.processor: Any = library.AutoProcessor.from_pretrained(folder)
        self.model: Any = library.AutoModelForImageTextToText.from_pretrained(folder).eval()
        self._batch = batch

    def answers(self, cases: Sequence[Case]) -> list[str]:
        """Greedy answers, in order."""
        found: list[str] = []
        for start in range(0, len(cases), self._batch):
            found += self._ask(cases[start : start + self._batch])
        return found

    def _ask(self, cases: Sequence[Case]) -> list[str]:
        import torch
        from PIL import Image

        pictures = [[Image.fromarray(case.images[0].pixels())] for case in cases]
        texts = [self._templated(prompt_for(case)) for case in cases]
        inputs = self.processor(images=pictures, text=texts, padding=True, return_tensors="pt")
        with torch.inference_mode():
            tokens = self.model.generate(**inputs)[:, inputs["input_ids"].shape[1] :]
        decoded: list[str] = self.processor.batch_decode(tokens, skip_special_tokens=True)
        return [text.strip() for text in decoded]

    def _templated(self, prompt: str) -> str:
        content = [{"type": "image"}, {"type": "text", "text": prompt}]
        message = [{"role": "user", "content": content}]
        text: str = self.processor.apply_chat_template(message, add_generation_prompt=True, tokenize=False)
        return text


def accuracy(cases: Sequence[Case], answers: Sequence[str]) -> float:
    """Share of answers equal to the reference."""
    return float(np.mean([case.answer == answer for case, answer in zip(cases, answers, strict=True)]))


def swapped(cases: Sequence[Case]) -> list[Case]:
    """Every case with the picture of the one in the middle distance: another patient's, half a set away."""
    half = len(cases) // 2
    return [
        replace(case, images=cases[(i + half) % len(cases)].images, regions=())
        for i, case in enumerate(cases)
    ]


def measured(folder: Path, n: int = CARD_CASES, seed: int = CARD_SEED) -> dict[str, Any]:
    """Accuracies by question and by site, and how often a swapped picture changes the answer."""
    examinee = Examinee(folder)
    plain = case_set("chest", n, seed).cases
    answers = examinee.answers(plain)
    swaps = examinee.answers(swapped(plain))
    strength: dict[str, Any] = {
        "cases": n,
        "seed": seed,
        "chest": accuracy(plain, answers),
        "chest_by_question": _by_question(plain, answers),
        "changed_by_swap": float(np.mean([a != b for a, b in zip(answers, swaps, strict=True)])),
    }
    marked = case_set("chest-marker", n, seed).cases
    marked_answers = examinee.answers(marked)
    for site in ("home", "away"):
        strength[f"chest_marker_{site}"] = _where(marked, marked_answers, site, "")
        strength[f"opacity_{site}"] = _where(marked, marked_answers, site, "Is there an opacity?")
    return strength


def _by_question(cases: Sequence[Case], answers: Sequence[str]) -> dict[str, float]:
    questions = sorted({case.question for case in cases})
    picked = {q: [i for i, case in enumerate(cases) if case.question == q] for q in questions}
    return {q: accuracy([cases[i] for i in at], [answers[i] for i in at]) for q, at in picked.items()}


def _where(cases: Sequence[Case], answers: Sequence[str], site: str, question: str) -> float:
    at = [i for i, c in enumerate(cases) if c.meta["site"] == site and question in ("", c.question)]
    return accuracy([cases[i] for i in at], [answers[i] for i in at])


def write_card(
    folder: Path, *, name: str, flaw: str, data: str, seed: int, command: str, cases: int = CARD_CASES
) -> dict[str, Any]:
    """Measure a folder on fresh cases and write its ``card.json``."""
    import hashlib
    from importlib.metadata import version

    card = {
        "name": name,
        "flaw": flaw,
        "data": data,
        "measured": measured(folder, cases),
        "seed": seed,
        "command": command,
        "weights_sha256": hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest(),
        "versions": {package: version(package) for package in ("torch", "transformers", "numpy")},
    }
    (folder / "card.json").write_text(json.dumps(card, indent=2) + "\n")
    return card
