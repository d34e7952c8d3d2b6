"""What holds for every registered shift, whoever wrote it."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from medaudit.image import keyed_rng
from medaudit.registry import Shift, available
from medaudit.testing import check_shift

SHIFTS = list(available("shift").values())
every_shift = pytest.mark.parametrize("shift", SHIFTS, ids=lambda shift: shift.name)
every_severity = pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])


def coloured(height: int, width: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_the_six_shifts_are_registered() -> None:
    names = {shift.name for shift in SHIFTS}

    assert {"jpeg", "gaussian_noise", "motion_blur", "contrast", "rotation", "pixelate"} <= names


@every_severity
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 1), (2, 3), (17, 31), (64, 64)])
@every_shift
def test_shape_and_type_stay_for_any_size(shift: Shift, size: tuple[int, int], severity: int) -> None:
    changed = shift.apply(coloured(*size), severity, keyed_rng(0, "case"))

    assert changed.shape == (*size, 3)
    assert changed.dtype == np.uint8
    assert changed.flags.c_contiguous


@every_severity
@every_shift
def test_the_input_is_left_alone_even_when_read_only(shift: Shift, severity: int) -> None:
    pixels = coloured(33, 21)
    before = pixels.copy()
    pixels.flags.writeable = False

    changed = shift.apply(pixels, severity, keyed_rng(0, "case"))

    assert (pixels == before).all()
    assert not np.shares_memory(changed, pixels)


@every_severity
@every_shift
def test_equal_keys_give_equal_bytes(shift: Shift, severity: int) -> None:
    pixels = coloured(40, 40)

    first, again = (shift.apply(pixels, severity, keyed_rng(3, "case", severity)) for _ in range(2))

    assert first.tobytes() == again.tobytes()


@every_severity
@every_shift
def test_something_changes(shift: Shift, severity: int, chest_picture: Callable[..., Any]) -> None:
    pixels = chest_picture(64)

    assert (shift.apply(pixels, severity, keyed_rng(0, "case")) != pixels).any()


@every_severity
@every_shift
def test_channels_keep_their_order(shift: Shift, severity: int) -> None:
    # Red, green and blue far apart, so that an exchange of channels cannot hide in the change.
    pixels = np.zeros((64, 64, 3), dtype=np.uint8)
    pixels[...] = (230, 120, 20)

    red, green, blue = (
        shift.apply(pixels, severity, keyed_rng(0, "case"))[24:40, 24:40].reshape(-1, 3).mean(0)
    )

    assert red - green > 2
    assert green - blue > 2


@every_severity
@every_shift
def test_grey_stays_grey(shift: Shift, severity: int, chest_picture: Callable[..., Any]) -> None:
    changed = shift.apply(chest_picture(48), severity, keyed_rng(0, "case")).astype(int)

    assert np.ptp(changed, axis=2).max() <= 1


@every_shift
def test_global_random_state_is_neither_read_nor_moved(shift: Shift) -> None:
    def state() -> tuple[bytes, object]:
        return np.random.get_state(legacy=False)["state"]["key"].tobytes(), random.getstate()

    pixels = coloured(32, 32)
    results = []
    for seed in (1, 2):
        np.random.seed(seed)
        random.seed(seed)
        before = state()
        results.append(shift.apply(pixels, 3, keyed_rng(0, "case")).tobytes())
        assert state() == before

    assert results[0] == results[1]


@every_shift
def test_no_socket_is_opened(shift: Shift, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = []
    monkeypatch.setattr(socket.socket, "connect", lambda *to: attempts.append(to))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *to, **how: attempts.append(to))

    shift.apply(coloured(16, 16), 3, keyed_rng(0, "case"))

    assert attempts == []


FRESH = """
import socket, sys
attempts = []
socket.socket.connect = lambda *to: attempts.append(to)
socket.getaddrinfo = lambda *to, **how: attempts.append(to)
import numpy as np
import medaudit.shifts
assert not {"albumentations", "cv2", "torch"} & set(sys.modules), "a heavy import at import"
from medaudit.shifts.noise import gaussian_noise
gaussian_noise(np.zeros((8, 8, 3), np.uint8), 3, np.random.default_rng(0))
assert "albumentations" in sys.modules
print(len(attempts))
"""


def test_first_use_in_a_fresh_process_asks_nobody_for_a_newer_version() -> None:
    done = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=False)

    assert done.stdout.strip() == "0", done.stderr


@every_shift
def test_the_docstring_names_parameters_and_moments(shift: Shift) -> None:
    text = shift.apply.__doc__ or ""

    assert "severity" in text
    assert "Declared moments" in text


@every_shift
def test_the_contract_for_third_parties_holds_for_ours(shift: Shift) -> None:
    check_shift(shift)
