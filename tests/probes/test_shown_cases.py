"""What findings leave for pictures: cases that the data knows, and words for a region that fit it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from medaudit.case import Case
from medaudit.image import ArrayImage
from medaudit.mining.result import MinedPair
from medaudit.probes.pair_arms import examples
from medaudit.probes.pair_asking import judged
from medaudit.probes.pair_cases import Pair
from medaudit.probes.pair_mining import _pairs
from medaudit.probes.pair_modes import MISSING, Read
from medaudit.probes.spurious_evidence import look
from medaudit.stats.pair_scores import INVALID


def case(name: str, answer: str, options: tuple[str, ...] = ("left", "right")) -> Case:
    image = ArrayImage(np.full((4, 4, 3), len(name), dtype=np.uint8), name)
    return Case(name, (image,), "Which side?", answer, options, f"g-{name}")


def test_mined_pairs_are_of_cases_that_can_be_looked_up() -> None:
    mined = MinedPair("mined-1", "side", case("a", "left"), case("b", "right"), 0.9, 0.1, "mined")

    (pair,) = _pairs([mined])

    assert [one.id for one in pair.cases] == ["a", "b"]
    assert pair.name == "mined-1"
    assert pair.tags("attribute") == ("side",)


def test_examples_number_options_as_the_first_case_gives_them() -> None:
    turned = Pair("p", case("a", "right"), case("b", "left"))
    reads = [(Read(0), Read(0)), (Read(1), Read(INVALID)), (Read(1), Read(MISSING))]

    found = judged([turned] * 3, [0, 1, 2], reads)

    assert examples(found, found.columns.same == 1) == [
        {"cases": ["a", "b"], "right": [1, 0], "given": [0, 0]}
    ]
    assert examples(found, np.ones(2, dtype=np.bool_))[1]["given"] == [1, -1]
    assert len(examples(judged([turned] * 9, range(9), reads[:1] * 9), np.ones(9, dtype=np.bool_))) == 6


def region(marks: int, ground: int = 20, mark: int = 250) -> Any:
    """A study of one picture whose medoid is its upper left quarter, with this many marked pixels of 256."""
    pixels = np.full((32, 32, 3), 60, dtype=np.uint8)
    part = np.full(256, ground, dtype=np.uint8)
    part[:marks] = mark
    pixels[:16, :16] = part.reshape(16, 16, 1)
    seen = SimpleNamespace(regions=SimpleNamespace(image=[0]), box=lambda _: (0, 0, 16, 16))
    return SimpleNamespace(task=SimpleNamespace(images=[ArrayImage(pixels, "p")]), seen=seen)


@pytest.mark.parametrize(
    ("marks", "said"),
    [
        (0, "a dark part"),
        # A corner into which the edge of what lies beside it reaches is no mark.
        (7, "a dark part"),
        (8, "a part with a bright mark"),
        (76, "a part with a bright mark"),
        (150, "a bright part"),
    ],
)
def test_a_mark_is_neither_an_edge_nor_the_whole(marks: int, said: str) -> None:
    cluster: Any = SimpleNamespace(medoid=0)
    assert look(region(marks), cluster) == said


def test_a_dark_mark_and_a_part_like_its_image() -> None:
    cluster: Any = SimpleNamespace(medoid=0)
    assert look(region(20, ground=200, mark=10), cluster) == "a part with a dark mark"
    assert look(region(0, ground=60), cluster) == "a part"
