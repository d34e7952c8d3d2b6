"""Smoke, blood and specular light cover what they declare."""

from __future__ import annotations

import numpy as np
import pytest

from medaudit.image import keyed_rng
from medaudit.shifts.endoscopy import blood, smoke, specular_light

BLACK = np.zeros((200, 260, 3), dtype=np.uint8)
MUCOSA = np.full((200, 260, 3), (200, 120, 110), dtype=np.uint8)


@pytest.mark.parametrize("dose", [0.1, 0.3, 0.5])
def test_smoke_over_black_is_its_mean_opacity(dose: float) -> None:
    assert smoke(BLACK, dose, keyed_rng("smoke")).mean() == pytest.approx(222 * dose, abs=3)


def test_smoke_comes_in_clouds_and_lowers_contrast() -> None:
    halves = BLACK.copy()
    halves[:, 130:] = 200
    changed = smoke(halves, 0.5, keyed_rng(1)).astype(float)

    assert changed[:, :130].std() > 10
    assert changed[:, 130:].mean() - changed[:, :130].mean() == pytest.approx(100, abs=15)


@pytest.mark.parametrize("dose", [0.1, 0.25, 0.4])
def test_blood_covers_its_share_from_one_border_and_leaves_the_far_third(dose: float) -> None:
    borders = set()
    for seed in range(24):
        changed = blood(MUCOSA, dose, keyed_rng("blood", seed))
        under = (changed != MUCOSA).any(axis=2)
        assert (changed <= MUCOSA).all()
        assert under.mean() == pytest.approx(dose, abs=0.01)
        edges = [under[0].mean(), under[-1].mean(), under[:, 0].mean(), under[:, -1].mean()]
        borders.add(nearest := int(np.argmax(edges)))
        far = [under[-66:], under[:66], under[:, -86:], under[:, :86]][nearest]
        assert not far.any()

    assert borders == {0, 1, 2, 3}


def test_blood_is_red_on_colour_and_grey_on_grey() -> None:
    red = blood(MUCOSA, 0.4, keyed_rng(2)).reshape(-1, 3)
    darkest = red[red[:, 1].argmin()].tolist()

    assert darkest == [round(200 * 0.55), round(120 * 0.07), round(110 * 0.06)]
    grey = blood(np.full_like(MUCOSA, 150), 0.4, keyed_rng(2))
    assert (grey == grey[..., :1]).all()


@pytest.mark.parametrize("dose", [0.01, 0.04, 0.08])
def test_specular_light_touches_its_share_and_only_brightens(dose: float) -> None:
    changed = specular_light(MUCOSA, dose, keyed_rng("light"))

    assert (changed >= MUCOSA).all()
    assert (changed != MUCOSA).any(axis=2).mean() == pytest.approx(dose, abs=0.01)
    assert changed.min(axis=2).max() == 255


def test_specular_light_prefers_bright_tissue() -> None:
    halves = BLACK.copy()
    halves[:, 130:] = 160
    spots = (specular_light(halves, 0.04, keyed_rng(3)) != halves).any(axis=2)

    assert spots[:, 140:].mean() > 5 * spots[:, :120].mean()
