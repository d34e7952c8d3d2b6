"""``medaudit check MODEL``: does the model answer as the audit will rely on it to answer?

Every check asks a handful of generated pictures and questions. A status is ``works``, ``fails``,
``not_applicable`` (the model offers no such thing) or ``note`` (worth knowing, no fault).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from medaudit.image import ArrayImage, Image, keyed_rng
from medaudit.model import Answer, Capability, Model, Request

#: An effect below this, in natural log, is not an effect (float32 rounding is some 1e-6).
ALIVE = 1e-4
#: Largest change of an option's summed log-likelihood by batching or by caching.
TOLERANCE = {"float32": 1e-3, "float16": 5e-2, "bfloat16": 4e-1}

_QUESTIONS = (
    "Is there an effusion?",
    "Is there a fracture in this image?",
    "Is the heart enlarged on this chest radiograph, compared with what you would expect?",
    "Normal?",
)
_FORMAT = "\nAnswer with one of: yes, no."


@dataclass(frozen=True)
class CheckResult:
    """One line of the table that ``medaudit check`` prints."""

    name: str
    status: str
    detail: str


def check_model(model: Model, seed: int = 0) -> list[CheckResult]:
    """Run every check on any model object; none stops the others."""
    checks: list[tuple[str, Callable[[_Bench], tuple[str, str]]]] = [
        ("capabilities", _capabilities),
        ("weights", _weights),
        ("image is used", _image_used),
        ("same input twice", _repeatable),
        ("batch of 1 equals batch of 4", _batching),
        ("option scores equal full passes", _brute_force),
        ("question without image", _text_only),
        ("several images", _several_images),
        ("token geometry", _geometry),
        ("speed", _speed),
    ]
    bench = _Bench(model, seed)
    results = [CheckResult(name, *_outcome(check, bench)) for name, check in checks]
    return results + [CheckResult("model", "note", note) for note in model.info.notes]


def _outcome(check: Callable[[_Bench], tuple[str, str]], bench: _Bench) -> tuple[str, str]:
    try:
        return check(bench)
    except Exception as error:  # a broken model raises anything; the table has to say so
        return "fails", f"{type(error).__name__}: {str(error)[:300]}"


class _Bench:
    """The model, and a fixed set of requests to it."""

    def __init__(self, model: Model, seed: int) -> None:
        self.model = model
        offered = model.info.capabilities
        self.task = Capability.CHOOSE if Capability.CHOOSE in offered else Capability.GENERATE
        self.pictures = [_picture(seed, number) for number in range(len(_QUESTIONS))]

    def requests(self, images: Sequence[tuple[Image, ...]], *, replicate: int = 0) -> list[Request]:
        options = ("yes", "no") if self.task is Capability.CHOOSE else ()
        return [
            Request(self.task, shown, question + _FORMAT, options, max_new_tokens=8, replicate=replicate)
            for shown, question in zip(images, _QUESTIONS, strict=False)
        ]

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        return self.model.answer(self.model.prepare(list(requests)))

    @property
    def plain(self) -> list[Request]:
        return self.requests([(picture,) for picture in self.pictures])

    @property
    def tolerance(self) -> float:
        return TOLERANCE.get(self.model.info.dtype or "", 1e-3)


def _picture(seed: int, number: int) -> ArrayImage:
    """A radiograph-like grey picture: smooth blobs and a gradient, 96 x 96."""
    rng = keyed_rng(seed, "check", number)
    y, x = np.mgrid[0:96, 0:96] / 96
    grey = 60 + 60 * y
    for _ in range(6):
        cx, cy, width = *rng.uniform(0.1, 0.9, 2), rng.uniform(0.05, 0.25)
        grey = grey + rng.uniform(-90, 110) * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / width**2)
    pixels = np.clip(grey, 0, 255).astype(np.uint8)
    return ArrayImage(np.repeat(pixels[..., None], 3, axis=2), name=f"check {number}")


def _difference(first: Sequence[Answer], second: Sequence[Answer]) -> float:
    """Largest difference of option scores; for texts 0 where all are equal, else infinity."""
    worst = 0.0
    for one, other in zip(first, second, strict=True):
        if one.error or other.error:
            raise RuntimeError(one.error or other.error)
        if one.scores is None or other.scores is None:
            worst = max(worst, 0.0 if one.text == other.text else float("inf"))
        else:
            worst = max(worst, *(abs(a - b) for a, b in zip(one.scores, other.scores, strict=True)))
    return worst


def _said(difference: float) -> str:
    return "texts differ" if difference == float("inf") else f"largest difference {difference:.2g}"


def _capabilities(bench: _Bench) -> tuple[str, str]:
    offered = sorted(capability.value for capability in bench.model.info.capabilities)
    return ("works", ", ".join(offered)) if offered else ("fails", "the model offers nothing")


def _weights(bench: _Bench) -> tuple[str, str]:
    info = bench.model.info
    lost = [note for note in info.notes if note.startswith("WEIGHTS NOT LOADED")]
    if lost:
        return "fails", lost[0]
    if not info.files:
        return "not_applicable", "no checkpoint files to look at"
    return "works", f"{info.parameters or 0:,} parameters from {len(info.files)} files"


def _image_used(bench: _Bench) -> tuple[str, str]:
    clear = bench.ask(bench.plain)
    # The floor is the same question in another batch, or chance would pass for sight.
    floor = _difference(clear[:2], bench.ask(bench.requests([(p,) for p in bench.pictures[:2]], replicate=1)))
    blank = ArrayImage(np.full((96, 96, 3), 127, dtype=np.uint8), name="blank")
    swapped = bench.pictures[1:] + bench.pictures[:1]
    effects = {
        "blank": _difference(clear, bench.ask(bench.requests([(blank,)] * len(clear)))),
        "swapped": _difference(clear, bench.ask(bench.requests([(picture,) for picture in swapped]))),
    }
    detail = "; ".join(f"{name} image: {_said(effect)}" for name, effect in effects.items())
    if floor == float("inf"):
        return "note", "answers change without any change of input, so sight cannot be told from chance"
    if max(effects.values()) > max(ALIVE, 5 * floor):
        return "works", f"{detail}; noise floor {floor:.2g}"
    return "fails", f"{detail}; noise floor {floor:.2g}: the model answers without looking"


def _repeatable(bench: _Bench) -> tuple[str, str]:
    difference = _difference(bench.ask(bench.plain), bench.ask(bench.plain))
    if difference == 0:
        return "works", "identical"
    return "note", f"{_said(difference)}; robustness subtracts this as its noise floor"


def _batching(bench: _Bench) -> tuple[str, str]:
    together = bench.ask(bench.plain)
    alone = [bench.ask([request])[0] for request in bench.plain]
    difference = _difference(together, alone)
    status = "works" if difference <= bench.tolerance else "fails"
    return status, f"{_said(difference)}, tolerance {bench.tolerance:g}"


def _brute_force(bench: _Bench) -> tuple[str, str]:
    reference: Any = getattr(bench.model, "brute_force", None)
    if reference is None:
        return "not_applicable", "the model has no second route to compare with"
    requests = bench.plain
    difference = _difference(bench.ask(requests), reference(bench.model.prepare(requests)))
    status = "works" if difference <= bench.tolerance else "fails"
    return status, f"{_said(difference)}, tolerance {bench.tolerance:g}"


def _text_only(bench: _Bench) -> tuple[str, str]:
    return _tried(bench, [()])


def _several_images(bench: _Bench) -> tuple[str, str]:
    return _tried(bench, [(bench.pictures[0], bench.pictures[1])])


def _tried(bench: _Bench, images: Sequence[tuple[Image, ...]]) -> tuple[str, str]:
    answer = bench.ask(bench.requests(images))[0]
    return ("not_applicable", answer.error) if answer.error else ("works", "answered")


def _geometry(bench: _Bench) -> tuple[str, str]:
    count: Any = getattr(bench.model, "image_tokens", None)
    if count is None:
        return "not_applicable", "no token sequence to look at"
    tokens, length = count(bench.plain[0])
    if tokens == 0:
        return "note", f"no image tokens among {length}: the image enters by another path"
    return "works", f"{tokens} image tokens of {length}"


def _speed(bench: _Bench) -> tuple[str, str]:
    requests = bench.plain
    start = time.perf_counter()
    for _ in range(3):
        bench.ask(requests)
    rate = 3 * len(requests) / (time.perf_counter() - start)
    return "note", f"{rate:.1f} requests/s in batches of {len(requests)}; peak memory {_peak_mb():,.0f} MB"


def _peak_mb() -> float:
    """Highest memory of this process so far; of the GPU where torch used one."""
    torch: Any = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available() and torch.cuda.max_memory_allocated():
        return float(torch.cuda.max_memory_allocated()) / 2**20
    try:
        import resource
    except ImportError:  # not on Windows
        return 0.0
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
