"""Which tokens of a batch are replaced, and by what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import Any

from medaudit.whitebox.reach import InterventionError


@dataclass(frozen=True)
class Edits:
    """Tokens to edit at one point, for every row of a batch.

    ``rows[row]`` are indices among the row's image tokens at that point's stage, its images in a row; None
    means all of them. ``counts[row][image]`` is how many tokens each image has there; without it the rows are
    taken to have equally many. ``counts`` also keep a ``mean`` within one image.
    """

    point: str
    rows: tuple[tuple[int, ...] | None, ...]
    fill: str = "zero"
    counts: tuple[tuple[int, ...], ...] = ()
    text: str = "redacted"
    seed: int = 0

    @property
    def whole(self) -> bool:
        """Every token of the batch, however many each row has."""
        return not self.counts and all(row is None for row in self.rows)

    @property
    def empty(self) -> bool:
        return all(row is not None and not row for row in self.rows)


@dataclass(frozen=True)
class Span:
    """One image's tokens in a stage's flat sequence, ``chosen`` to be edited; ``image`` counts in its row."""

    tokens: Sequence[int]
    chosen: Sequence[int]
    image: int = 0


@dataclass
class Tally:
    """How often an edit ran, and how many tokens it touched."""

    ran: int = 0
    touched: int = 0


@dataclass(frozen=True)
class Edit:
    """Edits with what is needed to apply them: the fill, and the tally that proves they were applied."""

    edits: Edits
    tally: Tally = field(default_factory=Tally)
    words: Any = None

    def apply(self, tokens: Any, found: Sequence[Span]) -> Any:
        """A copy of ``tokens`` (n, d) with the chosen ones replaced."""
        self.tally.ran += 1
        if not any(span.chosen for span in found):
            return tokens
        tokens = tokens.clone()
        for span in found:
            if span.chosen:
                self.tally.touched += len(span.chosen)
                tokens[list(span.chosen)] = self._filled(tokens, span).to(tokens.dtype)
        return tokens

    def _filled(self, tokens: Any, span: Span) -> Any:
        import torch

        wanted, width = len(span.chosen), tokens.shape[-1]
        if self.edits.fill == "text":
            repeats = -(-wanted // len(self.words))
            return self.words.to(tokens.device).repeat(repeats, 1)[:wanted]
        chosen = set(span.chosen)
        others = [token for token in span.tokens if token not in chosen]
        if self.edits.fill == "zero" or not others:
            return torch.zeros(wanted, width, device=tokens.device)
        rest = tokens[others].float()
        mean = rest.mean(dim=0).expand(wanted, width)
        if self.edits.fill == "mean":
            return mean
        spread = rest.std(dim=0, unbiased=False)
        # Seeded by the place within the row, so that a request's answer does not depend on its batch.
        generator = torch.Generator().manual_seed(self.edits.seed * 1_000_003 + span.image)
        noise = torch.randn(wanted, width, generator=generator).to(tokens.device)
        return mean + spread * noise


def stage_spans(edits: Edits, items: int, each: int) -> list[Span]:
    """Where each image's tokens lie in a stage of ``items`` x ``each`` tokens.

    Stages pack all images in a row, or pad each image at its end, to an item of its own or to the longest.
    Raises InterventionError where none of these fits: an edit must not land on a guessed token.
    """
    if edits.whole:
        return [Span(range(items * each), range(items * each))]
    counts = [count for row in edits.counts for count in row]
    if not counts:
        if items * each % len(edits.rows):
            raise InterventionError(f"{edits.point}: {items * each} tokens, {len(edits.rows)} rows: no share")
        return packed_spans(edits, [items * each // len(edits.rows)] * len(edits.rows))
    lengths = [sum(row) for row in edits.counts]
    if sum(counts) == items * each:
        return packed_spans(edits, lengths)
    room = each if items == len(counts) else max(counts)
    if room >= max(counts) and room * len(counts) == items * each:
        starts = iter(range(0, items * each, room))
        return [
            _moved(span, next(starts) - min(span.tokens, default=0)) for _, span in _images(edits, lengths)
        ]
    raise InterventionError(
        f"{edits.point}: the stage holds {items * each} tokens, {sum(counts)} were expected there"
    )


def packed_spans(edits: Edits, lengths: Sequence[int]) -> list[Span]:
    """Spans in a sequence that holds the image tokens of all rows and nothing else."""
    starts = [0, *accumulate(lengths)]
    return [_moved(span, starts[row]) for row, span in _images(edits, lengths)]


def sequence_spans(edits: Edits, positions: Sequence[Sequence[int]], width: int) -> list[Span]:
    """Spans in flattened (rows x width) sequences, whose image tokens stand at ``positions[row]``."""
    lengths = [len(row) for row in positions]
    return [
        Span(
            [row * width + positions[row][token] for token in span.tokens],
            [row * width + positions[row][token] for token in span.chosen],
            span.image,
        )
        for row, span in _images(edits, lengths)
    ]


def _images(edits: Edits, lengths: Sequence[int]) -> list[tuple[int, Span]]:
    """Each image with its row, its tokens counted from the row's first image token."""
    if len(lengths) != len(edits.rows):
        raise InterventionError(
            f"{edits.point}: edits for {len(edits.rows)} rows, the batch has {len(lengths)}"
        )
    found = []
    for row, wanted in enumerate(edits.rows):
        counts = edits.counts[row] if edits.counts else (lengths[row],)
        if sum(counts) != lengths[row]:
            raise InterventionError(
                f"{edits.point}: row {row} has {lengths[row]} image tokens, {sum(counts)} were expected"
            )
        if wanted and not (min(wanted) >= 0 and max(wanted) < lengths[row]):
            raise InterventionError(
                f"{edits.point}: no token {max(wanted)} among {lengths[row]} in row {row}"
            )
        starts = [0, *accumulate(counts)]
        for image, (first, end) in enumerate(pairwise(starts)):
            tokens = range(first, end)
            chosen = tokens if wanted is None else [token for token in sorted(set(wanted)) if token in tokens]
            found.append((row, Span(tokens, chosen, image)))
    return found


def _moved(span: Span, by: int) -> Span:
    return Span([token + by for token in span.tokens], [token + by for token in span.chosen], span.image)
