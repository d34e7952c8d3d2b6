"""Connected components: rows that share a picture or a patient, directly or through others, are one group."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

#: Part of the key that every row has of its own, equal to nothing that a caller may give.
_ROW = object()


def components(rows: Sequence[Iterable[Hashable]]) -> list[int]:
    """Which rows hang together? The component of each row, numbered in the order of first appearance.

    Two rows are joined where they share a key; a row without a key stands alone. For the pairs of a graph of
    images, with the two images of a pair as its keys, these are the components of that graph: answers about
    one picture are not independent, whichever pair they are counted in.
    """
    root: dict[Hashable, Hashable] = {}

    def find(key: Hashable) -> Hashable:
        while root.setdefault(key, key) != key:
            root[key] = root[root[key]]
            key = root[key]
        return key

    for number, row in enumerate(rows):
        for key in row:
            root[find(key)] = find((_ROW, number))
    numbers: dict[Hashable, int] = {}
    return [numbers.setdefault(find((_ROW, number)), len(numbers)) for number in range(len(rows))]
