"""A folder of cases whose right answer is their brightness, and models that read it or do not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

MODELS = """
import os, time

LOG = os.environ.get("MODEL_LOG")
PAUSE = float(os.environ.get("MODEL_PAUSE", "0"))


def note(images, prompt):
    if LOG:
        with open(LOG, "a") as log:
            log.write(repr((prompt, [hash(image.tobytes()) for image in images])) + "\\n")
    if PAUSE:
        time.sleep(PAUSE)


def reader():
    def brightness(images, prompt):
        note(images, prompt)
        if not images:
            return "I cannot tell without an image"
        return "yes" if images[0].getpixel((0, 0))[0] > 127 else "no"
    return brightness


def agreeable():
    return lambda images, prompt: "yes"


def chatty():
    print("loading the weights")

    def talk(images, prompt):
        print("thinking")
        return "yes"
    return talk


def quitter():
    raise SystemExit(0)


def deserter():
    def leave(images, prompt):
        raise SystemExit(0)
    return leave


def hostile():
    def fail(images, prompt):
        raise ValueError("\\x1b[31mred\\x07")
    return fail


def broken():
    def fail(images, prompt):
        raise RuntimeError("the weights are on fire")
    return fail
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_cases(tmp_path / "data", 60)


@pytest.fixture
def make_data(tmp_path: Path) -> Callable[[int], Path]:
    return lambda n: write_cases(tmp_path / f"data{n}", n)


def write_cases(folder: Path, n: int) -> Path:
    (folder / "img").mkdir(parents=True)
    rng = np.random.default_rng(0)
    lines = []
    for number in range(n):
        bright = number % 2 == 0
        pixels = rng.integers(0, 100, (16, 16, 3)) + (150 if bright else 0)
        pixels[0, 0] = 250 if bright else 5
        Pillow.fromarray(pixels.astype(np.uint8)).save(folder / "img" / f"{number}.png")
        case = {
            "id": f"c{number}",
            "images": [f"img/{number}.png"],
            "question": "Is it bright?",
            "options": ["yes", "no"],
            "answer": "yes" if bright else "no",
            "group": f"p{number // 2}",
            "meta": {"sex": "F" if number % 4 < 2 else "M"},
        }
        lines.append(json.dumps(case))
    (folder / "cases.jsonl").write_text("\n".join(lines))
    return folder


@pytest.fixture
def models(tmp_path: Path) -> Path:
    path = tmp_path / "models.py"
    path.write_text(MODELS)
    return path


@pytest.fixture
def medaudit(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line as a user does, in an empty folder, without the user's own settings."""
    home = tmp_path / "cwd"
    home.mkdir()

    def run(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("MEDAUDIT_")}
        return subprocess.run(
            [sys.executable, "-m", "medaudit", *map(str, words)],
            capture_output=True,
            text=True,
            cwd=home,
            env={**clean, **environment, "COLUMNS": "120", "PYTHONHASHSEED": "0"},
            timeout=300,
        )

    return run
