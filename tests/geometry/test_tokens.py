"""Boxes to tokens and back: what must hold for every map."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medaudit.errors import UsageError
from medaudit.geometry import TokenMap, View
from medaudit.geometry.grids import row_major
from medaudit.geometry.tokens import place_cells


def token_map(size: tuple[int, int], *grids: tuple[int, int]) -> TokenMap:
    """A whole view, and further views of the right half."""
    height, width = size
    frames = [(0.0, 0.0, float(width), float(height)), (width / 2, 0.0, float(width), float(height))]
    views = tuple(View(frames[min(k, 1)], grid, grid, "view") for k, grid in enumerate(grids))
    places = row_major(views)
    return TokenMap(size, "projector", views, places, place_cells(views, places))


def test_a_box_names_tokens_of_every_view() -> None:
    tokens = token_map((40, 80), (2, 2), (2, 2))

    assert tokens.tokens((0, 0, 10, 10)) == [0]
    assert tokens.tokens((70, 30, 80, 40)) == [3, 7]
    # Half-open: a box that ends at 40 does not touch the cell that begins there.
    assert tokens.tokens((30, 0, 40, 10)) == [0]
    assert tokens.tokens((30, 0, 40.5, 10)) == [0, 1, 4]
    assert tokens.box(5) == pytest.approx((60, 0, 80, 20))
    assert tokens.area([3, 7]) == 2 / 8


def test_a_radius_stays_inside_its_view_and_on_its_grid() -> None:
    tokens = token_map((50, 50), (5, 5))

    assert tokens.tokens((20, 20, 30, 30), radius=1) == [6, 7, 8, 11, 12, 13, 16, 17, 18]
    # No wrapping round the end of a row.
    assert tokens.tokens((40, 0, 50, 10), radius=1) == [3, 4, 8, 9]


def test_tokens_without_a_place_are_never_named_and_cost_nothing() -> None:
    whole = token_map((40, 40), (2, 2))
    places = np.insert(whole.places, 2, -1, axis=0)
    tokens = TokenMap((40, 40), "projector", whole.views, places, place_cells(whole.views, places))

    assert tokens.tokens((0, 0, 40, 40)) == [0, 1, 3, 4]
    assert tokens.box(2) is None
    assert tokens.area([2]) == 0


@pytest.mark.parametrize("box", [(5, 5, 5, 9), (9, 0, 5, 5), (0, 0, float("nan"), 5)])
def test_an_empty_box_is_refused(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(UsageError, match="x0 < x1"):
        token_map((40, 40), (2, 2)).tokens(box)


maps = st.builds(
    token_map,
    st.tuples(st.integers(8, 90), st.integers(8, 90)),
    st.tuples(st.integers(1, 7), st.integers(1, 7)),
    st.tuples(st.integers(1, 7), st.integers(1, 7)),
)


@settings(max_examples=60, deadline=None)
@given(tokens=maps, data=st.data())
def test_the_cells_of_a_boxs_tokens_cover_it(tokens: TokenMap, data: Any) -> None:
    height, width = tokens.size
    x0, y0 = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    box = (x0, y0, data.draw(st.integers(x0 + 1, width)), data.draw(st.integers(y0 + 1, height)))
    covered = np.zeros(tokens.size, dtype=bool)

    for token in tokens.tokens(box):
        cell = tokens.box(token)
        assert cell is not None
        left, top = int(np.floor(cell[0] + 1e-3)), int(np.floor(cell[1] + 1e-3))
        covered[top : int(np.ceil(cell[3] - 1e-3)), left : int(np.ceil(cell[2] - 1e-3))] = True

    assert covered[box[1] : box[3], box[0] : box[2]].all()


@settings(max_examples=60, deadline=None)
@given(tokens=maps, data=st.data())
def test_a_token_is_among_those_of_its_own_cell_and_radii_nest(tokens: TokenMap, data: Any) -> None:
    token = data.draw(st.integers(0, len(tokens) - 1))
    box = tokens.box(token)
    assert box is not None

    named = [set(tokens.tokens(box, radius=radius)) for radius in range(4)]

    assert token in named[0]
    assert all(small <= large for small, large in pairwise(named))
    # In its own view a cell names itself alone.
    own = tokens.places[:, 0] == tokens.places[token, 0]
    assert [other for other in named[0] if own[other]] == [token]
