"""The probe ``spurious`` on the page: a block for each question, and in it a strip of pictures a cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from medaudit.reports import format, loose
from medaudit.reports.gallery_words import (
    ABSENT,
    CONFIRMED,
    FAITHFUL,
    FOUND,
    INSUFFICIENT,
    NOT_FOUND,
    NOTHING,
    cluster_sentence,
    detectable,
    influence_words,
    rates,
    state,
    verdict,
)
from medaudit.reports.items import Item
from medaudit.reports.pictures import Pictures
from medaudit.reports.shots import Shot, names, shots

#: Questions with a block of their own, and answers in a cluster's table.
MOST_TASKS, MOST_CLASSES = 16, 20
_ORDER = (CONFIRMED, FOUND, FAITHFUL, NOT_FOUND, INSUFFICIENT, ABSENT)
_FLIPS = {"removal_flip": "painted over", "insertion_flip": "pasted in"}
_OURS = ("gap", "influence", *_FLIPS)
_OPEN = (FOUND, CONFIRMED, FAITHFUL)


@dataclass(frozen=True)
class Edit:
    """One direction: what was done, the share of answers changed by it and by its control, the difference."""

    name: str
    kind: str
    rate: str
    control: str
    item: Item


@dataclass(frozen=True)
class ClusterBlock:
    """One cluster: pictures, or ids where none may be shown; accuracies by answer; edits on one scale."""

    name: str
    sentence: Markup
    counted: str
    gap: Item
    shots: list[Shot]
    ids: list[str]
    classes: list[tuple[str, str, str]]
    edits: list[Edit]
    unedited: str
    influence: str
    items: list[Item]

    @property
    def confirmed(self) -> bool:
        """Whether an edit had the effect that the cluster predicts."""
        return any(_data(edit.item).get("confirmed") is True for edit in self.edits)


@dataclass(frozen=True)
class TaskBlock:
    """One question: its verdict in words, ``found`` clusters, and those that were ``looked`` at only."""

    item: Item
    question: str
    options: str
    word: str
    sentence: str
    detectable: str
    found: list[ClusterBlock]
    looked: list[ClusterBlock]

    @property
    def clusters(self) -> list[ClusterBlock]:
        return [*self.found, *self.looked]


@dataclass(frozen=True)
class Gallery:
    """``kept_out`` says why there are no pictures; ``shown`` are the ids of the findings that stand here."""

    tasks: list[TaskBlock]
    left_out: int
    kept_out: str
    shown: frozenset[int]


def gallery(items: Sequence[Item], pictures: Pictures) -> Gallery | None:
    """Blocks for the tasks of ``spurious``, what was found first; None where no finding names a question."""
    tasks = [item for item in items if item.metric == "shortcut" and "question" in item.slice]
    if not tasks:
        return None
    tasks.sort(key=lambda item: _ORDER.index(state(item)))
    blocks = [_task(item, items, pictures) for item in tasks[:MOST_TASKS]]
    clusters = [each for block in blocks for each in block.clusters]
    drawn = any(each.shots for each in clusters)
    stands = [block.item for block in blocks]
    stands += [item for each in clusters for item in each.items]
    return Gallery(
        tasks=blocks,
        left_out=len(tasks) - len(blocks),
        kept_out=pictures.absent if not drawn and any(each.ids for each in clusters) else "",
        shown=frozenset(map(id, stands)),
    )


def _task(item: Item, items: Sequence[Item], pictures: Pictures) -> TaskBlock:
    own = [each for each in items if {**each.slice, "cluster": 0} == {**item.slice, "cluster": 0}]
    gaps = [each for each in own if each.metric == "gap" and "cluster" in each.slice]
    became = state(item)
    blocks = [_cluster(became, gap, own, pictures) for gap in gaps]
    blocks.sort(key=lambda block: (not block.confirmed, block.name != str(_data(item).get("cluster"))))
    found = [block for block in blocks if became in _OPEN and _data(block.gap).get("kept") is True]
    return TaskBlock(
        item=item,
        question=loose.text(str(item.slice["question"])),
        options=loose.text(str(item.slice.get("options", ""))),
        word=verdict(item),
        sentence=NOTHING.get(became, ""),
        detectable=detectable(item) if became in (NOT_FOUND, INSUFFICIENT) else "",
        found=found,
        looked=[block for block in blocks if block not in found],
    )


def _cluster(became: str, gap: Item, items: Sequence[Item], pictures: Pictures) -> ClusterBlock:
    own = [each for each in items if each.slice.get("cluster") == gap.slice["cluster"]]
    own = [each for each in own if each.metric in _OURS]
    flips = [each for each in own if each.metric in _FLIPS]
    # What belongs to whole images cannot be edited in either direction, for one reason.
    reasons = {flip.why for flip in flips if flip.estimate is None}
    unedited = reasons.pop() if len(reasons) == 1 and all(flip.estimate is None for flip in flips) else ""
    data, name = _data(gap), loose.text(str(gap.slice["cluster"]))
    return ClusterBlock(
        name=name,
        sentence=cluster_sentence(became, gap, flips, name),
        counted=loose.text(data.get("sentence")),
        gap=gap,
        shots=shots(data, pictures),
        ids=names(data),
        classes=[_class(row) for row in loose.rows(data.get("classes"), MOST_CLASSES)],
        edits=[] if unedited else [_edit(flip) for flip in flips],
        unedited=unedited,
        influence=influence_words(own),
        items=own,
    )


def _class(row: Mapping[str, Any]) -> tuple[str, str, str]:
    """An answer, and its accuracy (n) with the cluster and without."""
    return loose.text(row.get("answer")), _accuracy(row.get("with")), _accuracy(row.get("without"))


def _accuracy(value: Any) -> str:
    side = loose.mapping(value)
    share, n = loose.number(side.get("accuracy")), loose.count(side.get("n"))
    shown = "none" if share is None else format.quantity(share, "share")
    return f"{shown} (n {format.count(n)})"


def _edit(flip: Item) -> Edit:
    rate, control = rates(flip)
    return Edit(_FLIPS[flip.metric], loose.text(_data(flip).get("edit")), rate, control, flip)


def _data(item: Item) -> Mapping[str, Any]:
    return loose.mapping(item.finding.get("data"))
