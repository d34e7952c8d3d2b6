"""Hair, ink, ruler, glare and vignette cover what they declare, and no more."""

from __future__ import annotations

import numpy as np
import pytest

from medaudit.image import keyed_rng
from medaudit.shifts.dermoscopy import glare, hair, ink, ruler, strokes, vignette

SKIN = np.full((240, 240, 3), (225, 180, 160), dtype=np.uint8)
DARK = np.full((240, 240, 3), 30, dtype=np.uint8)


def test_a_line_thinner_than_a_pixel_is_fainter() -> None:
    """A line of 200 pixels covers 200 times its width, to a quarter of a step and the ends."""
    points = np.array([[20, 40], [220, 40]], dtype=np.float32)
    widths = (0.5, 1.0, 1.4, 3.4, 5.4, 7.5, 13.6)
    covers = [strokes((80, 260), [(points, width, 1.0)]).sum() / 200 for width in widths]

    assert covers == pytest.approx(widths, rel=0.08)
    assert strokes((80, 260), [(points, 0.5, 1.0)]).max() < 0.6


def test_hair_only_darkens_and_each_one_takes_its_share() -> None:
    shares = []
    for seed in range(20):
        changed = hair(SKIN, 20.0, keyed_rng("hair", seed))
        assert (changed <= SKIN).all()
        shares.append((changed != SKIN).any(axis=2).mean())

    assert 0.001 < np.mean(shares) / 20 < 0.008


def test_half_a_hair_is_half_as_dark() -> None:
    whole, half = (SKIN.astype(int) - hair(SKIN, dose, keyed_rng(4)) for dose in (1.0, 0.5))

    assert half.sum() == pytest.approx(whole.sum() / 2, rel=0.03)


def test_ink_circles_the_centre_and_never_touches_it() -> None:
    shares = []
    for seed in range(30):
        changed = (ink(SKIN, 1.0, keyed_rng("ink", seed)) != SKIN).any(axis=2)
        assert not changed[80:160, 80:160].any()
        shares.append(changed.mean())

    assert 0.055 < np.mean(shares) < 0.085


def test_half_the_dose_inks_half_the_circle() -> None:
    whole, half = ((ink(SKIN, dose, keyed_rng(5)) != SKIN).any(axis=2).sum() for dose in (1.0, 0.5))

    assert half / whole == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize("dose", [0.02, 0.07, 0.12])
def test_ruler_stays_within_its_dose_of_one_edge(dose: float) -> None:
    edges = set()
    for seed in range(24):
        rows, columns = np.nonzero((ruler(SKIN, dose, keyed_rng(seed)) != SKIN).any(axis=2))
        reach = [rows.max() + 1, 240 - rows.min(), columns.max() + 1, 240 - columns.min()]
        edges.add(int(np.argmin(reach)))
        assert min(reach) == int(np.ceil(240 * dose))

    assert edges == {0, 1, 2, 3}


def test_every_fifth_tick_is_long() -> None:
    """At 240 pixels a tick in every 5: 48 on the edge, of which 9 or 10 are long."""
    cover = (ruler(SKIN, 0.1, keyed_rng(0)) != SKIN).any(axis=2)
    lengths = np.array(next(n for axis in (0, 1) if (n := cover.sum(axis=axis)).max() == 24))
    ticks = lengths[lengths > 0]

    assert len(ticks) == 48
    assert set(ticks.tolist()) == {12, 24}
    assert (ticks == 24).sum() in (9, 10)


def test_ruler_is_white_where_the_edge_is_dark() -> None:
    assert ruler(DARK, 0.1, keyed_rng(0)).max() == 255
    assert ruler(SKIN, 0.1, keyed_rng(0)).min() == 0


@pytest.mark.parametrize("dose", [0.02, 0.06, 0.12])
def test_glare_touches_its_share_and_only_brightens(dose: float) -> None:
    changed = glare(DARK, dose, keyed_rng("glare"))

    assert (changed >= DARK).all()
    assert (changed != DARK).any(axis=2).mean() == pytest.approx(dose, abs=0.01)
    assert changed.max() == 255


@pytest.mark.parametrize("dose", [0.3, 1.0])
def test_vignette_takes_the_dose_at_the_corner_and_nothing_at_the_centre(dose: float) -> None:
    """Mean of q^2 over the square: (2 / 5 + 2 / 9) / 4 = 7 / 45."""
    white = np.full((301, 301, 3), 255, dtype=np.uint8)
    changed = vignette(white, dose, keyed_rng(0))[..., 0].astype(float)

    assert changed[150, 150] == 255
    assert changed[0, 0] == pytest.approx(255 * (1 - dose), abs=4)
    assert 255 - changed.mean() == pytest.approx(255 * dose * 7 / 45, abs=0.6)
    assert (changed == changed[::-1]).all()
    assert (changed == changed[:, ::-1]).all()
