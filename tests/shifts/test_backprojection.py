"""Sums in whole numbers: the same bytes from numpy and torch, near the picture that real numbers give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medaudit.image import keyed_rng
from medaudit.shifts import tomography
from medaudit.shifts.backprojection import (
    LARGEST,
    STEPS,
    added,
    added_on,
    angles,
    fours,
    layout,
    packed,
    unpacked,
)
from medaudit.shifts.tomography import angles_of, bins_of, matrix_of, reconstruct, reconstruct_on

Field = np.ndarray[Any, np.dtype[np.float32]]


def rows_for(side: int, views: int, seed: int = 0) -> Field:
    return keyed_rng("rows", seed).standard_normal((views, bins_of((side, side))), dtype=np.float32)


def in_real_numbers(rows: Field, side: int) -> np.ndarray[Any, Any]:
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    bins = np.arange(rows.shape[1]) - (rows.shape[1] - 1) / 2
    each = (
        np.interp(np.cos(a) * x + np.sin(a) * y, bins, row)
        for a, row in zip(angles(len(rows)), rows, strict=True)
    )
    return np.asarray(sum(each))


@given(st.integers(1, 40), st.integers(1, 6), st.integers(0, 2**30))
@settings(max_examples=40, deadline=None)
def test_numpy_torch_any_order_and_any_company_give_the_same_sums(side: int, number: int, seed: int) -> None:
    several = [packed(rows_for(side, 4 * number, seed + k), side) for k in range(3)]
    plan = several[0].plan

    alone = [added(each.table, plan) for each in several]
    together = added_on("cpu", [each.table for each in several[::-1]], plan)[::-1]

    assert [a.tobytes() for a in alone] == [t.tobytes() for t in together]
    # One cell's sum by hand, last four first.
    starts = plan.starts[:, side // 2]
    cell = sum(int(table.ravel()[s]) for table, s in zip(several[0].table[::-1], starts[::-1], strict=True))
    assert alone[0][side // 2, 0] == cell


def test_views_come_in_fours_that_a_turn_or_a_mirror_leads_to_each_other() -> None:
    degrees = np.degrees(angles(48))[fours(48)]
    first = degrees[:, 0]

    assert sorted(fours(48).ravel()) == list(range(48))
    assert (first > 0).all()
    assert (first < 45).all()
    assert degrees == pytest.approx(np.stack([first, 90 + first, 90 - first, 180 - first], axis=1))


@pytest.mark.parametrize("side", [1, 2, 31, 64])
def test_the_picture_is_that_of_real_numbers(side: int) -> None:
    rows = rows_for(side, 4 * max(4, side // 4))
    # Smooth over three bins, as filtered rows are.
    rows[:, 1:-1] = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / 4

    held = packed(rows, side)
    picture, wanted = unpacked(added(held.table, held.plan), held), in_real_numbers(rows, side)

    assert np.abs(picture - wanted).std() < 0.1 * np.sqrt(len(rows))
    if side > 2:
        assert np.corrcoef(picture.ravel(), wanted.ravel())[0, 1] > 0.99
        # Control: the same picture upside down is another one.
        assert np.corrcoef(picture[::-1].ravel(), wanted.ravel())[0, 1] < 0.5


@pytest.mark.parametrize("views", range(16, 241, 16))
@pytest.mark.parametrize("one_sided", [True, False])
def test_no_field_overflows_for_any_number_of_views(views: int, one_sided: bool) -> None:
    """The worst rows there are: every view at its largest value everywhere, or a few far above the others."""
    rows = np.ones((views, bins_of((8, 8))), np.float32)
    if not one_sided:
        rows[3] = 1e6
        rows[5] = 1e6

    held = packed(rows, 8)
    fields = added(held.table, held.plan)[..., None].view("<u2")

    whole = held.table[..., None].view("<u2").astype(np.int64).max(axis=(1, 2)).sum(axis=0)
    assert whole.max() <= LARGEST
    assert fields.max() <= LARGEST
    assert fields.max() > 0.97 * LARGEST  # and the room is used
    assert unpacked(added(held.table, held.plan), held)[3:5, 3:5] == pytest.approx(
        float(rows[:, 0].sum()), abs=views * held.unit
    )


def test_what_is_small_in_every_view_is_not_rounded_away() -> None:
    rows = np.full((48, bins_of((64, 64))), 0.2, np.float32)
    rows[:, :3] = 1000.0  # far from the middle

    held = packed(rows, 64)
    middle = unpacked(added(held.table, held.plan), held)[24:40, 24:40]

    assert held.unit / 2 > 0.2  # rounded to the nearest, each view would be 0
    assert middle.mean() == pytest.approx(48 * 0.2, rel=0.1)


def test_a_row_of_nothing_is_a_picture_of_nothing() -> None:
    held = packed(np.zeros((16, bins_of((9, 9))), np.float32), 9)

    assert np.abs(unpacked(added(held.table, held.plan), held)).max() < 1e-6


@pytest.mark.parametrize("side", [1, 2, 5, 64, 511, 512])
def test_every_run_lies_in_its_table(side: int) -> None:
    plan = layout(side, bins_of((side, side)), len(angles_of((side, side))))
    place = plan.starts % plan.length

    assert plan.starts.min() >= 0
    assert plan.starts.max() < STEPS * plan.length
    assert (place + side <= plan.length).all()


def test_a_batch_of_mixed_shapes_gives_the_bytes_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = [(64, 64), (33, 16), (1, 1), (64, 64), (600, 700), (20, 64)]
    sizes = [matrix_of(shape) for shape in shapes]
    errors = [
        keyed_rng("errors", k).standard_normal((len(angles_of(size)), bins_of(size)), dtype=np.float32)
        for k, size in enumerate(sizes)
    ]
    alone = [reconstruct(*parts) for parts in zip(errors, sizes, shapes, strict=True)]
    calls: list[int] = []

    def on_the_cpu(device: str, tables: Any, plan: Any) -> Any:
        assert device == "cuda:0"
        calls.append(len(tables))
        return added_on("cpu", tables, plan)

    monkeypatch.setattr(tomography, "added_on", on_the_cpu)

    for device in ("cpu", "cuda:0"):
        together = reconstruct_on(device, errors, shapes)
        turned = reconstruct_on(device, errors[::-1], shapes[::-1])[::-1]
        assert [t.shape for t in together] == shapes
        assert [a.tobytes() for a in alone] == [t.tobytes() for t in together]
        assert [a.tobytes() for a in alone] == [t.tobytes() for t in turned]
    # Only like squares and detectors are added up together.
    assert sorted(calls) == sorted(2 * [2, 1, 1, 1, 1])
    assert alone[0].tobytes() != alone[3].tobytes()
