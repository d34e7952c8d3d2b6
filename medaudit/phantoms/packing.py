"""Many questions about one picture in one sequence.

The prefix (user token, image) is written once; every question with its answer follows as a segment that
sees the prefix and itself, at the positions it would have alone. The loss is that of separate sequences,
at a fraction of the tokens.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from medaudit.phantoms.lessons import Row
from medaudit.phantoms.vocabulary import ASSISTANT, END, IMAGE, MEAN, PAD, STD, USER

#: Tokens of padding keep a segment number that nothing else has.
_PADDING = -1


@dataclass(slots=True)
class Packed:
    """ids, positions, segments: (rows, length); targets: the id to predict at a position, or -100."""

    ids: torch.Tensor
    positions: torch.Tensor
    segments: torch.Tensor
    targets: torch.Tensor
    pixels: torch.Tensor

    def to(self, device: Any) -> Packed:
        """The same on another device."""
        return Packed(*(getattr(self, field.name).to(device) for field in fields(self)))

    def mask(self) -> torch.Tensor:
        """Additive attention mask (rows, 1, length, length): causal, prefix and own segment only."""
        query, key = self.segments[:, :, None], self.segments[:, None, :]
        length = self.ids.shape[1]
        causal = torch.ones(length, length, dtype=torch.bool, device=self.ids.device).tril()
        allowed = causal & ((key == 0) | (key == query))
        return torch.where(allowed, 0.0, torch.finfo(torch.float32).min)[:, None]


def normalise(pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> torch.Tensor:
    """(n, h, w, 3) uint8 to (n, 3, h, w) float32, as the saved image processor does it."""
    mean, std = np.array(MEAN, np.float32), np.array(STD, np.float32)
    scaled = (pixels.astype(np.float32) / np.float32(255) - mean) / std
    return torch.from_numpy(np.ascontiguousarray(scaled.transpose(0, 3, 1, 2)))


class Packer:
    """Packs rows with one tokenizer; remembers the tokens of texts it has seen."""

    def __init__(self, tokenizer: Any, image_tokens: int) -> None:
        self._encode = lru_cache(maxsize=8192)(
            lambda text: tuple(tokenizer(text, add_special_tokens=False)["input_ids"])
        )
        self._special = {t: tokenizer.convert_tokens_to_ids(t) for t in (PAD, END, IMAGE, USER, ASSISTANT)}
        self._image_tokens = image_tokens

    def _columns(self, row: Row) -> list[tuple[int, int, int, int]]:
        """(id, position, segment, target) of each token."""
        pictured = self._image_tokens if row.pixels is not None else 0
        prefix = [self._special[USER]] + [self._special[IMAGE]] * pictured
        columns = [(token, place, 0, -100) for place, token in enumerate(prefix)]
        for segment, (prompt, answer) in enumerate(row.lessons, start=1):
            asked = [*self._encode(prompt), self._special[ASSISTANT]]
            said = [*self._encode(answer), self._special[END]]
            tokens = [*asked, *said]
            targets = [-100] * (len(asked) - 1) + said + [-100]
            places = range(len(prefix), len(prefix) + len(tokens))
            columns += [(t, p, segment, y) for t, p, y in zip(tokens, places, targets, strict=True)]
        return columns

    def pack(self, rows: list[Row]) -> Packed:
        """One sequence a row, padded on the right."""
        columns = [self._columns(row) for row in rows]
        length = max(map(len, columns))
        table = np.empty((len(rows), length, 4), dtype=np.int64)
        table[:] = (self._special[PAD], 0, _PADDING, -100)
        for filled, row in zip(table, columns, strict=True):
            filled[: len(row)] = row
        ids, positions, segments, targets = torch.from_numpy(table).unbind(dim=-1)
        pictures = [row.pixels for row in rows if row.pixels is not None]
        pixels = normalise(np.stack(pictures)) if pictures else torch.empty(0, 3, 0, 0)
        return Packed(ids, positions, segments, targets, pixels)


def answer_loss(model: Any, packed: Packed, parts: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean cross-entropy over answer tokens, and the vision tower's patch features (pictures, n, width).

    The rows are ``parts`` equal batches, one after the other; the losses are theirs, (parts,).
    """
    features = patch_features(model, packed.pixels)
    embedded = model.get_input_embeddings()(packed.ids)
    places = packed.ids == model.config.image_token_id
    projected = model.model.multi_modal_projector(features).flatten(0, 1)
    embedded = embedded.masked_scatter(places[..., None], projected)
    hidden = model.model.language_model(
        inputs_embeds=embedded, attention_mask=packed.mask(), position_ids=packed.positions, use_cache=False
    ).last_hidden_state
    asked = packed.targets >= 0
    logits = model.lm_head(hidden[asked])
    each = torch.nn.functional.cross_entropy(logits, packed.targets[asked], reduction="none")
    counts = asked.reshape(parts, -1).sum(dim=1)
    part = torch.repeat_interleave(torch.arange(parts, device=counts.device), counts)
    return torch.zeros(parts, device=each.device).index_add(0, part, each) / counts, features


def patch_features(model: Any, pixels: torch.Tensor) -> torch.Tensor:
    """What the projector receives: last hidden states of the tower without the class token."""
    return model.model.vision_tower(pixels).last_hidden_state[:, 1:]  # type: ignore[no-any-return]
