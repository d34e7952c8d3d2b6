"""A batch of pictures: the bytes that each has alone, wherever and together with whatever it is computed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from medaudit import registry
from medaudit.errors import DataError, PluginError
from medaudit.image import ArrayImage, FileImage, LazyImage, keyed_rng
from medaudit.model import OutOfMemory
from medaudit.registry import Shift, available
from medaudit.rendering import render
from medaudit.shifting import ShiftedImage, apply_shift
from medaudit.shifts import tomography
from medaudit.shifts.backprojection import added_on
from medaudit.testing import check_shift

SHIFTS = {name: shift for name, shift in available("shift").items() if shift.stage != "case"}


def picture(seed: int, side: int = 48) -> ArrayImage:
    return ArrayImage(keyed_rng("picture", seed).integers(0, 256, (side, side, 3)).astype(np.uint8))


def negative(pixels: Any, severity: float, rng: np.random.Generator) -> Any:
    """Exchange black and white, and draw one pixel."""
    changed = 255 - pixels
    changed[0, 0] = rng.integers(0, 256)
    return changed


def toy(apply: Callable[..., Any] = negative, **fields: Any) -> Shift:
    return Shift("toy", "1", "test", "none", apply, **fields)


def together(calls: list[int]) -> Callable[..., list[Any]]:
    def batch(subjects: Any, severity: float, rngs: Any, device: str) -> list[Any]:
        calls.append(len(subjects))
        return [negative(each, severity, rng) for each, rng in zip(subjects, rngs, strict=True)]

    return batch


def shifted(shift: Shift, number: int, severity: int = 3) -> ShiftedImage:
    return apply_shift(picture(number), shift, severity, 0, f"c{number}")


def held(images: Any, **options: Any) -> list[bytes]:
    return [pixels.tobytes() for pixels in render(images, **options)]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_every_shift_gives_the_same_bytes_on_any_number_of_threads(workers: int) -> None:
    images = [
        apply_shift(picture(seed), shift, 1 + seed, seed, f"c{seed}")
        for shift in SHIFTS.values()
        for seed in range(2)
    ]
    alone = [image.pixels().tobytes() for image in images]

    assert held(images, workers=workers) == alone
    assert held(images[::-1], workers=workers) == alone[::-1]
    # Control: another seed's draws would have been seen.
    noise = SHIFTS["gaussian_noise"]
    other = [apply_shift(picture(0), noise, 1, seed, "c0").pixels().tobytes() for seed in (0, 1)]
    assert other[0] != other[1]


def test_files_arrays_and_shifts_of_shifts_are_given_in_order(tmp_path: Path) -> None:
    Pillow.fromarray(picture(7).pixels()).save(tmp_path / "a.png")
    file = FileImage(tmp_path / "a.png")
    images = [file, shifted(toy(), 1), picture(2), apply_shift(shifted(toy(), 1), toy(), 2, 0, "again"), file]

    assert held(images, workers=3) == [image.pixels().tobytes() for image in images]
    assert render([]) == []


def test_equal_pictures_are_computed_once() -> None:
    made: list[int] = []

    def make() -> Any:
        made.append(1)
        return picture(0).pixels()

    lazy = LazyImage(make, "key", "lazy", (48, 48))
    twins = [apply_shift(lazy, toy(), 2, 0, "c") for _ in range(3)]

    first, *others = render([*twins, lazy], workers=2)

    assert len(made) == 2  # the shifted one and the plain one
    assert first is others[0] is others[1]
    assert first is not others[2]


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_the_first_bad_picture_in_order_raises_what_it_raises_alone(
    workers: int, device: str, tmp_path: Path
) -> None:
    def bad(pixels: Any, severity: float, rng: np.random.Generator) -> Any:
        return pixels / 2

    good = [shifted(toy(batch=together([])), number) for number in range(4)]
    broken, missing = shifted(toy(bad), 5), FileImage(tmp_path / "gone.png")
    lost = apply_shift(FixedDigest(missing), toy(batch=together([])), 3, 0, "lost")

    with pytest.raises(DataError, match="must be uint8"):
        render([*good, broken, lost], device, workers)
    with pytest.raises(DataError, match=r"gone\.png: no such image file"):
        render([*good, lost, broken], device, workers)
    assert len(render(good, device, workers)) == 4


class FixedDigest:
    """An image whose digest is known and whose file is gone."""

    def __init__(self, image: FileImage) -> None:
        self.name, self.digest, self.size, self.pixels = image.name, "0" * 32, (8, 8), image.pixels


def test_on_a_gpu_only_like_shifts_with_a_batch_go_together() -> None:
    calls: list[int] = []
    batched, plain = toy(batch=together(calls)), SHIFTS["gaussian_noise"]
    images = [shifted(batched, number, 3) for number in range(4)]
    images += [shifted(batched, number, 5) for number in range(2)]
    images += [shifted(batched, 0, 4), shifted(plain, 0), shifted(plain, 1), images[0]]

    assert held(images, device="cuda:0") == [image.pixels().tobytes() for image in images]
    assert sorted(calls) == [2, 4]
    calls.clear()
    held(images, device="cpu")
    assert calls == []


def test_what_does_not_fit_the_gpu_is_computed_without_it() -> None:
    def full(*_: Any) -> Any:
        raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    def fuller(*_: Any) -> Any:
        raise OutOfMemory("2 GiB")

    for batch in (full, fuller):
        images = [shifted(toy(batch=batch), number) for number in range(3)]
        assert held(images, device="cuda") == [image.pixels().tobytes() for image in images]


def test_a_batch_that_fails_is_told_and_done_without() -> None:
    images = [shifted(toy(batch=lambda *_: [None]), number) for number in range(3)]

    with pytest.warns(UserWarning, match="'toy': 3 pictures at once failed on cuda"):
        found = held(images, device="cuda")

    assert found == [image.pixels().tobytes() for image in images]


@pytest.mark.parametrize("name", ["low_dose_ct", "metal_streaks"])
def test_ct_pictures_are_the_same_bytes_from_torch(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def on_the_cpu(device: str, tables: Any, plan: Any) -> Any:
        calls.append(len(tables))
        return added_on("cpu", tables, plan)

    monkeypatch.setattr(tomography, "added_on", on_the_cpu)
    images = [
        apply_shift(picture(k, side), SHIFTS[name], 3, 0, f"c{k}", "ct")
        for k, side in enumerate([48, 64, 48, 97])
    ]
    alone = [image.pixels().tobytes() for image in images]

    assert held(images, device="cuda") == alone
    assert held(images[::-1], device="cuda") == alone[::-1]
    assert sorted(calls) == [1, 1, 1, 1, 2, 2]
    assert len(set(alone)) == 4


def test_a_batch_is_held_to_its_signature_and_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PluginError, match=r"must take \('subjects', 'severity', 'rngs', 'device'\)"):
        registry.shift("toy_batch", family="test", reference="none", batch=lambda pixels: [])(
            lambda pixels, severity, rng: pixels
        )

    check_shift(toy(batch=together([])))
    with pytest.raises(AssertionError, match="batch: colour, severity 1: not as by apply"):
        check_shift(toy(batch=lambda subjects, severity, rngs, device: [255 - each for each in subjects]))
    with pytest.raises(AssertionError, match="batch: 8 pictures gave 0"):
        check_shift(toy(batch=lambda subjects, severity, rngs, device: []))


def test_rendering_on_the_cpu_loads_no_torch() -> None:
    code = (
        "import sys, numpy as np\n"
        "from medaudit.image import ArrayImage\n"
        "from medaudit.registry import available\n"
        "from medaudit.rendering import render\n"
        "from medaudit.shifting import apply_shift\n"
        "image, shifts = ArrayImage(np.zeros((20, 20, 3), np.uint8)), available('shift')\n"
        "render([apply_shift(image, shifts['low_dose_ct'], 3, 0, c, 'ct') for c in 'ab'])\n"
        "print('torch' in sys.modules, 'cv2' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.stdout.strip() == "False True", done.stderr


def test_the_first_picture_of_each_shift_is_made_on_the_calling_thread() -> None:
    """What a shift imports at first use may deadlock when several threads do it."""
    seen: list[str] = []

    def slow(pixels: Any, severity: int, rng: Any) -> Any:
        seen.append(threading.current_thread().name)
        return pixels.copy()

    shift = Shift(f"noted_{os.getpid()}", "1", "test", "none", slow)
    pictures = [ArrayImage(np.full((8, 8, 3), k, np.uint8)) for k in range(6)]

    render([apply_shift(each, shift, 1, 0, "c") for each in pictures], workers=3)

    assert seen[0] == threading.current_thread().name
    assert len(seen) == 6
    assert set(seen[1:]) - {seen[0]}
