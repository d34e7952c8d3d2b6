"""Recipes of shifted images: named by all they depend on, equal for equal keys."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from medaudit.case import Case
from medaudit.errors import UsageError
from medaudit.image import ArrayImage
from medaudit.registry import available
from medaudit.shifting import apply_shift, library_versions, shifted_images

NOISE = available("shift")["gaussian_noise"]
IMAGE = ArrayImage(np.full((16, 16, 3), 128, dtype=np.uint8))


@pytest.mark.parametrize("severity", [0, 6, -1, 2.5])
def test_a_severity_that_does_not_exist_is_refused(severity: int) -> None:
    with pytest.raises(UsageError, match="from 1 to 5"):
        apply_shift(IMAGE, NOISE, severity, 0, "c1")


def test_each_part_of_the_key_gives_other_pixels_and_another_digest() -> None:
    images = [
        apply_shift(IMAGE, NOISE, 3, 0, "c1"),
        apply_shift(IMAGE, NOISE, 3, 1, "c1"),
        apply_shift(IMAGE, NOISE, 3, 0, "c2"),
        apply_shift(IMAGE, NOISE, 4, 0, "c1"),
    ]

    assert len({image.digest for image in images}) == 4
    assert len({image.pixels().tobytes() for image in images}) == 4


def test_equal_keys_give_equal_pixels_and_digest() -> None:
    first, again = (apply_shift(IMAGE, NOISE, 3, 0, "c1") for _ in range(2))

    assert first.digest == again.digest
    assert first.pixels().tobytes() == again.pixels().tobytes()


def test_the_recipe_names_the_libraries() -> None:
    assert "albumentations 2" in library_versions()
    assert library_versions() in apply_shift(IMAGE, NOISE, 3, 0, "c1").recipe


def test_images_of_one_case_get_draws_of_their_own() -> None:
    case = Case("c1", (IMAGE, IMAGE), "Same?", "yes", ("yes", "no"))

    first, second = shifted_images(case, NOISE, 3, 0)

    assert first.digest == apply_shift(IMAGE, NOISE, 3, 0, "c1").digest
    assert first.pixels().tobytes() != second.pixels().tobytes()


def test_naming_a_shifted_image_computes_nothing() -> None:
    code = (
        "import sys, numpy as np\n"
        "from medaudit.registry import Shift\n"
        "from medaudit.image import ArrayImage\n"
        "from medaudit.shifting import apply_shift\n"
        "shift = Shift('boom', '1', 'test', 'none', lambda *a: 1 / 0)\n"
        "apply_shift(ArrayImage(np.zeros((2, 2, 3), np.uint8)), shift, 1, 0, 'c').digest\n"
        "print('albumentations' in sys.modules, 'cv2' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.stdout.strip() == "False False", done.stderr
