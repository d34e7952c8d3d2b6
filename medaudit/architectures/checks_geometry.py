"""Check of the map from boxes to tokens: painted cells must answer where it says, and only there."""

from __future__ import annotations

from contextlib import suppress
from math import isqrt

from medaudit.architectures.reaching import reaching
from medaudit.architectures.subject import SIZES, Fails, NotApplicable, Subject
from medaudit.geometry import NoGrid, TokenMap, View, geometry_of
from medaudit.geometry.grids import row_major
from medaudit.geometry.oracle import oracle
from medaudit.geometry.tokens import place_cells
from medaudit.model import Capability

#: Hits of the oracle, and of the same oracle judged by a map shifted by half its tokens.
PROVED, MISLED = 0.9, 0.5
#: Largest probability of so many hits by a map that knows nothing.
CHANCE = 0.01


@reaching(Capability.INTERVENE)
def geometry(subject: Subject) -> None:
    """Is the token that answers to a painted cell the one that the map names, at every stage?"""
    if subject.generative:
        _declared(subject)
        for size in dict.fromkeys(SIZES):
            _painted(subject, size, "projector")
        with suppress(NoGrid):  # two towers, or patches that stand in no grid: the projector's map is enough
            _painted(subject, SIZES[1], "patch")
    else:
        _painted(subject, SIZES[1], "patch")


def _painted(subject: Subject, size: tuple[int, int], stage: str) -> None:
    found = oracle(subject.model, size, stage)
    where = f"{stage}, {size[0]} x {size[1]}"
    if found.tried == 0:
        raise Fails(f"no token could be painted ({where})")
    if found.disturbed != "image":
        raise NotApplicable(
            "its convolutional tower spreads a painted cell over all tokens, so the map is proved from the "
            "tower's last feature map on, and not from the pixels"
        )
    if found.rate < PROVED:
        raise Fails(f"{found.hits} of {found.tried} painted cells answer where the map says ({where})")
    if found.p_value > CHANCE:
        raise Fails(
            f"{found.tried} cells on so coarse a grid prove nothing, p = {found.p_value:.2g} ({where})"
        )
    if found.control > MISLED:
        raise Fails(f"control: a shifted map is right {found.control:.0%} of the time ({where})")


def _declared(subject: Subject) -> None:
    """Control: where a type declares that its tokens have no place, a guessed square grid must not fit."""
    size = SIZES[0]  # square: nothing is cropped, so the guess is as good as a guess can be
    try:
        geometry_of(subject.model).token_map(size)
    except NoGrid as reason:
        number = subject.model.image_tokens(subject.questions()[0])[0]
        if number >= 9 and isqrt(number) ** 2 == number:
            guess = _square(size, isqrt(number))
            with suppress(NoGrid):  # nothing to read a guess against
                if oracle(subject.model, size, judged=guess).rate >= PROVED:
                    raise Fails("control: it declares no grid, and a square one fits") from reason
        raise


def _square(size: tuple[int, int], side: int) -> TokenMap:
    """A map that cuts the image into side x side tokens."""
    view = View((0.0, 0.0, float(size[1]), float(size[0])), (side, side), (side, side), "guess")
    places = row_major([view])
    return TokenMap(size, "projector", (view,), places, place_cells([view], places))
