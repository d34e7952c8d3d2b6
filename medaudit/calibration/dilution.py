"""A flaw at a lower dose: the flawed phantom answers a share of the patients, its clean twin the others.

The expected effect on any mean is then the share times that of the full flaw, and no model has to be trained
for it: both sets of answers are there already.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medaudit.context import Context
from medaudit.image import keyed_rng
from medaudit.model import Request

if TYPE_CHECKING:
    from medaudit.case import Case
    from medaudit.image import Image
    from medaudit.model import Answer

Ask = Callable[[Sequence["Request"]], list["Answer"]]


@dataclass(frozen=True)
class SidedRequest(Request):
    """A request that knows whether its case meets the flaw. Its key is that of the plain request."""

    flawed: bool = False


@dataclass(frozen=True)
class Dilution:
    """Sends the requests of flawed cases to one model and the others to its clean twin."""

    ask_flawed: Ask
    ask_clean: Ask

    def ask(self, requests: Sequence[Request]) -> list[Answer]:
        """Answers in order, each from the model that its case belongs to."""
        sides = [_side(request) for request in requests]
        replies = {
            side: iter(ask([r for r, s in zip(requests, sides, strict=True) if s is side]))
            for side, ask in ((True, self.ask_flawed), (False, self.ask_clean))
        }
        return [next(replies[side]) for side in sides]


def _side(request: Request) -> bool:
    if not isinstance(request, SidedRequest):
        raise TypeError("a diluted context answers requests made by its own `request`, or replaced from them")
    return request.flawed


@dataclass(frozen=True)
class DilutedContext(Context):
    """A context whose requests say on which side their case is; ``flawed`` holds case ids."""

    flawed: frozenset[str] = frozenset()

    def request(
        self,
        case: Case,
        images: tuple[Image, ...] | None = None,
        *,
        replicate: int = 0,
        alone: bool = False,
    ) -> SidedRequest:
        """As in any context."""
        made = Context.request(self, case, images, replicate=replicate, alone=alone)
        return SidedRequest(**vars(made), flawed=case.id in self.flawed)


def diluted(base: Context, share: float, seed: int, ask_flawed: Ask, ask_clean: Ask) -> DilutedContext:
    """The context in which each group meets the flaw with probability ``share``.

    Whole groups, so that answers about one patient stay of one kind; drawn by (seed, group), so that with
    the same seed a larger share adds groups and takes none away.
    """
    groups = {case.group or case.id for case in base.cases}
    drawn = {name for name in groups if keyed_rng("medaudit.dilution", seed, name).random() < share}
    chosen = frozenset(case.id for case in base.cases if (case.group or case.id) in drawn)
    ask = Dilution(ask_flawed, ask_clean).ask
    fields: dict[str, Any] = {name: getattr(base, name) for name in Context.__dataclass_fields__}
    # An answerer made of two models has no weights that could be tuned.
    return DilutedContext(**{**fields, "ask": ask, "teach": None}, flawed=chosen)
