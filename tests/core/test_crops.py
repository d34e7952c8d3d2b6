"""Parts of an image as images: what is shown, what is named, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medaudit.crops import SMALLEST, cropped
from medaudit.errors import UsageError
from medaudit.image import ArrayImage


def numbered(height: int, width: int) -> ArrayImage:
    """Every pixel says where it lies."""
    rows, columns = np.indices((height, width), dtype=np.uint8)
    return ArrayImage(np.stack([rows, columns, rows], axis=2))


def test_a_crop_is_the_box_and_its_margin() -> None:
    image = numbered(40, 60)

    assert np.array_equal(cropped(image, (10, 5, 30, 25)).pixels(), image.pixels()[5:25, 10:30])
    assert np.array_equal(cropped(image, (10, 5, 30, 25), margin=3).pixels(), image.pixels()[2:28, 7:33])
    # What comes to the same part is one image; another part, and the whole image, are others.
    assert cropped(image, (0, 0, 20, 20), 5).digest == cropped(image, (-9, 0, 25, 25)).digest
    assert cropped(image, (0, 0, 20, 20)).digest != cropped(image, (0, 0, 20, 21)).digest
    assert cropped(image, (0, 0, 60, 40)).digest != image.digest


sides = st.integers(-10, 80)


@given(st.integers(1, 50), st.integers(1, 50), sides, sides, sides, sides, st.integers(0, 6))
def test_a_crop_holds_its_box_and_is_never_a_sliver(
    height: int, width: int, x0: int, y0: int, x1: int, y1: int, margin: int
) -> None:
    image = numbered(height, width)
    if not (x0 < x1 and y0 < y1 and x1 > 0 and y1 > 0 and x0 < width and y0 < height):
        with pytest.raises(UsageError, match="half-open"):
            cropped(image, (x0, y0, x1, y1), margin)
        return
    shown = cropped(image, (x0, y0, x1, y1), margin).pixels()

    assert min(shown.shape[:2]) >= min(SMALLEST, height, width)
    corner = shown[0, 0]
    assert corner[1] <= max(x0, 0)
    assert corner[0] <= max(y0, 0)
    assert shown[-1, -1, 1] >= min(x1, width) - 1
    assert shown[-1, -1, 0] >= min(y1, height) - 1


def test_a_negative_margin_is_refused() -> None:
    with pytest.raises(UsageError, match="0 pixels or more"):
        cropped(numbered(9, 9), (0, 0, 9, 9), -1)
