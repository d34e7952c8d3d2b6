"""SSIM against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from medaudit.case import Case
from medaudit.image import ArrayImage
from medaudit.probes.visibility import ssim, visibility
from medaudit.registry import Shift


@pytest.mark.parametrize("side", [1, 16, 600])
def test_two_even_pictures_differ_in_luminance_alone(side: int) -> None:
    dark, bright = (np.full((side, side, 3), value, dtype=np.uint8) for value in (50, 150))
    c1 = 2.55**2

    assert ssim(dark, bright) == pytest.approx((2 * 50 * 150 + c1) / (50**2 + 150**2 + c1))
    assert ssim(dark, dark) == pytest.approx(1)


def test_visibility_is_1_for_no_change_and_low_for_noise() -> None:
    rng = np.random.default_rng(0)
    picture = ArrayImage(rng.integers(100, 140, (64, 64, 3), dtype=np.uint8))
    case = Case("c", (picture,), "Q?", "yes", ("yes", "no"))
    nothing = Shift("nothing", "1", "test", "none", lambda pixels, severity, rng: pixels)
    noise = Shift(
        "noise",
        "1",
        "test",
        "none",
        lambda pixels, severity, rng: rng.integers(0, 256, pixels.shape, np.uint8),
    )

    assert visibility([case], nothing, 1, 0) == {"ssim": 1.0, "pictures": 1}
    assert visibility([case], noise, 1, 0)["ssim"] < 0.2
