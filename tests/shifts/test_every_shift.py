"""What holds for every registered shift, whoever wrote it."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from medaudit.image import keyed_rng
from medaudit.registry import Shift, available
from medaudit.shifting import SEVERITIES, picture_under
from medaudit.testing import check_shift

#: Those that change pictures; the published ladders of MedMNIST-C have a file of their own.
SHIFTS = [s for s in available("shift").values() if s.stage != "case" and s.family != "medmnist_c"]
every_shift = pytest.mark.parametrize("shift", SHIFTS, ids=lambda shift: shift.name)
#: These paint or stain in a colour of their own.
COLOURED = {"blood", "ink", "stain_variation", "hair", "smoke"}
in_any_colour = pytest.mark.parametrize(
    "shift", [shift for shift in SHIFTS if shift.name not in COLOURED], ids=lambda shift: shift.name
)


def every_severity(shift: Shift, pixels: Any, seed: int = 0) -> Iterator[Any]:
    for severity in SEVERITIES:
        yield picture_under(shift, pixels, severity, keyed_rng(seed, "case", severity))


def coloured(height: int, width: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_the_six_shifts_are_registered() -> None:
    names = {shift.name for shift in SHIFTS}

    assert {"jpeg", "gaussian_noise", "motion_blur", "contrast", "rotation", "pixelate"} <= names


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 1), (2, 3), (17, 31), (64, 64)])
@every_shift
def test_shape_and_type_stay_for_any_size(shift: Shift, size: tuple[int, int]) -> None:
    for changed in every_severity(shift, coloured(*size)):
        assert changed.shape == (*size, 3)
        assert changed.dtype == np.uint8
        assert changed.flags.c_contiguous


@every_shift
def test_the_input_is_left_alone_even_when_read_only(shift: Shift) -> None:
    pixels = coloured(33, 21)
    before = pixels.copy()
    pixels.flags.writeable = False

    for changed in every_severity(shift, pixels):
        assert (pixels == before).all()
        assert not np.shares_memory(changed, pixels)


@every_shift
def test_equal_keys_give_equal_bytes(shift: Shift) -> None:
    pixels = coloured(40, 40)

    first, again = ([c.tobytes() for c in every_severity(shift, pixels, 3)] for _ in range(2))

    assert first == again


@every_shift
def test_something_changes(shift: Shift, chest_picture: Callable[..., Any]) -> None:
    pixels = chest_picture(160)

    for changed in every_severity(shift, pixels):
        assert (changed != pixels).any()


@in_any_colour
def test_channels_keep_their_order(shift: Shift) -> None:
    # Red, green and blue far apart, so that an exchange of channels cannot hide in the change.
    pixels = np.zeros((64, 64, 3), dtype=np.uint8)
    pixels[...] = (190, 120, 40)

    for changed in every_severity(shift, pixels):
        red, green, blue = np.median(changed[24:40, 24:40].reshape(-1, 3), axis=0)
        assert red >= green >= blue
        assert red - blue > 2 or changed[24:40, 24:40].std(axis=(0, 1)).max() < 2


@in_any_colour
def test_grey_stays_grey(shift: Shift, chest_picture: Callable[..., Any]) -> None:
    for changed in every_severity(shift, chest_picture(48)):
        assert np.ptp(changed.astype(int), axis=2).max() <= 1


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
        results.append(picture_under(shift, pixels, 3, keyed_rng(0, "case")).tobytes())
        assert state() == before

    assert results[0] == results[1]


@every_shift
def test_no_socket_is_opened(shift: Shift, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = []
    monkeypatch.setattr(socket.socket, "connect", lambda *to: attempts.append(to))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *to, **how: attempts.append(to))

    picture_under(shift, coloured(16, 16), 3, keyed_rng(0, "case"))

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
    text = (shift.apply.__doc__ or "").casefold()

    assert "dose" in text if shift.doses else "severity" in text
    assert "declared moments" in text


@every_shift
def test_the_contract_for_third_parties_holds_for_ours(shift: Shift) -> None:
    check_shift(shift)
